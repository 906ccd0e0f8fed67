/**
 * What jobs, series and workers alike may say of their runs, and how wrong values are refused.
 *
 * @module
 */
import {
  type Check,
  DAY_MS,
  fields,
  integer,
  numberFrom,
  oneOf,
  text,
  YEAR_MS,
} from '../foundation/argument-checks.ts';
import { type BackoffPlan, HIGHEST_PRIORITY, LOWEST_PRIORITY } from '../job/job.ts';
import { copyMetadata } from '../job/metadata.ts';

/** The most characters of a unique key. */
export const LONGEST_UNIQUE_KEY = 1_024;
/** The most characters of the key of an order. */
const LONGEST_ORDER = 256;
const MOST_RETRIES = 1_000_000;

const BACKOFF_CHECKS: Readonly<Record<keyof BackoffPlan, Check>> = {
  type: oneOf('fixed', 'exponential'),
  delay: integer(0, YEAR_MS),
  maxDelay: integer(0, YEAR_MS),
  jitter: numberFrom(0, 1),
};

/** Refuses what is no plan of retry delays. */
export const checkBackoff: Check = fields(BACKOFF_CHECKS, ['type', 'delay']);

/** Refuses what is no unique key: a text of 1 to 1024 characters. */
export const checkUniqueKey: Check = text(LONGEST_UNIQUE_KEY);

/** Refuses what is no key of an order: a text of 1 to 256 characters. */
export const checkOrder: Check = text(LONGEST_ORDER);

/** What values these options take. */
export const RUN_CHECKS: Readonly<
  Record<'priority' | 'maxRetries' | 'backoff' | 'timeout' | 'metadata', Check>
> = {
  priority: integer(HIGHEST_PRIORITY, LOWEST_PRIORITY),
  maxRetries: integer(1, MOST_RETRIES),
  backoff: checkBackoff,
  timeout: integer(1, 30 * DAY_MS - 1),
  metadata: copyMetadata,
};
