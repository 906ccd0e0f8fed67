/**
 * Jobs of an in-memory ledger that stand in an order.
 *
 * @module
 */
import { laneOf } from '../../job/lanes.ts';
import { holdsLane, isSuperseded, nextInLane } from '../lane-choice.ts';
import type {
  ClaimOrdersParams,
  ClaimResult,
  FindAheadParams,
  JobAhead,
  LaneVerbs,
  OrderRecord,
  ReadOrdersParams,
  SupersededJob,
  SweepOrdersParams,
  SweepOrdersResult,
} from '../ledger-repository.ts';
import type { MemoryGroups } from './groups/groups.ts';
import type { JobStore } from './job-store.ts';
import type { Moves } from './moves.ts';
import { copyOut, type StoredJob } from './stored-job.ts';

/** Who was started last in a lane. */
interface Holder {
  readonly name: string;
  readonly lane: string;
  readonly id: string;
  readonly halts: boolean;
  readonly usedAtMs: number;
}

/** Claims jobs in their order. */
export class MemoryOrders implements LaneVerbs {
  readonly #jobs: JobStore;
  readonly #moves: Moves;
  readonly #holders = new Map<string, Holder>();
  readonly #groups: MemoryGroups;
  #turn = 0;

  /** @param groups - whose lanes are swept with those of orders */
  constructor(jobs: JobStore, moves: Moves, groups: MemoryGroups) {
    this.#jobs = jobs;
    this.#moves = moves;
    this.#groups = groups;
  }

  /** Of each lane that nobody holds the first, and of the others who holds it. */
  async claimOrders(params: ClaimOrdersParams): Promise<ClaimResult> {
    const { demand, instanceId, claimToken, suspects } = params;
    const now = new Date(params.now);
    const saturated: string[] = [];
    const drained: string[] = [];
    const chosen: (readonly [StoredJob, boolean])[] = [];
    this.#turn += 1;
    for (const { name, limit, halts } of demand) {
      const found = this.#nextOf(name, { now, suspects, halts });
      chosen.push(...found.slice(0, limit).map((stored) => [stored, halts] as const));
      (found.length >= limit ? saturated : drained).push(name);
    }
    const wanted = suspects ? chosen.slice(0, 1) : chosen;
    const won = wanted.map(([stored, halts]) => {
      const { name, lane = '', fence } = stored.job;
      const holder = { name, lane, id: stored.id, halts, usedAtMs: now.getTime() };
      this.#holders.set(keyOf(name, lane), holder);
      const claim = { instanceId, claimToken, now, fenceBefore: fence };
      return this.#moves.write('claimInOrder', stored, claim);
    });
    return { jobs: won.map(copyOut), attempted: won.length, saturated, drained };
  }

  /** Beginning at another lane each time, so that each gets its turn. */
  #nextOf(
    name: string,
    choice: { readonly now: Date; readonly suspects: boolean; readonly halts: boolean },
  ): StoredJob[] {
    const heads = this.#jobs.laneHeads(name);
    const begin = this.#turn % Math.max(heads.length, 1);
    const inTurn = [...heads.slice(begin), ...heads.slice(0, begin)];
    return inTurn.flatMap((head) => {
      const holder = this.#holders.get(keyOf(name, head.job.lane as string));
      const holding = holder && this.#jobs.find(holder.id);
      const next = nextInLane(head.job, holding?.job, choice);
      if (next === undefined) return [];
      return next === head.job ? [head] : [holding as StoredJob];
    });
  }

  /** The orders of a name that somebody holds. */
  async readOrders(params: ReadOrdersParams): Promise<readonly OrderRecord[]> {
    const { name, after, halted, limit } = params;
    const behind = after === undefined ? '' : laneOf(after);
    const holders = [...this.#holders.values()]
      .filter((holder) => holder.name === name && holder.lane > behind)
      .sort((a, b) => (a.lane < b.lane ? -1 : 1));
    const records = holders.flatMap(({ lane, id, halts }): OrderRecord[] => {
      const job = this.#jobs.find(id)?.job;
      if (job?.order === undefined || !holdsLane(job, halts)) return [];
      if (halted && job.status !== 'failed') return [];
      const waiting = this.#jobs.inLane(name, lane).length;
      return [{ order: job.order, jobId: job._id, status: job.status, waiting }];
    });
    return records.slice(0, limit);
  }

  /** The job that goes first in a lane. */
  async findAhead({ name, lane }: FindAheadParams): Promise<JobAhead | null> {
    const holder = this.#holders.get(keyOf(name, lane));
    const holding = holder && this.#jobs.find(holder.id)?.job;
    const holds = holder !== undefined && holdsLane(holding, holder.halts);
    const first = holds ? holding : this.#jobs.inLane(name, lane)[0]?.job;
    return first ? { jobId: first._id, status: first.status } : null;
  }

  /** Forgets holders that hold nothing any more, all in one step. */
  async sweepOrders({
    usedBefore,
    superseded: looks = false,
  }: SweepOrdersParams): Promise<SweepOrdersResult> {
    const superseded = looks ? this.#superseded() : [];
    let swept = this.#groups.sweep(usedBefore);
    for (const [key, { id, halts, usedAtMs }] of this.#holders) {
      if (usedAtMs >= usedBefore.getTime() || holdsLane(this.#jobs.find(id)?.job, halts)) continue;
      this.#holders.delete(key);
      swept += 1;
    }
    return { swept, ...(superseded.length > 0 && { superseded }) };
  }

  #superseded(): SupersededJob[] {
    return [...this.#holders.values()].flatMap(({ name, lane, id }): SupersededJob[] => {
      const holder = this.#jobs.find(id)?.job;
      const waiting = this.#jobs.inLane(name, lane).find(({ job }) => job.supersedes === 'cancel');
      if (holder === undefined || waiting === undefined) return [];
      return isSuperseded(holder, waiting.job) ? [{ jobId: holder._id, by: waiting.job._id }] : [];
    });
  }

  /** True for a failed job that holds up its order: it is not pruned. */
  isHalting({ id, job }: StoredJob): boolean {
    if (job.lane === undefined || job.status !== 'failed') return false;
    const holder = this.#holders.get(keyOf(job.name, job.lane));
    return holder?.halts === true && holder.id === id;
  }
}

function keyOf(name: string, lane: string): string {
  return `${name.length}/${name}/${lane}`;
}
