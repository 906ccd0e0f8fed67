/**
 * Claims of an in-memory ledger: how they are made, and how they are read.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import type {
  ClaimParams,
  ClaimResult,
  FindClaimantsParams,
  ReadClaimParams,
  ReadClaimsParams,
  StandingClaim,
} from '../ledger-repository.ts';
import { inClaimOrder } from './due-queue.ts';
import type { JobStore } from './job-store.ts';
import type { Moves } from './moves.ts';
import { copyOut, type StoredJob, toStandingClaim } from './stored-job.ts';

/** Makes claims, and reads them. */
export class MemoryClaims {
  readonly #jobs: JobStore;
  readonly #moves: Moves;

  constructor(jobs: JobStore, moves: Moves) {
    this.#jobs = jobs;
    this.#moves = moves;
  }

  /** Takes the due jobs out of their queues, and claims them. */
  async claim(params: ClaimParams): Promise<ClaimResult> {
    const transition = { ...params, now: new Date(params.now) };
    const saturated: string[] = [];
    const drained: string[] = [];
    const due: StoredJob[] = [];
    for (const { name, limit, overdue } of params.demand) {
      const found = this.#jobs.takeDue({
        name,
        limit,
        overdue,
        nowMs: params.now.getTime(),
        suspects: params.suspects,
        isDue: (job) => JOB_LIFECYCLE.applies('claim', job, transition),
      });
      due.push(...found);
      (found.length === limit ? saturated : drained).push(name);
    }
    const chosen = inClaimOrder(due);
    // A suspect is claimed alone: the others wait on.
    const left = params.suspects ? chosen.splice(1) : [];
    for (const stored of left) this.#jobs.put(stored);
    const won = chosen.map((stored) => this.#moves.write('claim', stored, transition));
    return { jobs: won.map(copyOut), attempted: won.length, saturated, drained };
  }

  /** What a claim won whose answer was lost. */
  async readClaim({ instanceId, claimToken }: ReadClaimParams): Promise<readonly Job[]> {
    const claims = this.#jobs.claimsOf(instanceId);
    return inClaimOrder(claims.filter(({ job }) => job.claimToken === claimToken)).map(copyOut);
  }

  /** The claims that stand under an instance's id. */
  async readClaims({ instanceId, limit }: ReadClaimsParams): Promise<readonly StandingClaim[]> {
    return this.#jobs.claimsOf(instanceId).slice(0, limit).map(toStandingClaim);
  }

  /** Instances that hold claims, beyond those that are known. */
  async findClaimants({ except }: FindClaimantsParams): Promise<readonly string[]> {
    return this.#jobs.claimants().filter((instanceId) => !except.includes(instanceId));
  }
}
