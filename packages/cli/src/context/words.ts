/**
 * Numbers and times as people read them.
 *
 * @module
 */

const UNITS = [
  { ms: 86_400_000, name: 'd' },
  { ms: 3_600_000, name: 'h' },
  { ms: 60_000, name: 'm' },
  { ms: 1_000, name: 's' },
] as const;

/** A time span such as `3m` or `250ms`. */
export function span(ms: number): string {
  const unit = UNITS.find((candidate) => Math.abs(ms) >= candidate.ms);
  return unit ? `${Math.round(ms / unit.ms)}${unit.name}` : `${Math.round(ms)}ms`;
}

/** A time beside now, such as `in 3m` or `3m ago`. */
export function beside(time: Date | undefined, now: Date): string {
  if (time === undefined) return '';
  const ms = time.getTime() - now.getTime();
  return ms > 0 ? `in ${span(ms)}` : `${span(-ms)} ago`;
}

/** `1 job`, `2 jobs`, `1000+ jobs`. */
export function counted(count: number, noun: string, isCut = false): string {
  return `${count}${isCut ? '+' : ''} ${noun}${count === 1 && !isCut ? '' : 's'}`;
}

/** A count that ends at a bound: `12`, or `1000+` for as many as are counted. */
export function countedUpTo(count: number, most: number): string {
  return `${count}${count < most ? '' : '+'}`;
}
