/**
 * What is claimed and what is due in an in-memory ledger.
 *
 * @module
 */
import { asRecord, type Job } from '../../job/job.ts';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import { countClaims } from '../claim-counts.ts';
import type {
  ClaimCounts,
  CountClaimsParams,
  CountDueParams,
  CountDueResult,
  DueCount,
} from '../ledger-repository.ts';
import type { JobStore } from './job-store.ts';
import { copyOut } from './stored-job.ts';

/** Counts what is claimed and what is due. */
export class MemoryInspection {
  readonly #jobs: JobStore;

  constructor(jobs: JobStore) {
    this.#jobs = jobs;
  }

  /** The claims of an instance, or of the tools that keep no lease. */
  async countClaims({ instanceId, limit }: CountClaimsParams): Promise<ClaimCounts> {
    const claims =
      instanceId === undefined ? this.#jobs.withoutLease() : this.#jobs.claimsOf(instanceId);
    return countClaims(claims.slice(0, limit).map(copyOut), claims.length >= limit);
  }

  /** The due jobs of each name that has pending ones. */
  async countDue(params: CountDueParams): Promise<CountDueResult> {
    const pending = new Map<string, Job[]>();
    for (const { job } of this.#jobs.all()) {
      if (job.status !== 'pending') continue;
      const ofName = pending.get(job.name);
      if (ofName) ofName.push(job);
      else pending.set(job.name, [job]);
    }
    const names = [...pending].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      names: names.slice(0, params.mostNames).map(([name, of]) => countName(name, of, params)),
      isCut: names.length > params.mostNames,
    };
  }
}

function countName(
  name: string,
  pending: readonly Job[],
  { now, mostJobs }: CountDueParams,
): DueCount {
  const due = pending.filter((job) => JOB_LIFECYCLE.applies('claim', asRecord(job), { now }));
  const waitsMs = due.map(({ nextRunAt }) => now.getTime() - nextRunAt.getTime());
  return {
    name,
    due: Math.min(due.length, mostJobs),
    isCut: due.length >= mostJobs,
    longestWaitMs: waitsMs.reduce((longest, waitMs) => Math.max(longest, waitMs), 0),
  };
}
