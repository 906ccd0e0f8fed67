/**
 * What people do to single jobs: cancel, redrive, amend, remove.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { Clock } from '../../foundation/clock.ts';
import { toError } from '../../foundation/errors.ts';
import type { Job } from '../../job/job.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../../job/job-lifecycle.ts';
import type { UniqueLock } from '../../job/unique-locks.ts';
import { type CancelChoice, cancelsUnseen, chooseCancel } from '../cancel-choice.ts';
import type {
  AmendParams,
  AmendResult,
  CancelParams,
  CancelResult,
  RedriveParams,
  RedriveResult,
  RemoveParams,
  RemoveResult,
} from '../ledger-repository.ts';
import { chooseRedrive, type RedriveChoice } from '../redrive-choice.ts';
import { historyEntries, manualRecord } from '../settle-answers.ts';
import { fenceFilter } from './engine-queries.ts';
import type { LeavingFlows } from './flows/leaving-flows.ts';
import { fromDocument } from './job-document.ts';
import { ID_KEY, transitionFilter } from './lifecycle-statements.ts';
import type { MongoJobs } from './moves.ts';
import { DUPLICATE_KEY_CODE } from './server/driver-errors.ts';
import { driverSession } from './server/server-checks.ts';

/** Changes single jobs at somebody's request. */
export class MongoControl {
  readonly #jobs: MongoJobs;
  readonly #clock: Clock;
  readonly #flows: LeavingFlows;

  constructor(jobs: MongoJobs, clock: Clock, flows: LeavingFlows) {
    this.#jobs = jobs;
    this.#clock = clock;
    this.#flows = flows;
  }

  /** Cancels a pending job, moves a series to its next run, or asks a running job to end. */
  cancel(params: CancelParams): Promise<CancelResult> {
    const { jobId } = params;
    return this.#jobs.untilAnswered<CancelResult>(jobId, async () => {
      for (const { verb, params: values, outcome } of cancelsUnseen(params)) {
        const moved = await this.#jobs.move(jobId, verb, values);
        if (moved) return { outcome, job: moved };
      }
      const job = await this.#jobs.find(jobId);
      if (job === null) return { outcome: 'missing', job };
      const choice = chooseCancel(job, params);
      if (choice === undefined) return { outcome: 'refused', job };
      if (choice.verb === 'requestCancel')
        // Whatever is stored there counts as a request.
        return job.cancelRequestedAt === undefined ? undefined : { outcome: 'requested', job };
      // One that is in no series was running a moment ago.
      return choice.verb === 'cancel' ? undefined : this.#cancelRun(jobId, choice);
    });
  }

  /** Undefined when the job changed since it was read. */
  async #cancelRun(
    jobId: ObjectId,
    { verb, params, outcome }: CancelChoice,
  ): Promise<CancelResult | undefined> {
    const moved = await this.#jobs.move(jobId, verb, params);
    return moved === null ? undefined : { outcome, job: moved };
  }

  /** Makes a failed or cancelled job, or a dead letter, pending again, with the lock it gave up. */
  redrive(params: RedriveParams): Promise<RedriveResult> {
    const { jobId } = params;
    return this.#jobs.untilAnswered<RedriveResult>(jobId, async () => {
      const job = await this.#jobs.find(jobId);
      if (job === null) return { outcome: 'missing', job };
      const choice = chooseRedrive(job, params);
      return JOB_LIFECYCLE.applies(choice.verb, job, choice.params)
        ? this.#redriveBy(choice, job)
        : { outcome: 'refused', job };
    });
  }

  /** Undefined when the job changed since it was read. */
  async #redriveBy(
    { verb, params, name, lock }: RedriveChoice,
    job: Job,
  ): Promise<RedriveResult | undefined> {
    // The lock was chosen by what was read of the series.
    const also = { seriesVersion: { $eq: job.seriesVersion ?? null } };
    try {
      const redriven = await this.#jobs.move(job._id, verb, params, { also });
      return redriven === null ? undefined : { outcome: 'redriven', job: redriven };
    } catch (error) {
      if (lock === undefined || !isHeld(lock, error)) throw error;
      const holder = await this.#findHolder(name, lock);
      return { outcome: 'taken', job, ...(holder && { holder }) };
    }
  }

  async #findHolder(name: string, { field, value }: UniqueLock): Promise<Job | null> {
    const { collection, commands } = this.#jobs;
    const holder = await collection.findOne({ name, [field]: value }, commands.readOptions());
    return holder && fromDocument(holder);
  }

  /** Changes a pending job; with a session errors are those of the driver. */
  amend({ jobId, changes, now, fence, ...given }: AmendParams): Promise<AmendResult> {
    const session = given.session && driverSession(given.session);
    const entries = historyEntries('amend', now, manualRecord(given));
    const params = { now, ...changes, historyEntries: entries };
    const also = fence === undefined ? {} : { fence: fenceFilter(fence) };
    return this.#jobs.untilAnswered<AmendResult>(jobId, async () => {
      const amended = await this.#jobs.move(jobId, 'amend', params, { session, also });
      if (amended) return { outcome: 'amended', job: amended };
      const job = await this.#jobs.find(jobId, session);
      const isClaimedSince = job !== null && fence !== undefined && job.fence !== fence;
      return isClaimedSince ? { outcome: 'refused', job } : unmoved('amend', job);
    });
  }

  /** Deletes a job that is not processing. */
  remove({
    jobId,
    now = new Date(this.#clock.now()),
    ...given
  }: RemoveParams): Promise<RemoveResult> {
    return this.#jobs.untilAnswered<RemoveResult>(jobId, async () => {
      const removed = await this.#delete(jobId, 'remove');
      const job = removed ?? (await this.#jobs.find(jobId));
      const gone = removed ?? (await this.#deleteParent(job));
      if (gone) {
        await this.#jobs.log?.removed(gone, { ...given, now });
        if (gone.flow !== undefined) await this.#flows.forget([gone.flow]);
        return { outcome: 'removed', job: gone };
      }
      return job?.feeds === undefined ? unmoved('remove', job) : { outcome: 'refused', job };
    });
  }

  /** A job that others have as a parent stays while they are there. */
  async #deleteParent(job: Job | null): Promise<Job | null> {
    if (job?.feeds === undefined || (await this.#flows.awaited([job])).length > 0) return null;
    return this.#delete(job._id, 'removeParent');
  }

  async #delete(jobId: ObjectId, verb: 'remove' | 'removeParent'): Promise<Job | null> {
    const { collection, commands } = this.#jobs;
    const removed = await collection.findOneAndDelete(
      { _id: jobId, ...transitionFilter(verb, {}) },
      { ...commands.writeOptions(), hint: ID_KEY },
    );
    return removed && fromDocument(removed);
  }
}

/** Undefined when the verb applies to the job by now. */
function unmoved(
  verb: JobVerb,
  job: Job | null,
): { readonly outcome: 'missing' | 'refused'; readonly job: Job | null } | undefined {
  if (job === null) return { outcome: 'missing', job };
  return JOB_LIFECYCLE.allowsFrom(verb, job.status) ? undefined : { outcome: 'refused', job };
}

/** A duplicate in an index of the user's own is an error like any other. */
function isHeld({ field }: UniqueLock, thrown: unknown): boolean {
  const error: Error & { code?: unknown; keyPattern?: object } = toError(thrown);
  return error.code === DUPLICATE_KEY_CODE && field in Object(error.keyPattern);
}
