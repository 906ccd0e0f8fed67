/**
 * What may be said of one series, and how wrong values are refused.
 *
 * @module
 */
import { type Check, checkDate, checkFields, oneOf, text } from '../foundation/argument-checks.ts';
import type { Session } from '../foundation/driver-shapes.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import type { BackoffPlan } from '../job/job.ts';
import type { JobMetadata } from '../job/metadata.ts';
import type { MissedPolicy } from '../job/next-run.ts';
import { checkUniqueKey, RUN_CHECKS } from './run-options.ts';
import { checkCallTimeout, checkSession } from './transaction-options.ts';

/** Options of one series. */
export interface ScheduleOptions {
  /** The time zone of the cron expression, such as `Europe/Berlin`; not with an interval. @default 'UTC' */
  readonly timezone?: string;
  /**
   * What tells this series from others of the same name; the same key again updates it. Without one the plan is the key,
   * so that another expression or interval makes another series.
   */
  readonly uniqueKey?: string;
  /** No run before this time. An interval is counted from it. */
  readonly startAt?: Date;
  /** No run after this time; with the last run the series is over. */
  readonly endAt?: Date;
  /**
   * What happens to times that passed while nobody could run them: `skip` passes them over, `once` runs once for all
   * of them, `all` runs each, at most the last 100. @default 'once'
   */
  readonly missed?: MissedPolicy;
  /** As of an enqueue. Keys of it that hold something else are set again with each call, other keys stay. */
  readonly metadata?: JobMetadata;
  /** Options of each run. */
  readonly priority?: number;
  readonly maxRetries?: number;
  readonly backoff?: BackoffPlan;
  readonly timeout?: number;
  /**
   * Milliseconds after which this call fails with an `UnknownOutcomeError` when MongoDB has not confirmed the series, from
   * 1 to a day. What was sent is sent on until `resendLimit`; the same call again makes no second series.
   *
   * @default as long as `resendLimit` allows
   */
  readonly callTimeout?: number;
  /** Make or change the series inside this transaction: it is so if and when the transaction commits. */
  readonly session?: Session;
}

const SCHEDULE_CHECKS: Readonly<Record<keyof ScheduleOptions, Check>> = {
  timezone: text(64),
  uniqueKey: checkUniqueKey,
  startAt: checkDate,
  endAt: checkDate,
  missed: oneOf('skip', 'once', 'all'),
  ...RUN_CHECKS,
  callTimeout: checkCallTimeout,
  session: checkSession,
};

/** Checks the options of a series. */
export function checkScheduleOptions(options: ScheduleOptions = {}): void {
  checkFields('options', options, SCHEDULE_CHECKS);
  const { startAt, endAt } = options;
  if (startAt && endAt && endAt < startAt) {
    throw new InvalidArgumentError('options.endAt', 'at or after startAt', endAt);
  }
}
