/**
 * What may be said of one job, one worker, one series, one list of jobs, and how wrong values are refused.
 *
 * @module
 */
import type { ClientSession } from 'mongodb';
import {
  type Check,
  checkDate,
  checkFields,
  checkJobName,
  DAY_MS,
  fields,
  hasMethods,
  integer,
  numberFrom,
  oneOf,
  text,
  YEAR_MS,
} from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { isStandardSchema, type StandardSchema } from '../foundation/standard-schema.ts';
import {
  type BackoffPlan,
  DEFAULT_PRIORITY,
  HIGHEST_PRIORITY,
  JobStatus,
  LOWEST_PRIORITY,
  type UniqueHold,
} from '../job/job.ts';
import {
  checkMetadataFilter,
  copyMetadata,
  type JobMetadata,
  type MetadataFilter,
} from '../job/metadata.ts';
import type { MissedPolicy } from '../job/next-run.ts';

/** The most characters of a unique key. */
export const LONGEST_UNIQUE_KEY = 1_024;
const MOST_LISTED = 10_000;
const LONGEST_RETRY_COUNT = 1_000_000;

/** How many jobs a list holds when nothing is said. */
export const DEFAULT_LIST_LIMIT = 100;

/** How long a job holds its unique key: until it is done, until it is claimed, or for a window of milliseconds. */
export type UniqueHoldOption = 'untilDone' | 'untilStarted' | { readonly window: number };

/**
 * What an enqueue does whose unique key is taken.
 *
 * - `keep`: nothing; the job that holds the key is the answer
 * - `replace`: gives a pending holder the new data, time and priority
 * - `{ debounce, maxWait }`: puts a pending holder off until `debounce` milliseconds from now, but not beyond `maxWait`
 *   milliseconds after its creation, with the new data
 * - `throw`: nothing; the enqueue fails with a `UniqueKeyTakenError` that names the holder
 * - `throttle`: for a key held for a window: runs in the next window instead, at most one job there
 */
export type WhenTaken =
  | 'keep'
  | 'replace'
  | 'throttle'
  | 'throw'
  | { readonly debounce: number; readonly maxWait?: number };

/** Options of one enqueue. */
export interface EnqueueOptions {
  /** Not before this time. @default now */
  readonly runAt?: Date;
  /**
   * Not before so many milliseconds from now, by the ledger's clock; in place of `runAt`. From 0 to a year.
   *
   * @default 0
   */
  readonly delay?: number;
  /**
   * No second job of the same name and key is stored while a first holds it; the one that exists is returned. From 1
   * to 1024 characters.
   */
  readonly uniqueKey?: string;
  /** How long the key is held. @default 'untilDone'; 'untilStarted' with `debounce` */
  readonly uniqueHold?: UniqueHoldOption;
  /** What happens when the key is taken. @default 'keep' */
  readonly whenTaken?: WhenTaken;
  /** An integer from -100 (first) to 100 (last). @default 0 */
  readonly priority?: number;
  /** A small object to find the job by: at most 4 KiB of texts, numbers, booleans, dates, lists and objects. */
  readonly metadata?: JobMetadata;
  /** Failures after which the job has failed for good, from 1. @default that of the worker */
  readonly maxRetries?: number;
  /** How long to wait before a retry. @default that of the worker */
  readonly backoff?: BackoffPlan;
  /** Milliseconds after which a run is aborted and counts as failed, from 1. @default that of the worker */
  readonly timeout?: number;
  /** Store the job inside this transaction: it exists if and when the transaction commits. */
  readonly session?: ClientSession;
}

/** Reckons the delay before a retry in milliseconds, from the failures so far (from 1) and the last error. */
export type BackoffFunction = (failCount: number, error: Error) => number;

/** Options of one worker. What a job states itself goes before them. */
export interface WorkerOptions {
  /** Handlers of this worker that run at once in this process, from 1. @default `defaultConcurrency` */
  readonly concurrency?: number;
  /** Failures after which a job has failed for good, from 1. @default `maxRetries` of the scheduler */
  readonly maxRetries?: number;
  /** How long to wait before a retry. @default exponential from `baseRetryInterval` */
  readonly backoff?: BackoffPlan | BackoffFunction;
  /** Milliseconds after which a run is aborted and counts as failed, from 1. @default none */
  readonly timeout?: number;
  /**
   * A Standard Schema (Zod, Valibot, ArkType and others) for the data: checked when a job is enqueued by this
   * scheduler, and before each run, whose handler gets what the schema makes of the data.
   */
  readonly schema?: StandardSchema;
}

/** Options of one series. */
export interface ScheduleOptions {
  /** The time zone of the cron expression, such as `Europe/Berlin`. @default 'UTC' */
  readonly timezone?: string;
  /**
   * What tells this series from others of the same name; the same key again updates it. Without one the expression
   * is the key, so that another expression makes another series.
   */
  readonly uniqueKey?: string;
  /** No run before this time. */
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
}

/** Which jobs are meant. A field that is left out does not restrict them. */
export interface JobsFilter {
  /** One name, or several. */
  readonly name?: string | readonly string[];
  /** One state, or several. */
  readonly status?: JobStatus | readonly JobStatus[];
  readonly uniqueKey?: string;
  /** Jobs whose metadata holds each of these values; of a list, one of its items. */
  readonly metadata?: MetadataFilter;
  /** Jobs created at this time or later. */
  readonly createdFrom?: Date;
  /** Jobs created before this time. */
  readonly createdBefore?: Date;
}

/** Which jobs are listed. */
export interface GetJobsOptions extends JobsFilter {
  /** How many at most, from 1 to 10000. @default 100 */
  readonly limit?: number;
  /** How many to pass over. @default 0 */
  readonly skip?: number;
  /** List the archive instead. @default false */
  readonly archived?: boolean;
}

/** Which jobs are listed, page by page. */
export interface GetJobsWithCursorOptions extends JobsFilter {
  /** @default '_id' */
  readonly orderBy?: '_id' | 'createdAt' | 'updatedAt' | 'nextRunAt';
  /** @default 'ascending' */
  readonly direction?: 'ascending' | 'descending';
  /** A cursor of an earlier page in the same order and direction; the first page when left out. */
  readonly cursor?: string;
  /** How many jobs a page holds, from 1 to 10000. @default 100 */
  readonly limit?: number;
  /** List the archive instead. @default false */
  readonly archived?: boolean;
}

const BACKOFF_CHECKS: Readonly<Record<keyof BackoffPlan, Check>> = {
  type: oneOf('fixed', 'exponential'),
  delay: integer(0, YEAR_MS),
  maxDelay: integer(0, YEAR_MS),
  jitter: numberFrom(0, 1),
};

const checkBackoff = fields(BACKOFF_CHECKS, ['type', 'delay']);

const checkWindow = fields({ window: integer(1_000, YEAR_MS) }, ['window']);

const checkDebounce = fields({ debounce: integer(1, YEAR_MS), maxWait: integer(1, YEAR_MS) }, [
  'debounce',
]);

const RUN_CHECKS = {
  priority: integer(HIGHEST_PRIORITY, LOWEST_PRIORITY),
  maxRetries: integer(1, LONGEST_RETRY_COUNT),
  backoff: checkBackoff,
  timeout: integer(1, 30 * DAY_MS - 1),
  metadata: copyMetadata,
} as const satisfies Readonly<Record<string, Check>>;

const ENQUEUE_CHECKS: Readonly<Record<keyof EnqueueOptions, Check>> = {
  runAt: checkDate,
  delay: integer(0, YEAR_MS),
  uniqueKey: text(LONGEST_UNIQUE_KEY),
  uniqueHold: objectOr(checkWindow, oneOf('untilDone', 'untilStarted')),
  whenTaken: objectOr(checkDebounce, oneOf('keep', 'replace', 'throttle', 'throw')),
  ...RUN_CHECKS,
  session: hasMethods('inTransaction', 'endSession'),
};

const WORKER_CHECKS: Readonly<Record<keyof WorkerOptions, Check>> = {
  concurrency: integer(1, 10_000),
  maxRetries: RUN_CHECKS.maxRetries,
  backoff: (field, value) => {
    if (typeof value !== 'function') checkBackoff(field, value);
  },
  timeout: RUN_CHECKS.timeout,
  schema: (field, value) => {
    if (!isStandardSchema(value)) throw new InvalidArgumentError(field, 'a Standard Schema', value);
  },
};

const SCHEDULE_CHECKS: Readonly<Record<keyof ScheduleOptions, Check>> = {
  timezone: text(64),
  uniqueKey: text(LONGEST_UNIQUE_KEY),
  startAt: checkDate,
  endAt: checkDate,
  missed: oneOf('skip', 'once', 'all'),
  ...RUN_CHECKS,
};

const checkStatus = oneOf(...Object.values(JobStatus));

const FILTER_CHECKS: Readonly<Record<keyof JobsFilter, Check>> = {
  name: oneOrMany(checkJobName),
  status: oneOrMany(checkStatus),
  uniqueKey: text(LONGEST_UNIQUE_KEY),
  metadata: checkMetadataFilter,
  createdFrom: checkDate,
  createdBefore: checkDate,
};

const LIST_CHECKS: Readonly<Record<keyof GetJobsOptions, Check>> = {
  ...FILTER_CHECKS,
  limit: integer(1, MOST_LISTED),
  skip: integer(0, Number.MAX_SAFE_INTEGER),
  archived: oneOf(true, false),
};

const CURSOR_CHECKS: Readonly<Record<keyof GetJobsWithCursorOptions, Check>> = {
  ...FILTER_CHECKS,
  orderBy: oneOf('_id', 'createdAt', 'updatedAt', 'nextRunAt'),
  direction: oneOf('ascending', 'descending'),
  cursor: text(1_000),
  limit: LIST_CHECKS.limit,
  archived: LIST_CHECKS.archived,
};

/** The options of an enqueue with the defaults that need no time. */
export interface ResolvedEnqueueOptions extends EnqueueOptions {
  readonly priority: number;
  readonly whenTaken: WhenTaken;
  readonly hold: UniqueHold;
  /** For a key that is held for a window. */
  readonly windowMs: number;
}

/**
 * Checks the options of an enqueue and fills in the defaults.
 *
 * @param field - what the options are called in errors
 * @throws InvalidArgumentError naming the option
 */
export function resolveEnqueueOptions(
  field: string,
  options: EnqueueOptions = {},
): ResolvedEnqueueOptions {
  checkFields(field, options, ENQUEUE_CHECKS);
  const { whenTaken = 'keep', uniqueKey, uniqueHold } = options;
  checkUnique(field, options);
  const isDebounced = typeof whenTaken === 'object';
  const hold = uniqueHold ?? (isDebounced ? 'untilStarted' : 'untilDone');
  const resolved = typeof hold === 'object' ? 'window' : hold;
  return {
    ...options,
    priority: options.priority ?? DEFAULT_PRIORITY,
    whenTaken,
    hold: uniqueKey === undefined ? 'untilDone' : resolved,
    windowMs: typeof hold === 'object' ? hold.window : 0,
  };
}

/** Options that mean nothing without each other, or against each other. */
function checkUnique(field: string, options: EnqueueOptions): void {
  const { uniqueKey, uniqueHold, whenTaken, runAt, delay } = options;
  const refuse = (option: string, expected: string, value: unknown): never => {
    throw new InvalidArgumentError(`${field}.${option}`, expected, value);
  };
  if (runAt !== undefined && delay !== undefined) refuse('delay', 'left out with runAt', delay);
  if (uniqueKey === undefined) {
    if (uniqueHold !== undefined) refuse('uniqueHold', 'left out without a uniqueKey', uniqueHold);
    if (whenTaken !== undefined) refuse('whenTaken', 'left out without a uniqueKey', whenTaken);
  }
  if (whenTaken === 'throttle' && typeof uniqueHold !== 'object') {
    refuse('uniqueHold', 'a window, as throttle needs it', uniqueHold);
  }
  if (typeof whenTaken === 'object') {
    const expected = 'left out with debounce, which sets the time';
    if (runAt !== undefined) refuse('runAt', expected, runAt);
    if (delay !== undefined) refuse('delay', expected, delay);
    const { debounce, maxWait = debounce } = whenTaken;
    if (maxWait < debounce) refuse('whenTaken.maxWait', 'at least debounce', maxWait);
  }
}

/** Checks one entry of many: its fields, and that its options have no session of their own. */
export function checkEnqueueEntry(field: string, entry: unknown): void {
  checkFields(field, entry, {
    name: checkJobName,
    data: () => undefined,
    options: (optionsField, options) => {
      if (typeof options !== 'object' || options === null || !('session' in options)) return;
      throw new InvalidArgumentError(`${optionsField}.session`, 'left out', options.session);
    },
  });
}

/** Checks the options of a worker. */
export function checkWorkerOptions(options: WorkerOptions = {}): void {
  checkFields('options', options, WORKER_CHECKS);
}

/** Checks the options of a series. */
export function checkScheduleOptions(options: ScheduleOptions = {}): void {
  checkFields('options', options, SCHEDULE_CHECKS);
  const { startAt, endAt } = options;
  if (startAt && endAt && endAt < startAt) {
    throw new InvalidArgumentError('options.endAt', 'at or after startAt', endAt);
  }
}

/** Checks a filter of jobs that are to be changed: what was forgotten must not mean all of them. */
export function checkJobsFilter(filter: JobsFilter): void {
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) {
    throw new InvalidArgumentError('filter', 'an object', filter, 'pass {} for all jobs');
  }
  checkFields('filter', filter, FILTER_CHECKS);
  for (const [field, value] of Object.entries(filter)) {
    if (value !== undefined) continue;
    throw new InvalidArgumentError(`filter.${field}`, 'a value, or left out', value);
  }
}

/** Checks what is to be listed. */
export function checkGetJobsOptions(options: GetJobsOptions = {}): void {
  checkFields('options', options, LIST_CHECKS);
}

/** Checks what is to be listed page by page. */
export function checkGetJobsWithCursorOptions(options: GetJobsWithCursorOptions = {}): void {
  checkFields('options', options, CURSOR_CHECKS);
}

function oneOrMany(check: Check): Check {
  return (field, value) => {
    if (!Array.isArray(value)) {
      check(field, value);
      return;
    }
    if (value.length === 0)
      throw new InvalidArgumentError(field, 'a list that is not empty', value);
    for (const [index, item] of value.entries()) check(`${field}[${index}]`, item);
  };
}

function objectOr(checkObject: Check, check: Check): Check {
  return (field, value) => {
    if (typeof value === 'object' && value !== null) checkObject(field, value);
    else check(field, value);
  };
}
