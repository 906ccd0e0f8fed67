/**
 * The orders of the plain ledger: of each key the jobs are claimed one after the other.
 *
 * @module
 */
import type * as verbs from '@monque/core/ledger';
import {
  holdsLane,
  isSuperseded,
  type Job,
  type JobVerb,
  laneOf,
  nextInLane,
  type TransitionParams,
} from '@monque/core/ledger';
import { Timestamp } from 'mongodb';
import type { PlainGroups } from './plain-ledger-groups.ts';
import type { JobRecord, JobTable } from './plain-ledger-jobs.ts';

type Move = (verb: JobVerb, job: JobRecord, params: TransitionParams) => JobRecord | null;

/** Who was started last in a lane. */
interface Holder {
  readonly jobId: Job['_id'];
  readonly halts: boolean;
  readonly usedAt: Date;
}

/** Lanes of pending jobs, and who holds them. */
export class PlainOrders implements verbs.LaneVerbs {
  readonly #jobs: JobTable;
  readonly #move: Move;
  readonly #holders = new Map<string, Holder>();
  readonly #groups: PlainGroups;
  #ranks = 0;
  #turn = 0;

  constructor(jobs: JobTable, move: Move, groups: PlainGroups) {
    this.#jobs = jobs;
    this.#groups = groups;
    this.#move = move;
  }

  /** A job that is stored now, behind all that were stored before it. */
  ranked(job: Job): Job {
    this.#ranks += 1;
    return job.order === undefined ? job : { ...job, rank: Timestamp.fromNumber(this.#ranks) };
  }

  async claimOrders(params: verbs.ClaimOrdersParams): Promise<verbs.ClaimResult> {
    const { demand, instanceId, claimToken, now, suspects } = params;
    this.#turn += 1;
    const found = demand.map(({ name, halts }) => this.#next(name, { now, suspects, halts }));
    const isFull = demand.map(({ limit }, index) => Number(found[index]?.length) >= limit);
    const wanted = demand.flatMap(({ limit, halts }, index) =>
      (found[index] ?? []).slice(0, limit).map((job) => ({ job, halts })),
    );
    // A suspect is claimed alone.
    const chosen = suspects ? wanted.slice(0, 1) : wanted;
    const jobs = chosen.flatMap(({ job, halts }) => {
      this.#holders.set(keyOf(job), { jobId: job._id, halts, usedAt: now });
      const claim = { instanceId, claimToken, now, fenceBefore: job.fence };
      return this.#move('claimInOrder', job, claim) ?? [];
    });
    return {
      jobs,
      attempted: chosen.length,
      saturated: demand.filter((_, index) => isFull[index]).map(({ name }) => name),
      drained: demand.filter((_, index) => !isFull[index]).map(({ name }) => name),
    };
  }

  /** Who may be claimed of each lane; another lane is the first each time. */
  #next(name: string, choice: Parameters<typeof nextInLane>[2]): JobRecord[] {
    const heads = new Map<string, JobRecord>();
    for (const job of this.#pending(name)) if (!heads.has(keyOf(job))) heads.set(keyOf(job), job);
    const inTurn = [...heads.values()];
    inTurn.push(...inTurn.splice(0, this.#turn % Math.max(inTurn.length, 1)));
    return inTurn.flatMap((head) => {
      const holder = this.#holders.get(keyOf(head));
      return nextInLane(head, holder && this.#jobs.get(holder.jobId), choice) ?? [];
    });
  }

  /** Those of a name that stand in lanes, in their order. */
  #pending(name: string): JobRecord[] {
    return this.#jobs
      .all()
      .filter((job) => job.name === name && job.status === 'pending' && job.order !== undefined)
      .sort((a, b) => placeOf(a) - placeOf(b));
  }

  async readOrders(params: verbs.ReadOrdersParams): Promise<readonly verbs.OrderRecord[]> {
    const { name, after, halted, limit } = params;
    const behind = after === undefined ? '' : laneOf(after);
    const pending = this.#pending(name);
    return [...this.#holders.values()]
      .flatMap(({ jobId, halts }) => {
        const job = this.#jobs.get(jobId);
        return job?.name === name && holdsLane(job, halts) ? [job] : [];
      })
      .filter(({ lane = '', status }) => lane > behind && (!halted || status === 'failed'))
      .sort((a, b) => (String(a.lane) < String(b.lane) ? -1 : 1))
      .slice(0, limit)
      .map(({ order = '', lane, _id: jobId, status }) => {
        const waiting = pending.filter((job) => job.lane === lane).length;
        return { order, jobId, status, waiting };
      });
  }

  async findAhead({ name, lane }: verbs.FindAheadParams): Promise<verbs.JobAhead | null> {
    const holder = this.#holders.get(keyOf({ name, lane }));
    const holding = holder && this.#jobs.get(holder.jobId);
    const holds = holder !== undefined && holdsLane(holding, holder.halts);
    const first = holds ? holding : this.#pending(name).find((job) => job.lane === lane);
    return first ? { jobId: first._id, status: first.status } : null;
  }

  async sweepOrders(params: verbs.SweepOrdersParams): Promise<verbs.SweepOrdersResult> {
    const free = [...this.#holders].filter(
      ([, { jobId, halts, usedAt }]) =>
        usedAt < params.usedBefore && !holdsLane(this.#jobs.get(jobId), halts),
    );
    for (const [key] of free) this.#holders.delete(key);
    const superseded = params.superseded ? this.#superseded() : [];
    const swept = free.length + this.#groups.sweep(params);
    return { swept, ...(superseded.length > 0 && { superseded }) };
  }

  /** Who holds a lane while one waits that is to have it cancelled. */
  #superseded(): verbs.SupersededJob[] {
    const waiting = this.#jobs
      .all()
      .filter(({ status, supersedes }) => status === 'pending' && supersedes === 'cancel');
    return waiting.flatMap((job) => {
      const holder = this.#holders.get(keyOf(job));
      const holding = holder && this.#jobs.get(holder.jobId);
      const isSo = holding !== undefined && isSuperseded(holding, job);
      return isSo ? [{ jobId: holding._id, by: job._id }] : [];
    });
  }

  /** True for a job that may be pruned: one that has failed and holds up its order may not. */
  mayLeave(job: Pick<Job, '_id' | 'name' | 'lane' | 'status'>): boolean {
    if (job.status !== 'failed') return true;
    const holder = this.#holders.get(keyOf(job));
    return holder === undefined || !holder.halts || !holder.jobId.equals(job._id);
  }

  /** Of jobs that were just moved, those that failed and hold up their orders. */
  halted(moved: readonly (Job | null)[]): { readonly halted?: readonly Job[] } {
    const halted = moved.flatMap((job) => (job === null || this.mayLeave(job) ? [] : [job]));
    return halted.length > 0 ? { halted } : {};
  }
}

function keyOf({ name, lane }: Pick<Job, 'name' | 'lane'>): string {
  return `${name.length}/${name}/${lane}`;
}

function placeOf({ rank }: Job): number {
  return rank === undefined ? 0 : Number(rank.toString());
}
