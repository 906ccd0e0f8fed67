/**
 * Intervals as people write them, such as `5 minutes`.
 *
 * @module
 */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const UNITS: Readonly<Record<string, number>> = {
  second: SECOND_MS,
  min: MINUTE_MS,
  minute: MINUTE_MS,
  hour: HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
};

const WORDS: Readonly<Record<string, number>> = {
  a: 1,
  an: 1,
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
};

const PART = /^(?:(\d+(?:\.\d+)?|[a-z]+)\s+)?([a-z]+?)s?$/;

/** The milliseconds of a text such as `1 hour and 30 minutes`, or of digits alone; undefined for any other. */
export function intervalMsOf(text: string): number | undefined {
  const plain = text.trim().toLowerCase();
  if (/^\d+$/.test(plain)) return Number(plain);
  const parts = plain.split(/\s*,\s*|\s+and\s+/).map(partToMs);
  return parts.reduce<number | undefined>(
    (sum, part) => (sum === undefined || part === undefined ? undefined : sum + part),
    0,
  );
}

function partToMs(part: string): number | undefined {
  const [, count = 'one', unit = ''] = PART.exec(part) ?? [];
  const unitMs = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  const number = Object.hasOwn(WORDS, count) ? WORDS[count] : Number(count);
  if (unitMs === undefined || number === undefined || Number.isNaN(number)) return undefined;
  return Math.round(number * unitMs);
}

/** Milliseconds as such a text, in the largest unit of which they are a whole number; else in seconds. */
export function intervalText(ms: number): string {
  const units = Object.entries(UNITS).filter(([, unitMs]) => ms % unitMs === 0);
  const [unit, unitMs] = units.at(-1) ?? ['second', SECOND_MS];
  const count = ms / unitMs;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
