/**
 * What people and handlers do to single jobs of an in-memory ledger.
 *
 * What always holds: a verb runs from its first look to its last write without a pause.
 *
 * @module
 */
import type { Clock } from '../../foundation/clock.ts';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import { chooseCancel } from '../cancel-choice.ts';
import type {
  AmendParams,
  AmendResult,
  CancelParams,
  CancelResult,
  JobParams,
  RedriveParams,
  RedriveResult,
  RemoveParams,
  RemoveResult,
} from '../ledger-repository.ts';
import { chooseRedrive } from '../redrive-choice.ts';
import { historyEntries, manualRecord } from '../settle-answers.ts';
import { removalEntry } from '../transition-log.ts';
import type { MemoryFlows } from './flows/flows.ts';
import type { JobStore } from './job-store.ts';
import { type Moves, noTransactions } from './moves.ts';
import { copyOut, type StoredJob } from './stored-job.ts';
import type { MemoryTransitions } from './transition-log.ts';

/** What the verbs are made from. */
export interface MemoryControlParts {
  readonly jobs: JobStore;
  readonly moves: Moves;
  readonly clock: Clock;
  /** Called with jobs that are deleted. */
  readonly flows: Pick<MemoryFlows, 'forget'>;
  /** Called with jobs that are deleted, where all transitions are kept. */
  readonly log: MemoryTransitions | undefined;
}

/** Verbs on one job. */
export class MemoryControl {
  readonly #jobs: JobStore;
  readonly #moves: Moves;
  readonly #clock: Clock;
  readonly #flows: MemoryControlParts['flows'];
  readonly #log: MemoryTransitions | undefined;

  constructor({ jobs, moves, clock, flows, log }: MemoryControlParts) {
    this.#jobs = jobs;
    this.#moves = moves;
    this.#clock = clock;
    this.#flows = flows;
    this.#log = log;
  }

  /** Cancels a pending job, moves a series to its next run, or asks a running job to end. */
  async cancel(params: CancelParams): Promise<CancelResult> {
    const stored = this.#find(params.jobId);
    if (stored === undefined) return { outcome: 'missing', job: null };
    const choice = chooseCancel(stored.job, params);
    if (choice === undefined) return { outcome: 'refused', job: copyOut(stored) };
    const { verb, params: values, outcome } = choice;
    if (verb === 'requestCancel') {
      // A request that was made before stands, and nothing is written.
      return { outcome, job: copyOut(this.#moves.move(verb, stored, values) ?? stored) };
    }
    return { outcome, job: copyOut(this.#moves.moveBy(verb, stored, values)) };
  }

  /** Makes a failed or cancelled job, or a dead letter, pending again, with its unique key if that is free. */
  async redrive(params: RedriveParams): Promise<RedriveResult> {
    const stored = this.#find(params.jobId);
    if (stored === undefined) return { outcome: 'missing', job: null };
    const { verb, params: values, name, lock } = chooseRedrive(stored.job, params);
    if (!JOB_LIFECYCLE.applies(verb, stored.job, values)) {
      return { outcome: 'refused', job: copyOut(stored) };
    }
    const holder = lock && this.#jobs.holderOf(name, lock);
    if (holder !== undefined) {
      return { outcome: 'taken', job: copyOut(stored), holder: copyOut(holder) };
    }
    const redriven = this.#moves.moveBy(verb, stored, values);
    return { outcome: 'redriven', job: copyOut(redriven) };
  }

  /**
   * Changes a pending job.
   *
   * @throws UnsupportedError when it is to happen in a transaction
   */
  async amend({
    jobId,
    changes,
    now,
    fence,
    session,
    ...given
  }: AmendParams): Promise<AmendResult> {
    if (session !== undefined) throw noTransactions();
    const stored = this.#find(jobId);
    if (stored === undefined) return { outcome: 'missing', job: null };
    if (fence !== undefined && stored.job.fence !== fence) {
      return { outcome: 'refused', job: copyOut(stored) };
    }
    const entries = historyEntries('amend', now, manualRecord(given));
    const amended = this.#moves.move('amend', stored, { ...changes, now, historyEntries: entries });
    return { outcome: amended ? 'amended' : 'refused', job: copyOut(amended ?? stored) };
  }

  /** Deletes a job that is not processing. */
  async remove(params: RemoveParams): Promise<RemoveResult> {
    const { jobId, now = new Date(this.#clock.now()) } = params;
    const stored = this.#find(jobId);
    if (stored === undefined) return { outcome: 'missing', job: null };
    const job = copyOut(stored);
    // A job that others have as a parent stays while they are there.
    const verb = stored.job.feeds === undefined ? 'remove' : 'removeParent';
    const applies = JOB_LIFECYCLE.applies(verb, stored.job, {});
    if (!applies || this.#jobs.byToken.isAwaited(stored)) return { outcome: 'refused', job };
    this.#jobs.delete(stored);
    if (job.flow !== undefined) await this.#flows.forget([job.flow]);
    this.#log?.add(stored.id, removalEntry(job, { ...params, now }));
    return { outcome: 'removed', job };
  }

  #find(jobId: JobParams['jobId']): StoredJob | undefined {
    return this.#jobs.find(jobId.toHexString());
  }
}
