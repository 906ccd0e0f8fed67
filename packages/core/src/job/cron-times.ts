/**
 * The times of a cron expression, for people to look at before it is used.
 *
 * @module
 */
import { checkDate, checkFields, integer, text } from '../foundation/argument-checks.ts';
import { readPlan } from './interval-plan.ts';

const DEFAULT_COUNT = 10;
const MOST_TIMES = 10_000;

/** Which times are wanted. */
export interface CronTimesOptions {
  /** The time zone of the expression, such as `Europe/Berlin`. @default 'UTC' */
  readonly timezone?: string;
  /** Only times later than this. */
  readonly after: Date;
  /** No times later than this. @default none */
  readonly until?: Date;
  /** How many at most, from 1 to 10000. @default 10 */
  readonly limit?: number;
}

/**
 * The times that a cron expression means, the earliest first, as series of it have them: days when the clock is changed
 * are counted in.
 *
 * @param cron - 5 fields; 6 with seconds; or `@daily` and its like; also the `repeatInterval` of a job, which may be an
 * interval
 * @throws InvalidCronError with the position of the fault and a valid example
 * @throws InvalidArgumentError naming the option that is wrong
 */
export function cronTimes(cron: string, options: CronTimesOptions): Date[] {
  checkFields('options', options, {
    timezone: text(64),
    after: checkDate,
    until: checkDate,
    limit: integer(1, MOST_TIMES),
  });
  const { timezone, after, until, limit = DEFAULT_COUNT } = options;
  checkDate('options.after', after);
  const plan = readPlan('cron', cron, timezone);
  const times: Date[] = [];
  let next = plan.next(after);
  while (next !== null && times.length < limit && !(until !== undefined && next > until)) {
    times.push(next);
    next = plan.next(next);
  }
  return times;
}
