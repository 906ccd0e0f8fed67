/**
 * Batches: several jobs that one call of a handler works on, each with an outcome of its own.
 *
 * @module
 */
import {
  type Check,
  checkFields,
  checkFunction,
  integer,
  oneOf,
} from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import type { JobContext } from './handler.ts';

/** The most jobs of a batch. */
const MOST_JOBS = 1_000;
const DEFAULT_SIZE = 100;
const LONGEST_WAIT_MS = 60_000;
const DEFAULT_WAIT_MS = 100;

/** What the handler of a batch is given beside the jobs. */
export interface BatchContext<T = unknown> {
  /** Aborts when none of the jobs is wanted any more, as when the instance stops waiting. */
  readonly signal: AbortSignal;
  /**
   * What a handler of this job alone would be given: its own signal, which aborts when that job is cancelled or took
   * too long; its fence, progress, log and metadata; and `complete`, for a transaction of several jobs.
   *
   * @throws InvalidArgumentError when it is no job of the batch
   */
  of(job: Job<T>): JobContext;
  /**
   * Has this job fail with the error when the handler ends, whatever becomes of the others. The first error of a job
   * counts, and goes before its result.
   *
   * @throws InvalidArgumentError when it is no job of the batch
   */
  fail(job: Job<T>, error: unknown): void;
}

/**
 * Runs several jobs at once. Without a list as its result all jobs have completed, but those it said have failed. A list
 * has the result of each job by its position; what `snooze`, `cancel` and `discard` make, or an error, is the outcome of
 * that job. What it throws is the failure of every job without an error of its own.
 */
export type BatchHandler<T = unknown, R = unknown> = (
  jobs: readonly Job<T>[],
  context: BatchContext<T>,
) => R;

/** When a batch is run. */
export interface BatchOptions {
  /** The most jobs it is given, from 1 to 1000. @default 100 */
  readonly size?: number;
  /** Milliseconds that the first job waits for others, from 0 to 60000; a full batch does not wait. @default 100 */
  readonly wait?: number;
  /**
   * `'group'`: all jobs of a batch are of one group, and those without a group make batches of their own; only for a
   * worker with the option `groups`. When left out, a batch has jobs of any group.
   */
  readonly by?: 'group';
}

/**
 * A handler that is given several jobs at once, and when it is called. A batch takes one place of the worker's
 * `concurrency`.
 *
 * @typeParam T - what the data of the jobs is
 */
export interface BatchDefinition<T = unknown, R = unknown> extends BatchOptions {
  readonly batch: BatchHandler<T, R>;
}

const CHECKS: Readonly<Record<keyof BatchDefinition, Check>> = {
  batch: checkFunction,
  size: integer(1, MOST_JOBS),
  wait: integer(0, LONGEST_WAIT_MS),
  by: oneOf('group'),
};

/** A definition, checked. */
export class BatchPlan {
  readonly handler: BatchHandler;
  readonly size: number;
  readonly waitMs: number;
  /** What all jobs of a batch have in common beside their name. */
  readonly by: 'group' | undefined;

  /** @throws InvalidArgumentError when the definition is none */
  constructor(definition: BatchDefinition<never>) {
    checkFields('handler', definition, CHECKS);
    const { batch, size = DEFAULT_SIZE, wait = DEFAULT_WAIT_MS, by } = definition;
    if (batch === undefined) throw new InvalidArgumentError('handler.batch', 'a function', batch);
    this.handler = batch as BatchHandler;
    this.size = size;
    this.waitMs = wait;
    this.by = by;
  }
}
