/**
 * Values of options: durations, times, numbers, extended JSON.
 *
 * @module
 */
import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/;

/** A duration such as `90s`, `2h` or `500ms`, in milliseconds. */
export function milliseconds(text: string): number {
  const [, amount, unit = ''] = DURATION.exec(text) ?? [];
  if (amount === undefined)
    throw new InvalidArgumentError('A duration is a number with ms, s, m, h, d or w.');
  return Math.round(Number(amount) * Number(UNITS[unit]));
}

/** So many in a time, such as `100/1m`. */
export function startRate(text: string): { readonly limit: number; readonly per: number } {
  const [, limit, per] = /^(\d+)\/(.+)$/.exec(text) ?? [];
  if (limit === undefined || per === undefined)
    throw new InvalidArgumentError('A rate is a number and a duration, such as 100/1m.');
  return { limit: Number(limit), per: milliseconds(per) };
}

/** The word `default`, or a value. */
export function orDefault<T>(parse: (text: string) => T): (text: string) => T | 'default' {
  return (text) => (text === 'default' ? text : parse(text));
}

/** A whole number from `least` to `most`. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most && text.trim() !== '')
      return value;
    throw new InvalidArgumentError(`A whole number from ${least} to ${most} is expected.`);
  };
}

const CLOCK_TIME = /^([01]?\d|2[0-3]):([0-5]\d)$/;

/** What a time may look like, for help and errors. */
export const TIME_FORMS = 'an ISO time, `noon`, `midnight`, `14:30`, or a duration such as 2h';

/** A moment of the past: a time, or a duration before now. A time of day is the last one in this machine's zone. */
export function pastTime(now: () => Date): (text: string) => Date {
  return (text) => moment(text, now(), -1);
}

/** A moment to come: a time, or a duration from now. A time of day is the next one in this machine's zone. */
export function futureTime(now: () => Date): (text: string) => Date {
  return (text) => moment(text, now(), 1);
}

function moment(text: string, now: Date, direction: -1 | 1): Date {
  if (text === 'now') return now;
  if (DURATION.test(text)) return new Date(now.getTime() + direction * milliseconds(text));
  const words: Readonly<Record<string, string>> = { noon: '12:00', midnight: '0:00' };
  const [, hours, minutes] = CLOCK_TIME.exec(words[text] ?? text) ?? [];
  if (hours !== undefined) {
    const today = new Date(now);
    today.setHours(Number(hours), Number(minutes), 0, 0);
    // Noon that is still to come is no time of the past, nor the other way round.
    const isWrongWay = (today.getTime() - now.getTime()) * direction < 0;
    if (isWrongWay) today.setDate(today.getDate() + direction);
    return today;
  }
  const time = new Date(/^\d{4}-\d\d/.test(text) ? text : Number.NaN);
  if (!Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError(`A time is ${TIME_FORMS}.`);
}

/** Collects an option that may be given several times, or as a list with commas. */
export function list(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(',').filter((item) => item !== '')];
}

/** Collects pairs such as `tenant=acme`. */
export function pair(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('A pair such as name=value is expected.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
