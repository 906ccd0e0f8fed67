/**
 * The handler of a job, and what it is given beside the job.
 *
 * @module
 */
import type { Session } from '../foundation/driver-shapes.ts';
import type { Job, JobStatus } from '../job/job.ts';
import type { MetadataChanges } from '../job/metadata.ts';
import type { FlowJob, ParentsOptions } from '../options/flow-options.ts';

/** One parent of a job of a flow. */
export interface ParentInfo<R = unknown> {
  readonly id: Job['_id'];
  /** What it is called in the flow. */
  readonly ref: string;
  readonly name: string;
  readonly status: JobStatus;
  /** What its handler returned. */
  readonly result?: R;
  /** Why it failed. */
  readonly failReason?: string;
}

/** A page of the parents of a job. */
export interface ParentsPage<R = unknown> {
  readonly parents: readonly ParentInfo<R>[];
  /** Where the next page begins, for `after`; null at the end. */
  readonly next: Job['_id'] | null;
}

/** What a handler is given beside the job. */
export interface JobContext {
  /**
   * Aborts when the handler's result is no longer wanted: the job was cancelled, took longer than its timeout, its
   * claim was lost, or the instance stops waiting.
   */
  readonly signal: AbortSignal;
  /**
   * Rises with each claim, and when the job is changed while it waits or put back; never falls. An outside system that
   * remembers the highest can refuse a late run.
   */
  readonly fence: number;
  /**
   * Reports how far the run is: any small value that can be stored, such as a number of percent. Fires `job:progress`;
   * stored soon, the latest value at most every 200 ms.
   *
   * @throws InvalidArgumentError when the value cannot be stored or takes more than 16 KiB
   */
  progress(value: unknown): void;
  /** Adds a line to the log of the job; the newest 100 are kept, each up to 1000 characters. Stored soon. */
  log(line: string): void;
  /**
   * Changes keys of the job's metadata; `null` removes a key, other keys stay. Resolves when that is stored, in a write
   * of its own; the job that the handler was given stays as it is.
   *
   * @throws InvalidArgumentError when a value does not belong there, or the metadata would take more than 4 KiB
   * @throws JobStateError when the claim does not stand any more
   */
  setMetadata(changes: MetadataChanges): Promise<void>;
  /**
   * Lets nothing under a limit start for some milliseconds, in no process: for an answer such as HTTP 429. Resolves when
   * that is stored; other processes know of it within two seconds. The limit that a worker has for itself is
   * `worker:` with the name.
   *
   * @param limit - the key of a limit that was set
   * @param ms - from 1, at most 7 days
   * @throws InvalidArgumentError also when there is no such limit
   */
  backOff(limit: string, ms: number): Promise<void>;
  /**
   * What the parents of the job returned, by what they are called in its flow; those that did not complete are left out.
   * Nothing for a job without parents.
   *
   * @throws UnsupportedError when there are more than 1,000; `parents` reads them by page
   */
  parentResults<R extends object = Readonly<Record<string, unknown>>>(): Promise<
    Readonly<Partial<R>>
  >;
  /** A page of the parents of the job, those too that failed or were cancelled. */
  parents<R = unknown>(options?: ParentsOptions): Promise<ParentsPage<R>>;
  /**
   * Adds jobs to the flow of this job, at most 10,000, which start at once. Whatever waits for this job waits for them
   * too, and gets their results. In a later run of this job the same names add nothing again, while those are there.
   *
   * @returns the jobs by what they are called
   * @throws UnsupportedError when the job belongs to no flow
   */
  addToFlow(
    jobs: Readonly<Record<string, Omit<FlowJob, 'after'>>>,
  ): Promise<Readonly<Record<string, Job>>>;
  /**
   * Completes the job inside the handler's own transaction, so that its effects and its completion happen together or
   * not at all. When the transaction was not committed by the time the handler ends, the run counts as failed.
   *
   * @param options.session - the session whose transaction has been started
   * @param options.result - stored as the result of the job
   * @throws JobStateError when the claim does not stand any more; abort the transaction then
   */
  complete(options: { readonly session: Session; readonly result?: unknown }): Promise<void>;
}

/**
 * Runs one job. Returning means success, throwing means failure: the job is tried again until its retries are used
 * up. What it returns is stored as the result of the job, unless it was made by `snooze`, `cancel` or `discard`. A job
 * may run more than once, when its instance dies before the end is recorded; so what it does should bear repetition.
 */
export type JobHandler<T = unknown, R = unknown> = (job: Job<T>, context: JobContext) => R;
