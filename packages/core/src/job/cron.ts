/**
 * Cron expressions: which instants they mean in a time zone.
 *
 * cron-parser matches the fields, always on plain days of 24 hours; what a wall clock does on the days when it is
 * changed is computed here. There are two kinds of expressions:
 * - One that restricts the hour, also by a step, means times of day. A time that a day does not have, since the clock
 *   is put forward, comes at the moment it is put forward; a time that a day has twice counts the first time. So each
 *   is there once.
 * - One for every hour (`*`) means what a clock shows: the hour that is left out has none, the one that is there twice
 *   has its times twice, and the distance between two of them stays the same.
 *
 * Expressions are read strictly: cron-parser takes `janfeb` for December and draws `H` at random, so what may stand in
 * a field is checked here first.
 *
 * What always holds: `next` is later than what it is asked after, and no instant of the plan lies between the two.
 *
 * @module
 */
import { type CronExpression, CronExpressionParser } from 'cron-parser';
import {
  InvalidArgumentError,
  InvalidCronError,
  messageOf,
  toError,
} from '../foundation/errors.ts';
import { intervalMsOf } from '../foundation/intervals.ts';
import { FIELDS, faultOfField, withoutDuplicates } from './cron-fields.ts';

/** The instants a cron expression means. */
export interface CronPlan {
  /** The expression with single spaces. */
  readonly expression: string;
  /** The first instant later than `after`; null when there is none. */
  next(after: Date): Date | null;
  /** The last instant before `before`, given one that is: `first`. */
  last(first: Date, before: Date): Date;
}

/** The time zone of an expression that states none: the processes of a cluster must agree on it. */
const DEFAULT_TIMEZONE = 'UTC';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 3_600_000;
/** How many steps on are tried one by one before halving. */
const MOST_WALKED = 3;
const MOST_CACHED = 500;
/** cron-parser takes no more characters; all values of all fields need about half. */
const LONGEST_EXPRESSION = 1_024;

/** What expressions with names stand for. */
const ALIASES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
  '@minutely': '* * * * *',
  '@secondly': '* * * * * *',
};

const cache = new Map<string, CronPlan>();

/**
 * Reads a cron expression: 5 fields (minute, hour, day of month, month, day of week), 6 with seconds first, or a name
 * such as `@daily`. With both days restricted, either is enough.
 *
 * Fields hold `*`, values, ranges and steps, in lists; months and days of the week also by the first three letters of
 * their names; `L` for the last day of the month, `5L` for its last Friday, `1#2` for its second Monday.
 *
 * @param field - what the expression is called in errors
 * @throws InvalidCronError with the position of the fault
 * @throws InvalidArgumentError when the expression is no text, or the time zone is not known
 */
export function parseCron(
  field: string,
  expression: unknown,
  timezone: string = DEFAULT_TIMEZONE,
): CronPlan {
  if (typeof expression !== 'string') {
    throw new InvalidArgumentError(field, 'a cron expression', expression);
  }
  const key = `${timezone} ${expression}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const zone = makeZone(timezone);
  const plan = new ZonedCron(expression, zone);
  if (cache.size >= MOST_CACHED) cache.clear();
  cache.set(key, plan);
  return plan;
}

class ZonedCron implements CronPlan {
  readonly expression: string;
  readonly #wall: CronExpression;
  readonly #zone: Zone;
  readonly #isHourly: boolean;

  constructor(given: string, zone: Zone) {
    this.expression = given.trim().split(/\s+/).join(' ');
    this.#zone = zone;
    this.#wall = parseFields(given);
    this.#isHourly = this.#wall.fields.hour.values.length === 24;
  }

  next(after: Date): Date | null {
    // Occurrences are whole seconds.
    const afterMs = Math.floor(after.getTime() / 1_000) * 1_000;
    const nextMs = this.#isHourly ? this.#nextShown(afterMs) : this.#nextTimeOfDay(afterMs);
    return nextMs === null ? null : new Date(nextMs);
  }

  last(first: Date, before: Date): Date {
    for (let spanMs = MINUTE_MS; ; spanMs *= 2) {
      const startMs = before.getTime() - spanMs;
      if (startMs <= first.getTime()) return this.#lastFrom(first, before);
      const found = this.next(new Date(startMs));
      if (found !== null && found < before) return this.#lastFrom(found, before);
    }
  }

  /** The last instant before another; mostly one of the next after a first one that is near. */
  #lastFrom(first: Date, before: Date): Date {
    let last = first;
    for (let walked = 0; walked < MOST_WALKED; walked += 1) {
      const next = this.next(last);
      if (next === null || next >= before) return last;
      last = next;
    }
    // Many may follow, as the seconds of one day in a year.
    let [low, high] = [last.getTime() / 1_000, Math.ceil(before.getTime() / 1_000) - 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const next = this.next(new Date(middle * 1_000));
      if (next === null || next >= before) high = middle;
      else low = next.getTime() / 1_000;
    }
    return new Date(low * 1_000);
  }

  /** The next time of day, each of which is there once. */
  #nextTimeOfDay(afterMs: number): number | null {
    let wallMs = afterMs + this.#zone.offsetMs(afterMs);
    for (;;) {
      const nextWallMs = this.#nextWall(wallMs);
      if (nextWallMs === null) return null;
      const instantMs = this.#instantOf(nextWallMs);
      // In an hour that is there twice the first time may be over.
      if (instantMs > afterMs) return instantMs;
      wallMs = nextWallMs;
    }
  }

  /** When a wall clock shows a time first; the moment it is put forward when it never does. */
  #instantOf(wallMs: number): number {
    // Zones are 12 hours behind UTC to 14 ahead: a day off, UTC is before, or after, this time in each of them.
    const earlyMs = wallMs - this.#zone.offsetMs(wallMs - DAY_MS);
    if (earlyMs + this.#zone.offsetMs(earlyMs) === wallMs) return earlyMs;
    const lateMs = wallMs - this.#zone.offsetMs(wallMs + DAY_MS);
    if (lateMs + this.#zone.offsetMs(lateMs) === wallMs) return lateMs;
    // The clock is put forward over this time, which by the offset of afterwards is before the change, and vice versa.
    return this.#firstChange(lateMs, earlyMs);
  }

  /** The next instant at which a wall clock shows what is wanted. */
  #nextShown(afterMs: number): number | null {
    let fromMs = afterMs;
    let wallMs = fromMs + this.#zone.offsetMs(fromMs);
    for (;;) {
      const nextWallMs = this.#nextWall(wallMs);
      if (nextWallMs === null) return null;
      const instantMs = nextWallMs - this.#zone.offsetMs(fromMs);
      const nearMs = fromMs + 2 * DAY_MS;
      const changeMs = this.#findChange(fromMs, Math.min(instantMs, nearMs));
      if (changeMs !== null) {
        fromMs = changeMs;
        // What is wanted may be shown right at a change, so that a search from there includes it.
        wallMs = changeMs + this.#zone.offsetMs(changeMs) - 1_000;
      } else if (instantMs <= nearMs) {
        return instantMs;
      } else {
        // What a clock shows again after a change further on, it showed since, and it was not wanted.
        fromMs = nextWallMs - 1.5 * DAY_MS;
        wallMs = fromMs + this.#zone.offsetMs(fromMs);
      }
    }
  }

  /** The first change of the offset later than one instant and up to another; null when there is none. */
  #findChange(fromMs: number, untilMs: number): number | null {
    const offsetMs = this.#zone.offsetMs(fromMs);
    for (let startMs = fromMs; startMs < untilMs; startMs += DAY_MS / 2) {
      const endMs = Math.min(startMs + DAY_MS / 2, untilMs);
      if (this.#zone.offsetMs(endMs) !== offsetMs) return this.#firstChange(startMs, endMs);
    }
    return null;
  }

  /** Where the offset changes between two instants, to the second. */
  #firstChange(fromMs: number, untilMs: number): number {
    const offsetMs = this.#zone.offsetMs(fromMs);
    let [low, high] = [Math.floor(fromMs / 1_000), Math.ceil(untilMs / 1_000)];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#zone.offsetMs(middle * 1_000) === offsetMs) low = middle;
      else high = middle;
    }
    return high * 1_000;
  }

  /** The next match of the fields on plain days; null when the parser finds none. */
  #nextWall(wallMs: number): number | null {
    try {
      this.#wall.reset(new Date(wallMs));
      return this.#wall.next().getTime();
    } catch {
      return null;
    }
  }
}

/** A time zone as far as it matters here. */
interface Zone {
  /** How far its clocks are ahead of UTC at an instant, in milliseconds. */
  offsetMs(instantMs: number): number;
}

function makeZone(timezone: string): Zone {
  if (timezone === 'UTC') return { offsetMs: () => 0 };
  const format = formatOf(timezone);
  return {
    offsetMs(instantMs) {
      // The text ends in `GMT`, or `GMT+05:45`, or with seconds for times before there were zones.
      const parts = format.format(instantMs).split(/([+-])(\d\d):(\d\d)(?::(\d\d))?$/);
      const [, sign, hours = 0, minutes = 0, seconds = 0] = parts;
      const ms = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
      return sign === '-' ? -ms : ms;
    },
  };
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  } catch {
    const expected = 'a time zone such as `Europe/Berlin`';
    throw new InvalidArgumentError('options.timezone', expected, timeZone);
  }
}

/** @throws InvalidCronError */
function parseFields(given: string): CronExpression {
  const start = given.length - given.trimStart().length;
  if (given.trim().startsWith('@')) return parseAlias(given, start);
  const parts = [...given.matchAll(/\S+/g)];
  const surplus = parts[FIELDS.length];
  if (surplus !== undefined) {
    throw new InvalidCronError(given, surplus.index, 'expected 5 or 6 fields, got more');
  }
  if (parts.length < 5) {
    const fault = `expected 5 or 6 fields, got ${parts.length}${intervalHint(given)}`;
    throw new InvalidCronError(given, given.length, fault);
  }
  if (parts.map(([part]) => part).join(' ').length > LONGEST_EXPRESSION) {
    const fault = `expected at most ${LONGEST_EXPRESSION} characters`;
    throw new InvalidCronError(given, LONGEST_EXPRESSION, fault);
  }
  checkFields(given, parts);
  const fields = FIELDS.slice(FIELDS.length - parts.length);
  const distinct = fields.map((field, index) => {
    return withoutDuplicates((parts[index] as RegExpExecArray)[0], field);
  });
  return parsePossible(given, distinct.join(' '), parts[parts.length - 3] as RegExpExecArray);
}

/** Other libraries take `5 minutes` here. */
function intervalHint(given: string): string {
  const isInterval = intervalMsOf(given) !== undefined;
  return isInterval ? `; for an interval pass \`{ every: '${given.trim()}' }\`` : '';
}

/** @throws InvalidCronError for the first field that cannot be read */
function checkFields(given: string, parts: readonly RegExpExecArray[]): void {
  const leftOut = FIELDS.length - parts.length;
  for (const [index, field] of FIELDS.slice(leftOut).entries()) {
    const part = parts[index] as RegExpExecArray;
    const fault =
      faultOfField(part[0], field) ?? refusalOf(withoutDuplicates(part[0], field), index + leftOut);
    if (fault !== undefined) {
      throw new InvalidCronError(given, part.index, `${field.name}: ${fault}`);
    }
  }
}

/** Why cron-parser refuses one field by itself, as for days in ways that do not go together. */
function refusalOf(text: string, position: number): string | undefined {
  try {
    parse(FIELDS.map((_, index) => (index === position ? text : '*')).join(' '));
    return undefined;
  } catch (error) {
    return messageOf(toError(error));
  }
}

/** @throws InvalidCronError for a date that never comes */
function parsePossible(given: string, text: string, dayOfMonth: RegExpExecArray): CronExpression {
  try {
    const wall = parse(text);
    wall.next();
    return wall;
  } catch {
    throw new InvalidCronError(given, dayOfMonth.index, 'day of month: no month has such a day');
  }
}

function parseAlias(given: string, start: number): CronExpression {
  const fields = ALIASES[given.trim()];
  if (fields !== undefined) return parse(fields);
  throw new InvalidCronError(given, start, `expected one of ${Object.keys(ALIASES).join(', ')}`);
}

function parse(fields: string): CronExpression {
  return CronExpressionParser.parse(fields, { tz: 'UTC', currentDate: new Date(0) });
}
