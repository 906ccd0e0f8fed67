/**
 * How finished jobs leave an in-memory ledger by their age: deleted, or moved to an archive, which is bounded too.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import type { PruneParams, PruneResult } from '../ledger-repository.ts';
import { transitionEntry } from '../transition-log.ts';
import { FinishedJobs } from './finished-jobs.ts';
import type { MemoryFlows } from './flows/flows.ts';
import type { JobStore } from './job-store.ts';
import type { MemoryOrders } from './orders.ts';
import type { StoredJob } from './stored-job.ts';
import type { MemoryTransitions } from './transition-log.ts';

/** What jobs are archived with. */
export interface MemoryArchiveParts {
  readonly jobs: JobStore;
  readonly orders: MemoryOrders;
  readonly flows: MemoryFlows;
  /** Called with every job that leaves, where all transitions are kept. */
  readonly log: MemoryTransitions | undefined;
  /** Beyond it the jobs leave that were archived first. */
  readonly maxJobs: number;
}

/** The archive, and the way there. */
export class MemoryArchive {
  readonly #jobs: JobStore;
  readonly #orders: MemoryOrders;
  readonly #flows: MemoryFlows;
  readonly #archived: FinishedJobs;
  readonly #log: MemoryTransitions | undefined;

  constructor({ jobs, orders, flows, log, maxJobs }: MemoryArchiveParts) {
    this.#jobs = jobs;
    this.#orders = orders;
    this.#flows = flows;
    this.#log = log;
    this.#archived = new FinishedJobs(maxJobs);
  }

  /** The archived job with this id. */
  find(id: string): StoredJob | undefined {
    return this.#archived.find(id);
  }

  /** All archived jobs, the one that was archived first at the front. */
  all(): Iterable<StoredJob> {
    return this.#archived.all();
  }

  /** One step of the walk in the order of ids. */
  async prune(params: PruneParams): Promise<PruneResult> {
    const seen = this.#look(params);
    const { byToken } = this.#jobs;
    const leaving = seen.filter(
      (stored) =>
        isToLeave(stored.job, params) &&
        !this.#orders.isHalting(stored) &&
        !byToken.isAwaited(stored),
    );
    for (const stored of leaving) {
      this.#jobs.delete(stored);
      if (params.archive) this.#keep(stored);
      const entry = transitionEntry('prune', { now: params.now }, { from: stored.job.status });
      this.#log?.add(stored.id, entry);
    }
    await this.#flows.forget(leaving.flatMap(({ job }) => job.flow ?? []));
    const last = seen.length === params.limit ? seen.at(-1) : undefined;
    return { pruned: leaving.length, ...(last && { position: last.job._id }) };
  }

  #look({ after, createdBefore, limit }: PruneParams): readonly StoredJob[] {
    const seen: StoredJob[] = [];
    for (const stored of this.#jobs.inOrder('ascending', after?.toHexString())) {
      // Ids begin with the time of their creation, so all behind this one are younger still.
      if (seen.length === limit || stored.job._id.getTimestamp() >= createdBefore) break;
      seen.push(stored);
    }
    return seen;
  }

  /** A job that was archived before under the same id gives way. */
  #keep(stored: StoredJob): void {
    this.#archived.delete(stored.id);
    this.#archived.add(stored);
  }
}

function isToLeave(job: Job, { finishedBefore, createdBefore, now }: PruneParams): boolean {
  const before = finishedBefore[job.status];
  // The id of one that was added to a flow is as old as that of the job that added it.
  if (before === undefined || job.createdAt >= createdBefore) return false;
  return JOB_LIFECYCLE.applies('prune', job, { finishedBefore: before, now });
}
