/**
 * How values that a caller gave are checked: each check names the field, what was expected and what was got.
 *
 * @module
 */
import { type ObjectId, ObjectId as ObjectIdClass } from 'mongodb';
import { InvalidArgumentError } from './errors.ts';
import { intervalMsOf } from './intervals.ts';
import { isValidDate } from './kinds.ts';

/** Refuses a value that does not fit with an `InvalidArgumentError` that names the field. */
export type Check = (field: string, value: unknown) => void;

/** One day in milliseconds. */
export const DAY_MS = 86_400_000;

/** 365 days in milliseconds. */
export const YEAR_MS: number = 365 * DAY_MS;

const LONGEST_NAME = 256;

/** Checks the name of a job: a text of 1 to 256 characters. */
export const checkJobName: Check = text(LONGEST_NAME);

/** Checks that a value is a function. */
export const checkFunction: Check = (field, value) => {
  if (typeof value !== 'function') throw new InvalidArgumentError(field, 'a function', value);
};

/** Takes an id as an ObjectId or as 24 hexadecimal characters. */
export function toObjectId(field: string, value: unknown): ObjectId {
  const hex =
    typeof value === 'object' &&
    value !== null &&
    'toHexString' in value &&
    typeof value.toHexString === 'function'
      ? value.toHexString()
      : value;
  if (typeof hex === 'string' && /^[0-9a-f]{24}$/i.test(hex)) {
    return ObjectIdClass.createFromHexString(hex);
  }
  throw new InvalidArgumentError(field, 'an ObjectId or 24 hexadecimal characters', value);
}

/** Checks every field of an object; a field without a check is refused, with the name it may have been meant to be. */
export function checkFields(
  field: string,
  options: unknown,
  checks: Readonly<Record<string, Check>>,
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(field, 'an object', options);
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) throw unknownField(field, name, Object.keys(checks));
    if (value !== undefined) check(`${field}.${name}`, value);
  }
}

function unknownField(field: string, name: string, known: readonly string[]): InvalidArgumentError {
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, candidate.length / 3))
    .sort((a, b) => a.distance - b.distance);
  const ofOthers = WORDS_ELSEWHERE.get(name)?.find((option) => known.includes(option));
  const meant = ofOthers ?? nearest?.candidate;
  const hint = meant === undefined ? FOREIGN_HINTS.get(name) : `did you mean \`${meant}\`?`;
  return new InvalidArgumentError(field, `one or more of: ${known.join(', ')}`, name, hint);
}

/** What other libraries call an option, with what it may be here. */
const WORDS_ELSEWHERE: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    attempts: ['maxRetries'],
    retries: ['maxRetries'],
    retryLimit: ['maxRetries'],
    maxAttempts: ['maxRetries'],
    retryDelay: ['backoff', 'baseRetryInterval'],
    retryBackoff: ['backoff'],
    tz: ['timezone'],
    timeZone: ['timezone'],
    jobId: ['uniqueKey'],
    singletonKey: ['uniqueKey'],
    unique: ['uniqueKey'],
    processEvery: ['pollInterval'],
    pollingInterval: ['pollInterval'],
    startAfter: ['runAt', 'startAt'],
    scheduledAt: ['runAt'],
    startDate: ['startAt'],
    endDate: ['endAt'],
    expireInSeconds: ['timeout'],
    lockLifetime: ['leaseDuration', 'timeout'],
    lockDuration: ['leaseDuration'],
    maxConcurrency: ['instanceConcurrency', 'concurrency'],
    removeOnComplete: ['jobRetention'],
    removeOnFail: ['jobRetention'],
    collection: ['collectionName'],
  }),
);

/** Words for what is no option here, with where it is. */
const FOREIGN_HINTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    db: 'pass the database first: new Monque(db, options)',
    connection: 'pass the database first: new Monque(db, options)',
    repeat: 'a series is made with schedule(cron, name, data, options)',
    cron: 'a series is made with schedule(cron, name, data, options)',
    every: "a series is made with schedule({ every: '5 minutes' }, name, data, options)",
    interval: "a series is made with schedule({ every: '5 minutes' }, name, data, options)",
    repeatEvery: "a series is made with schedule({ every: '5 minutes' }, name, data, options)",
  }),
);

/** How many letters must be changed, added or removed to make one word the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line += 1) {
    const next = [line];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[line - 1]?.toLowerCase() === to[column - 1]?.toLowerCase();
      const replaced = Number(row[column - 1]) + (same ? 0 : 1);
      next.push(Math.min(replaced, Number(row[column]) + 1, Number(next[column - 1]) + 1));
    }
    row = next;
  }
  return Number(row.at(-1));
}

/** An integer within bounds. */
export function integer(least: number, most: number): Check {
  return (field, value) => {
    const fits = Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
    if (!fits) {
      const expected = `an integer from ${least} to ${most}`;
      throw new InvalidArgumentError(field, expected, value, intervalHint(value));
    }
  };
}

/** Other libraries take `5 minutes`; here it is a number. */
function intervalHint(value: unknown): string | undefined {
  const ms = typeof value === 'string' ? intervalMsOf(value) : undefined;
  if (ms === undefined) return undefined;
  return /^\s*\d+\s*$/.test(String(value))
    ? 'give a number, not a text'
    : `times are numbers of milliseconds: ${value} are ${ms}`;
}

/** One of a few values. */
export function oneOf(...allowed: readonly unknown[]): Check {
  return (field, value) => {
    if (allowed.includes(value)) return;
    const words = allowed.map((item) => (typeof item === 'string' ? `'${item}'` : String(item)));
    throw new InvalidArgumentError(field, words.join(' or '), value);
  };
}

/** Refuses a text cut inside a character, as within an emoji: MongoDB stores it as another text. */
export function checkWellFormed(field: string, value: string): void {
  if (value.isWellFormed()) return;
  throw new InvalidArgumentError(field, 'well-formed Unicode, without half a character', value);
}

/** A text that is not empty. */
export function text(longest: number): Check {
  return (field, value) => {
    if (typeof value !== 'string' || value.length === 0 || value.length > longest) {
      throw new InvalidArgumentError(field, `a string of 1 to ${longest} characters`, value);
    }
    checkWellFormed(field, value);
  };
}

/** A name that MongoDB allows for a collection. */
export function checkCollectionName(field: string, value: unknown): void {
  text(200)(field, value);
  if (/[$\0]|^system\.|^\.|\.$/.test(String(value))) {
    throw new InvalidArgumentError(field, 'a name MongoDB allows for a collection', value);
  }
}

/** A valid Date. */
export function checkDate(field: string, value: unknown): void {
  if (!isValidDate(value)) {
    throw new InvalidArgumentError(field, 'a valid Date', value, dateHint(value));
  }
}

/** Other libraries take `in 5 minutes`, and milliseconds. */
function dateHint(value: unknown): string | undefined {
  const ms = typeof value === 'string' ? intervalMsOf(value.replace(/^\s*in\s+/i, '')) : value;
  if (typeof ms !== 'number' || Number.isNaN(ms)) return undefined;
  return typeof value === 'string'
    ? `for a time from now: new Date(Date.now() + ${ms})`
    : 'of milliseconds since 1970 make one: new Date(ms)';
}

/** An object with these methods. */
export function hasMethods(...names: readonly string[]): Check {
  return (field, value) => {
    const missing = names.filter(
      (name) => typeof (value as Record<string, unknown> | null)?.[name] !== 'function',
    );
    if (missing.length > 0) {
      throw new InvalidArgumentError(
        field,
        `an object with the methods ${names.join(', ')}`,
        value,
      );
    }
  };
}

/** A number within bounds, whole or not. */
export function numberFrom(least: number, most: number): Check {
  return (field, value) => {
    const fits = typeof value === 'number' && value >= least && value <= most;
    if (!fits) throw new InvalidArgumentError(field, `a number from ${least} to ${most}`, value);
  };
}

/** An object with these fields, all of which may be left out unless they are named as required. */
export function fields(
  checks: Readonly<Record<string, Check>>,
  required: readonly string[] = [],
): Check {
  return (field, value) => {
    checkFields(field, value, checks);
    const missing = required.find((name) => (value as Record<string, unknown>)[name] === undefined);
    if (missing !== undefined) {
      throw new InvalidArgumentError(`${field}.${missing}`, 'given', undefined);
    }
  };
}
