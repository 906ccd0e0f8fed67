/** Claims in order in the steps of the MongoDB ledger: heads, lanes, holders, names, claims. */
import { Timestamp } from 'mongodb';
import type { Job } from '../../src/index.ts';
import { holdsLane, isSuperseded, nextInLane } from '../../src/ledger/lane-choice.ts';
import type {
  ClaimOrdersParams,
  ClaimResult,
  FindAheadParams,
  JobAhead,
  OrderDemand,
  SupersededJob,
  SweepOrdersParams,
  SweepOrdersResult,
} from '../../src/ledger/ledger-repository.ts';
import type { NamedJob } from '../../src/ledger/mongodb/orders/lane-queries.ts';
import type { SteppedJobs } from './stepped-jobs.ts';

/** Who may be claimed in a lane, or was. */
interface Lane {
  readonly jobId: Job['_id'];
  readonly halts: boolean;
  readonly token: string;
}

/** Names jobs in lanes and claims them. */
export class SteppedOrders {
  readonly #jobs: SteppedJobs;
  readonly #letOthersIn: () => Promise<void>;
  readonly #lanes = new Map<string, Lane>();
  #turn = 0;

  constructor(jobs: SteppedJobs, letOthersIn: () => Promise<void>) {
    this.#jobs = jobs;
    this.#letOthersIn = letOthersIn;
  }

  /** What was won is for the caller to read. */
  async claim(params: ClaimOrdersParams): Promise<Omit<ClaimResult, 'jobs'>> {
    const saturated: string[] = [];
    const drained: string[] = [];
    const chosen: NamedJob[] = [];
    for (const demand of params.demand) {
      const found = await this.#look(demand, params);
      chosen.push(...found.slice(0, demand.limit));
      (found.length >= demand.limit ? saturated : drained).push(demand.name);
    }
    const wanted = params.suspects ? chosen.slice(0, 1) : chosen;
    await this.#letOthersIn();
    const named: NamedJob[] = [];
    for (const [index, wish] of wanted.entries()) {
      if (this.#name(wish, params)) named.push(wish);
      if (index % 4 === 3) await this.#letOthersIn();
    }
    await this.#letOthersIn();
    const { instanceId, claimToken, now } = params;
    for (const { jobId, fenceBefore } of named) {
      this.#jobs.move('claimInOrder', jobId, { instanceId, claimToken, now, fenceBefore });
    }
    await this.#letOthersIn();
    return { attempted: wanted.length, saturated, drained };
  }

  /** As if hours had passed: whatever nobody holds is forgotten. */
  async sweep({ superseded: looks = false }: SweepOrdersParams): Promise<SweepOrdersResult> {
    const seen = [...this.#lanes];
    await this.#letOthersIn();
    const free = seen.filter(([, { jobId, halts }]) => !holdsLane(this.#find(jobId), halts));
    await this.#letOthersIn();
    const swept = free.filter(([laneId, { token }]) => this.#lanes.get(laneId)?.token === token);
    for (const [laneId] of swept) this.#lanes.delete(laneId);
    const superseded = looks ? await this.#superseded() : [];
    return { swept: swept.length, ...(superseded.length > 0 && { superseded }) };
  }

  /** Those that wait, their lanes, and who holds those. */
  async #superseded(): Promise<SupersededJob[]> {
    await this.#letOthersIn();
    const waiting = [...this.#jobs.all()].filter(
      ({ status, supersedes, startLock }) =>
        status === 'pending' && supersedes === 'cancel' && startLock !== undefined,
    );
    await this.#letOthersIn();
    const lanes = new Map(this.#lanes);
    await this.#letOthersIn();
    return waiting.flatMap((job): SupersededJob[] => {
      const lane = lanes.get(idOf(job.name, job.lane ?? ''));
      const holder = lane && this.#find(lane.jobId);
      const isSo = holder !== undefined && isSuperseded(holder, job);
      return isSo ? [{ jobId: holder._id, by: job._id }] : [];
    });
  }

  async findAhead({ name, lane }: FindAheadParams): Promise<JobAhead | null> {
    const held = this.#lanes.get(idOf(name, lane));
    await this.#letOthersIn();
    const holder = held && this.#find(held.jobId);
    if (held !== undefined && holder !== undefined && holdsLane(holder, held.halts)) {
      return { jobId: holder._id, status: holder.status };
    }
    await this.#letOthersIn();
    const [head] = this.#headsOf(name).filter((job) => job.lane === lane);
    return head ? { jobId: head._id, status: head.status } : null;
  }

  /** True for a failed job that holds up its order. */
  isHalting({ _id, name, lane, status }: Job): boolean {
    if (lane === undefined || status !== 'failed') return false;
    const held = this.#lanes.get(idOf(name, lane));
    return held?.halts === true && held.jobId.equals(_id);
  }

  async #look({ name, halts }: OrderDemand, params: ClaimOrdersParams): Promise<NamedJob[]> {
    await this.#letOthersIn();
    const heads = this.#headsOf(name);
    await this.#letOthersIn();
    const lanes = new Map(this.#lanes);
    await this.#letOthersIn();
    return heads.flatMap((head): NamedJob[] => {
      const laneId = idOf(name, head.lane ?? '');
      const lane = lanes.get(laneId);
      const next = nextInLane(head, lane && this.#find(lane.jobId), { ...params, halts });
      if (next === undefined) return [];
      const seen = lane && { seen: lane.token };
      return [{ laneId, name, jobId: next._id, fenceBefore: next.fence, halts, ...seen }];
    });
  }

  /** The first pending job of each lane, beginning with another lane each time. */
  #headsOf(name: string): Job[] {
    const heads = new Map<string, Job>();
    for (const job of this.#jobs.all()) {
      if (job.status !== 'pending' || job.name !== name || job.lane === undefined) continue;
      if (job.order === undefined) continue;
      const head = heads.get(job.lane);
      if (head === undefined || isBefore(job, head)) heads.set(job.lane, job);
    }
    this.#turn += 1;
    const all = [...heads.values()];
    const begin = this.#turn % Math.max(all.length, 1);
    return [...all.slice(begin), ...all.slice(0, begin)];
  }

  /** False when the lane is not as it was read. */
  #name({ laneId, jobId, halts, seen }: NamedJob, { claimToken }: ClaimOrdersParams): boolean {
    if (this.#lanes.get(laneId)?.token !== seen) return false;
    this.#lanes.set(laneId, { jobId, halts, token: claimToken });
    return true;
  }

  #find(jobId: Job['_id']): Job | undefined {
    return this.#jobs.find(jobId) ?? undefined;
  }
}

function isBefore(a: Job, b: Job): boolean {
  return a.rank instanceof Timestamp && b.rank instanceof Timestamp && a.rank.lessThan(b.rank);
}

function idOf(name: string, lane: string): string {
  return `${name.length}/${name}/${lane}`;
}
