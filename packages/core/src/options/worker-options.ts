/**
 * What may be said of one worker, and how wrong values are refused.
 *
 * @module
 */
import {
  type Check,
  checkFields,
  checkJobName,
  DAY_MS,
  fields,
  integer,
  oneOf,
} from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { isStandardSchema, type StandardSchema } from '../foundation/standard-schema.ts';
import type { BackoffPlan } from '../job/job.ts';
import { checkWorkerGroups, type WorkerGroups } from './group-options.ts';
import { checkLimit, checkLimitKeys, type LimitOptions } from './limit-options.ts';
import { checkBackoff, RUN_CHECKS } from './run-options.ts';

/** Computes the delay before a retry in milliseconds, from the failures so far (from 1) and the last error. */
export type BackoffFunction = (failCount: number, error: Error) => number;

/** How a worker runs jobs with an order. */
export interface WorkerOrder {
  /** What becomes of the key when a job of it has failed for good. @default 'next' */
  readonly whenFailed?: 'next' | 'halt';
}

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
   * Runs jobs that were enqueued with an `order` too, those of each key one after the other. `whenFailed` says what
   * becomes of the key when a job of it has failed for good: `next` goes on with the one behind it, `halt` waits until
   * the failed one is retried or deleted manually. All workers of a name say the same. @default none
   */
  readonly order?: WorkerOrder;
  /**
   * Runs jobs that were enqueued with a `group` too, those of different groups in turns. It says what each group may do
   * over all processes that has nothing else set with `setGroup`. Written at the start; that of the last start holds.
   * @default none
   */
  readonly groups?: WorkerGroups;
  /**
   * Milliseconds, from 1 to 30 days. Jobs that have been due for longer go first, the one that was due first before all
   * others whatever its priority, in up to half of each claim; so a stream of urgent jobs does not keep the others waiting
   * for ever. Not with `groups`, where jobs take turns. @default none: priority alone decides
   */
  readonly patience?: number;
  /**
   * The name under which a job waits once it has failed for good, as a dead letter: a worker of that name may handle it,
   * or people look at it and redrive it. A job of a series, a flow or a group has failed where it is. Not with `order`.
   *
   * @default none
   */
  readonly deadLetter?: string;
  /**
   * A Standard Schema (Zod, Valibot, ArkType and others) for the data: checked when a job is enqueued by this
   * scheduler, and before each run, whose handler gets what the schema makes of the data.
   */
  readonly schema?: StandardSchema;
  /**
   * Keys of limits that its jobs count under, up to 20; each was set with `setLimit` before the start. Other names may
   * count under them too. @default none
   */
  readonly limits?: readonly string[];
  /** What all processes together may run of this name. Written at the start; that of the last start holds. @default no bound */
  readonly limit?: LimitOptions;
}

const WORKER_CHECKS: Readonly<Record<keyof WorkerOptions, Check>> = {
  concurrency: integer(1, 10_000),
  maxRetries: RUN_CHECKS.maxRetries,
  backoff: (field, value) => {
    if (typeof value !== 'function') checkBackoff(field, value);
  },
  timeout: RUN_CHECKS.timeout,
  limits: checkLimitKeys,
  limit: checkLimit,
  groups: checkWorkerGroups,
  order: fields({ whenFailed: oneOf('next', 'halt') }),
  patience: integer(1, 30 * DAY_MS),
  deadLetter: checkJobName,
  schema: (field, value) => {
    if (!isStandardSchema(value)) throw new InvalidArgumentError(field, 'a Standard Schema', value);
  },
};

/** Checks the options of a worker. */
export function checkWorkerOptions(options: WorkerOptions = {}): void {
  checkFields('options', options, WORKER_CHECKS);
  const { deadLetter, order, patience, groups } = options;
  if (deadLetter !== undefined && order !== undefined) {
    const expected = 'left out with order, where a failed job keeps its place';
    throw new InvalidArgumentError('options.deadLetter', expected, deadLetter);
  }
  if (patience !== undefined && groups !== undefined) {
    const expected = 'left out with groups, where jobs take turns';
    throw new InvalidArgumentError('options.patience', expected, patience);
  }
}
