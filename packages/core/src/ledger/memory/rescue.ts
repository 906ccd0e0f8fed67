/**
 * How jobs of an in-memory ledger come back that nobody runs any more: from a dead instance, or from a tool that
 * keeps no lease.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import type { JobVerb } from '../../job/job-lifecycle.ts';
import type {
  RecoverParams,
  RecoverResult,
  RescueParams,
  RescueResult,
} from '../ledger-repository.ts';
import { chooseRescue } from '../rescue-choice.ts';
import { historyEntries } from '../settle-answers.ts';
import type { JobStore } from './job-store.ts';
import type { MemoryLeases } from './leases.ts';
import type { Moves } from './moves.ts';
import type { MemoryOrders } from './orders.ts';
import { copyOut, type StoredJob } from './stored-job.ts';

/** Gives jobs back. */
export class MemoryRescue {
  readonly #jobs: JobStore;
  readonly #moves: Moves;
  readonly #leases: Pick<MemoryLeases, 'isLive' | 'workersOf'>;
  readonly #orders: Pick<MemoryOrders, 'isHalting'>;

  constructor(
    jobs: JobStore,
    moves: Moves,
    leases: Pick<MemoryLeases, 'isLive' | 'workersOf'>,
    orders: Pick<MemoryOrders, 'isHalting'>,
  ) {
    this.#jobs = jobs;
    this.#moves = moves;
    this.#leases = leases;
    this.#orders = orders;
  }

  /** Takes the claims of a dead instance, at most so many as the limit says. */
  async rescue(params: RescueParams): Promise<RescueResult> {
    const counts = { pending: 0, failed: 0, cancelled: 0 };
    if (this.#leases.isLive(params.deadInstanceId))
      return { ...counts, more: false, refused: true };
    const claims = this.#jobs.claimsOf(params.deadInstanceId);
    const halted: Job[] = [];
    const workers = this.#leases.workersOf(params.deadInstanceId);
    for (const claim of claims.slice(0, params.limit)) {
      const choice = chooseRescue(claim.job, params, workers);
      // A rescue leads to no other states than these.
      const moved = this.#moves.moveBy(choice.verb, claim, choice.params);
      counts[moved.job.status as keyof typeof counts] += 1;
      if (this.#orders.isHalting(moved)) halted.push(copyOut(moved));
    }
    return {
      ...{ ...counts, more: claims.length > params.limit, refused: false },
      ...(halted.length > 0 && { halted }),
    };
  }

  /** Takes jobs that were locked too long ago by nobody who keeps a lease. */
  async recover({ staleBefore, now, limit }: RecoverParams): Promise<RecoverResult> {
    const move = (verb: JobVerb, stored: StoredJob): number => {
      const params = { staleBefore, now, historyEntries: historyEntries(verb, now, {}) };
      return this.#moves.move(verb, stored, params) === null ? 0 : 1;
    };
    const counts = { pending: 0, cancelled: 0 };
    for (const stored of this.#jobs.withoutLease()) {
      if (counts.pending + counts.cancelled >= limit) break;
      counts.pending += move('recover', stored);
      counts.cancelled += move('recoverToCancelled', stored);
    }
    return counts;
  }
}
