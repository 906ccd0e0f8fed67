import { zone } from '../app/preferences.ts';

const UNITS = [
  { ms: 86_400_000, short: 'd' },
  { ms: 3_600_000, short: 'h' },
  { ms: 60_000, short: 'min' },
  { ms: 1_000, short: 's' },
] as const;

/** A span of time, such as `3 min 20 s`: the largest unit, and the next where the first is small. */
export function span(ms: number): string {
  const whole = Math.abs(ms);
  const index = UNITS.findIndex((unit) => whole >= unit.ms);
  if (index < 0) return whole === 0 ? '0 s' : `${Math.max(1, Math.round(whole))} ms`;
  const unit = UNITS[index] ?? UNITS[3];
  const count = whole / unit.ms;
  if (unit.ms === 1_000 && count < 10 && whole % 1_000 !== 0) return `${count.toFixed(1)} s`;
  const next = UNITS[index + 1];
  const first = Math.floor(count);
  const rest = next ? Math.floor((whole - first * unit.ms) / next.ms) : 0;
  return next && first < 10 && rest > 0
    ? `${first} ${unit.short} ${rest} ${next.short}`
    : `${first} ${unit.short}`;
}

/** A time before or after another: `12 s ago`, `in 3 h`. */
export function relative(at: number, from: number): string {
  const difference = at - from;
  if (Math.abs(difference) < 1_000) return 'now';
  // What moves with the clock moves by whole seconds.
  const whole = Math.trunc(difference / 1_000) * 1_000;
  return difference < 0 ? `${span(whole)} ago` : `in ${span(whole)}`;
}

/** How long it is since a time, in whole seconds. */
export function since(at: number, to: number): string {
  return span(Math.max(0, Math.trunc((to - at) / 1_000) * 1_000));
}

const makers = new Map<string, Intl.DateTimeFormat>();

function maker(style: 'full' | 'short' | 'time', timeZone?: string): Intl.DateTimeFormat {
  const chosen = timeZone ?? (zone.value === 'utc' ? 'UTC' : undefined);
  const key = `${style} ${chosen}`;
  const known = makers.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    ...(chosen && { timeZone: chosen }),
    ...(style !== 'time' && { day: 'numeric', month: 'short' }),
    ...(style === 'full' && { year: 'numeric' }),
    ...{ hour: '2-digit', minute: '2-digit' },
    ...((style === 'full' || style === 'time') && { second: '2-digit' }),
    ...(style === 'full' && { timeZoneName: 'short' }),
  });
  makers.set(key, made);
  return made;
}

/** A time with all that sets it apart from others: `28 Nov 2026, 08:45:12 UTC`. */
export function absolute(at: number, timeZone?: string): string {
  return maker('full', timeZone).format(at);
}

/** A time for a row: `28 Nov, 08:45`. */
export function brief(at: number, timeZone?: string): string {
  return maker('short', timeZone).format(at);
}

/** A time of a day: `08:45:12`. */
export function timeOfDay(at: number, timeZone?: string): string {
  return maker('time', timeZone).format(at);
}

const NUMBERS = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 });

/** A number with its thousands set apart. */
export function number(value: number): string {
  return NUMBERS.format(value);
}

/** A count that was bounded: `1,000+` where there may be more. */
export function bounded(value: number, isCut: boolean | undefined): string {
  return `${number(value)}${isCut ? '+' : ''}`;
}

/** `1 job`, `2 jobs`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** A part of a whole: `12.5 %`. */
export function percent(part: number): string {
  return `${NUMBERS.format(part * 100)} %`;
}
