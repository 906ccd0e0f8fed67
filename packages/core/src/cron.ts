/**
 * Cron expressions: which instants they mean in a time zone.
 *
 * cron-parser matches the fields, always on plain days of 24 hours; what a wall clock does on the days when it is
 * changed is reckoned here. There are two kinds of expressions:
 * - One with fixed hours means times of day. A time that a day does not have, since the clock is put forward, comes at
 *   the moment it is put forward; a time that a day has twice counts the first time. So each is there once.
 * - One for every hour (`*`) means what a clock shows: the hour that is left out has none, the one that is there twice
 *   has its times twice, and the distance between two of them stays the same.
 *
 * What always holds: `next` is later than what it is asked after, and never the same instant twice in a row.
 *
 * @module
 */
import { type CronExpression, CronExpressionParser } from 'cron-parser';
import { InvalidArgumentError, InvalidCronError, messageOf, toError } from './errors.ts';

/** The instants a cron expression means. */
export interface CronPlan {
  /** The expression with single spaces. */
  readonly expression: string;
  /** The first instant later than `after`; null when there is none. */
  next(after: Date): Date | null;
  /** The last instant before `before`; null when there is none within eight years. */
  previous(before: Date): Date | null;
}

/** The time zone of an expression that states none: the processes of a cluster must agree on it. */
const DEFAULT_TIMEZONE = 'UTC';

const MINUTE_MS = 60_000;
const HALF_DAY_MS = 12 * 3_600_000;
const LONGEST_LOOK_BACK_MS = 8 * 366 * 86_400_000;
const MOST_CACHED = 500;

/** Names for what a field stands for, and how many values it has. */
const FIELDS = [
  { name: 'second', span: 60 },
  { name: 'minute', span: 60 },
  { name: 'hour', span: 24 },
  { name: 'day of month', span: 31 },
  { name: 'month', span: 12 },
  { name: 'day of week', span: 7 },
] as const;

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

const FIELD_PATTERN = /^[0-9a-z*/,\-?#]+$/i;

const cache = new Map<string, CronPlan>();

/**
 * Reads a cron expression: 5 fields (minute, hour, day of month, month, day of week), 6 with seconds first, or a name
 * such as `@daily`. With both days restricted, either is enough.
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
    this.#isHourly = this.#wall.fields.hour.isWildcard;
  }

  next(after: Date): Date | null {
    // Occurrences are whole seconds.
    const afterMs = Math.floor(after.getTime() / 1_000) * 1_000;
    const nextMs = this.#isHourly ? this.#nextShown(afterMs) : this.#nextTimeOfDay(afterMs);
    return nextMs === null ? null : new Date(nextMs);
  }

  previous(before: Date): Date | null {
    for (let spanMs = MINUTE_MS; spanMs <= LONGEST_LOOK_BACK_MS; spanMs *= 2) {
      let last: Date | null = null;
      let next = this.next(new Date(before.getTime() - spanMs));
      while (next !== null && next < before) {
        last = next;
        next = this.next(next);
      }
      if (last !== null) return last;
    }
    return null;
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
    // Half a day before, and after, the offset is that of before, and after, a change.
    const beforeMs = wallMs - this.#zone.offsetMs(wallMs - HALF_DAY_MS);
    if (beforeMs + this.#zone.offsetMs(beforeMs) === wallMs) return beforeMs;
    const afterMs = wallMs - this.#zone.offsetMs(wallMs + HALF_DAY_MS);
    if (afterMs + this.#zone.offsetMs(afterMs) === wallMs) return afterMs;
    return this.#firstChange(
      Math.min(beforeMs, afterMs) - HALF_DAY_MS,
      Math.max(beforeMs, afterMs),
    );
  }

  /** The next instant at which a wall clock shows what is wanted. */
  #nextShown(afterMs: number): number | null {
    let fromMs = afterMs;
    // What is wanted may be shown right at a change, so that a search from there includes it.
    let wallMs = fromMs + this.#zone.offsetMs(fromMs);
    for (;;) {
      const nextWallMs = this.#nextWall(wallMs);
      if (nextWallMs === null) return null;
      const instantMs = nextWallMs - this.#zone.offsetMs(fromMs);
      const changeMs = this.#findChange(fromMs, instantMs);
      if (changeMs === null) return instantMs;
      fromMs = changeMs;
      wallMs = changeMs + this.#zone.offsetMs(changeMs) - 1_000;
    }
  }

  /** The first change of the offset later than one instant and up to another; null when there is none. */
  #findChange(fromMs: number, untilMs: number): number | null {
    const offsetMs = this.#zone.offsetMs(fromMs);
    for (let startMs = fromMs; startMs < untilMs; startMs += HALF_DAY_MS) {
      const endMs = Math.min(startMs + HALF_DAY_MS, untilMs);
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
      const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(instantMs));
      const [, sign, hours = 0, minutes = 0, seconds = 0] = match ?? [];
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
  const sixth = parts[6];
  if (sixth !== undefined) {
    throw new InvalidCronError(given, sixth.index, 'expected 5 or 6 fields, got more');
  }
  if (parts.length < 5) {
    throw new InvalidCronError(given, given.length, `expected 5 or 6 fields, got ${parts.length}`);
  }
  const fields = FIELDS.slice(6 - parts.length);
  for (const [index, { name, span }] of fields.entries()) {
    const part = parts[index] as RegExpExecArray;
    const fault = faultOf(part[0], index + 6 - parts.length, span);
    if (fault !== undefined) throw new InvalidCronError(given, part.index, `${name}: ${fault}`);
  }
  const dayOfMonth = parts[parts.length - 3] as RegExpExecArray;
  try {
    const wall = parse(parts.map(([text]) => text).join(' '));
    wall.reset(new Date(0));
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

/** What is wrong with one field by itself. */
function faultOf(text: string, position: number, span: number): string | undefined {
  if (!FIELD_PATTERN.test(text) || /h/i.test(text.replace(/thu|mar/gi, ''))) {
    return `'${text}' is not understood`;
  }
  const step = /\/(\d+)/.exec(text);
  if (step !== null && Number(step[1]) > span) {
    return `a step of ${step[1]} is more than the ${span} values there are`;
  }
  const others = FIELDS.map((_, index) => (index === position ? text : '*'));
  try {
    parse(others.join(' '));
    return undefined;
  } catch (error) {
    return messageOf(toError(error));
  }
}

function parse(fields: string): CronExpression {
  return CronExpressionParser.parse(fields, { tz: 'UTC', currentDate: new Date(0) });
}
