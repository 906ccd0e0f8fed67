/**
 * What is claimed and what is due in an in-memory ledger.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
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

  /** The due jobs of each name that has pending ones, or that is asked for. */
  async countDue(params: CountDueParams): Promise<CountDueResult> {
    const { mostNames, mostFailed } = params;
    const pending = new Map<string, Job[]>();
    const failed = new Map<string, number>();
    for (const name of params.names ?? []) pending.set(name, []);
    for (const { job } of this.#jobs.all()) {
      const ofName = pending.get(job.name);
      if (job.status === 'failed') failed.set(job.name, (failed.get(job.name) ?? 0) + 1);
      if (job.status !== 'pending') continue;
      if (ofName) ofName.push(job);
      else if (params.names === undefined) pending.set(job.name, [job]);
    }
    const names = [...pending].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      names: names.slice(0, mostNames).map(([name, of]) => ({
        ...countName(name, of, params),
        ...(mostFailed !== undefined && { failed: Math.min(failed.get(name) ?? 0, mostFailed) }),
      })),
      isCut: names.length > mostNames,
    };
  }
}

function countName(
  name: string,
  pending: readonly Job[],
  { now, mostJobs }: CountDueParams,
): DueCount {
  const due = pending.filter((job) => JOB_LIFECYCLE.applies('claim', job, { now }));
  const waitsMs = due.map(({ nextRunAt }) => now.getTime() - nextRunAt.getTime());
  return {
    name,
    due: Math.min(due.length, mostJobs),
    isCut: due.length >= mostJobs,
    queueLagMs: waitsMs.reduce((longest, waitMs) => Math.max(longest, waitMs), 0),
  };
}
