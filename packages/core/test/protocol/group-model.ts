/**
 * A random model of how the jobs of one group are claimed under a limit: heads, lane, holders, names, claims, each a step
 * apart, with crashes, late messages, retries, rescues, redrives, changes, sweeps and new limits between them.
 */
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { type ModelRuns, runSeeds } from './model-runs.ts';

/** The rules of the protocol; each may be left out, to see what it is for. */
export interface GroupRules {
  /** A lane is written only if it is as it was read. */
  readonly compare: boolean;
  /** A claim takes its job only at the fence that it was named with. */
  readonly fence: boolean;
  /** A redrive raises the fence. */
  readonly redriveRaises: boolean;
  /** A change of a job that waits raises the fence. */
  readonly amendRaises: boolean;
  /** Who is named and waits for its claim holds a place, not only who is processing. */
  readonly waitingHolds: boolean;
  /** A place is held at one fence alone: who is claimed again is named again. */
  readonly oneFence: boolean;
  /** Who is named and waits goes before the heads. */
  readonly namedFirst: boolean;
  /** A claim follows only when the name is known to be written. */
  readonly nameBeforeClaim: boolean;
  /** A lane is swept only if it is as it was read. */
  readonly sweepCompares: boolean;
  /** A new limit changes the lane, so that nobody writes or sweeps by what was before it. */
  readonly limitChangesLane: boolean;
}

/** The protocol as it is. */
export const ALL_RULES: GroupRules = {
  compare: true,
  fence: true,
  redriveRaises: true,
  amendRaises: true,
  waitingHolds: true,
  oneFence: true,
  namedFirst: true,
  nameBeforeClaim: true,
  sweepCompares: true,
  limitChangesLane: true,
};

/** What a run can show to be wrong. */
export type GroupFault = 'over the limit' | 'a limit was lost' | 'stuck';

interface ModelJob {
  readonly id: number;
  status: 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';
  fence: number;
  due: number;
}

interface Named {
  readonly job: number;
  readonly fence: number;
}

interface Lane {
  token: number;
  held: readonly Named[];
  limit: number | undefined;
}

interface Claimer {
  step: 'idle' | 'lane' | 'holders' | 'name' | 'claim';
  isAlive: boolean;
  heads: readonly Named[];
  seen?: Lane | undefined;
  kept: readonly Named[];
  chosen: Named[];
}

const STEPS = 400;
const MOST_JOBS = 12;
const MOST_HEADS = 2;
const LAST_STEPS = 1_500;

/** The limit of each group that has none of its own. */
const LIMIT_OF_ALL = 1;

/** One lane, three claimers, and whatever happens to them. */
class GroupWorld {
  readonly #random: SeededRandom;
  readonly #rules: GroupRules;
  readonly #changesLimit: boolean;
  readonly #jobs: ModelJob[] = [];
  readonly #late: Named[] = [];
  readonly #claimers: Claimer[];
  #lane: Lane | undefined;
  #sweeping: { readonly token: number } | undefined;
  /** The limit that was set last, whatever became of it. */
  #ownLimit: number | undefined;
  #mostAllowed = LIMIT_OF_ALL;
  #tokens = 0;
  #now = 0;
  claims = 0;
  fault: GroupFault | undefined;

  constructor(seed: number, rules: GroupRules) {
    this.#random = new SeededRandom(seed);
    this.#rules = rules;
    this.#changesLimit = seed % 2 === 0;
    this.#claimers = [0, 1, 2].map(() => {
      return { step: 'idle', isAlive: true, heads: [], kept: [], chosen: [] };
    });
    if (this.#below(2) === 0) this.#setLimit(1 + this.#below(3));
    for (let count = 0; count < 3; count += 1) this.#add();
  }

  run(): void {
    for (let step = 0; step < STEPS && this.fault === undefined; step += 1) {
      this.#now += 1;
      this.#happen(this.#random.fraction());
      if (this.#lane?.limit !== this.#ownLimit) this.fault ??= 'a limit was lost';
    }
    if (this.fault === undefined) this.#settleDown();
  }

  #happen(chance: number): void {
    if (chance < 0.55) this.#stepOf(this.#pick(this.#claimers.filter(({ isAlive }) => isAlive)));
    else if (chance < 0.61) this.#arrive();
    else if (chance < 0.73) this.#endRun(this.#pick(this.#inState('processing')));
    else if (chance < 0.77) this.#redrive(this.#pick(this.#inState('failed', 'cancelled')));
    else if (chance < 0.79) this.#cancel(this.#pick(this.#inState('pending')));
    else if (chance < 0.81) this.#amend(this.#pick(this.#inState('pending')));
    else if (chance < 0.85) this.#crashOrStart(this.#pick(this.#claimers));
    else if (chance < 0.89) this.#sweep();
    else if (chance < 0.9 && this.#changesLimit) this.#setLimit(1 + this.#below(3));
    else if (chance < 0.96 && this.#jobs.length < MOST_JOBS) this.#add();
  }

  /** Everybody lives, nothing is late, nobody fails: all must come to an end. Who was put off for long is left alone. */
  #settleDown(): void {
    this.#late.length = 0;
    for (const claimer of this.#claimers) Object.assign(claimer, { step: 'idle', isAlive: true });
    const isOpen = ({ due }: ModelJob): boolean => due < Number.POSITIVE_INFINITY;
    for (let step = 0; step < LAST_STEPS && this.fault === undefined; step += 1) {
      if (this.#inState('pending', 'processing').filter(isOpen).length === 0) return;
      this.#now += 1;
      for (const claimer of this.#claimers) this.#stepOf(claimer);
      const running = this.#inState('processing')[0];
      if (running !== undefined && step % 3 === 0) running.status = 'completed';
    }
    if (this.#inState('pending', 'processing').some(isOpen)) this.fault ??= 'stuck';
  }

  #stepOf(claimer: Claimer | undefined): void {
    if (claimer === undefined) return;
    const steps = {
      idle: () => this.#findHeads(claimer),
      lane: () => this.#readLane(claimer),
      holders: () => this.#readHolders(claimer),
      name: () => this.#name(claimer),
      claim: () => this.#send(claimer),
    };
    steps[claimer.step]();
  }

  /** The last that came is the most urgent. */
  #findHeads(claimer: Claimer): void {
    const due = this.#inState('pending').filter((job) => job.due <= this.#now);
    if (due.length === 0) return;
    const first = due.reverse().slice(0, MOST_HEADS);
    claimer.heads = first.map(({ id, fence }) => ({ job: id, fence: fence + 1 }));
    claimer.step = 'lane';
  }

  #readLane(claimer: Claimer): void {
    claimer.seen = this.#lane && { ...this.#lane };
    claimer.step = 'holders';
  }

  #readHolders(claimer: Claimer): void {
    const { held = [], limit = LIMIT_OF_ALL } = claimer.seen ?? {};
    const kept = held.filter((named) => this.#holds(named));
    const waiting = kept.filter(({ job }) => this.#isClaimable(job));
    const heads = claimer.heads.filter(({ job, fence }) => {
      return !kept.some((named) => named.job === job && named.fence === fence);
    });
    const room = Math.max(limit - kept.length, 0);
    const again = this.#rules.namedFirst
      ? waiting
      : waiting.filter(({ job }) => claimer.heads.some((head) => head.job === job));
    claimer.kept = kept;
    claimer.chosen = [...again, ...heads.slice(0, room)];
    claimer.step = claimer.chosen.length > 0 ? 'name' : 'idle';
  }

  #name(claimer: Claimer): void {
    const isSame = this.#lane?.token === claimer.seen?.token;
    if (isSame || !this.#rules.compare) {
      this.#tokens += 1;
      const added = claimer.chosen.filter((named) => !claimer.kept.includes(named));
      // A limit that came meanwhile stays: names and limits are fields of their own.
      const held = [...claimer.kept, ...added];
      this.#lane = { token: this.#tokens, held, limit: this.#lane?.limit };
      claimer.step = 'claim';
    } else claimer.step = this.#rules.nameBeforeClaim ? 'idle' : 'claim';
  }

  #send(claimer: Claimer): void {
    const claim = claimer.chosen.shift();
    if (claimer.chosen.length === 0) claimer.step = 'idle';
    if (claim === undefined) return;
    if (this.#random.fraction() < 0.15) this.#late.push(claim);
    else this.#claim(claim);
  }

  #arrive(): void {
    const [claim] = this.#late.splice(this.#below(this.#late.length), 1);
    if (claim !== undefined) this.#claim(claim);
  }

  #claim({ job: id, fence }: Named): void {
    const job = this.#jobs[id] as ModelJob;
    if (job.status !== 'pending' || job.due > this.#now) return;
    if (this.#rules.fence && job.fence !== fence - 1) return;
    job.status = 'processing';
    job.fence += 1;
    this.claims += 1;
    if (this.#inState('processing').length > this.#mostAllowed) this.fault = 'over the limit';
  }

  /** True while a name counts. */
  #holds({ job: id, fence }: Named): boolean {
    const { status, fence: stands } = this.#jobs[id] as ModelJob;
    if (status === 'processing') return stands === fence;
    if (status !== 'pending' || !this.#rules.waitingHolds) return false;
    return this.#rules.oneFence ? stands === fence - 1 : true;
  }

  #isClaimable(id: number): boolean {
    const { status, due } = this.#jobs[id] as ModelJob;
    return status === 'pending' && due <= this.#now;
  }

  /** Retried, rescued or snoozed in most cases. */
  #endRun(job: ModelJob | undefined): void {
    if (job === undefined) return;
    const chance = this.#random.fraction();
    if (chance < 0.4) job.status = 'completed';
    else if (chance < 0.6) job.status = 'failed';
    else if (chance < 0.7) job.status = 'cancelled';
    else {
      job.status = 'pending';
      job.due = this.#now + (chance < 0.85 ? this.#below(20) : 0);
    }
  }

  #redrive(job: ModelJob | undefined): void {
    if (job === undefined) return;
    job.status = 'pending';
    job.due = this.#now;
    if (this.#rules.redriveRaises) job.fence += 1;
  }

  #cancel(job: ModelJob | undefined): void {
    if (job !== undefined) job.status = 'cancelled';
  }

  /** Put off for ever, or due at once. */
  #amend(job: ModelJob | undefined): void {
    if (job === undefined) return;
    job.due = this.#below(2) === 0 ? Number.POSITIVE_INFINITY : this.#now;
    if (this.#rules.amendRaises) job.fence += 1;
  }

  #crashOrStart(claimer: Claimer | undefined): void {
    if (claimer === undefined) return;
    claimer.isAlive = !claimer.isAlive;
    claimer.step = 'idle';
  }

  /** A look, and later the deletion. */
  #sweep(): void {
    if (this.#sweeping === undefined) {
      const lane = this.#lane;
      if (lane === undefined || lane.limit !== undefined) return;
      if (lane.held.some((named) => this.#holds(named))) return;
      this.#sweeping = { token: lane.token };
      return;
    }
    const isSame = this.#lane?.token === this.#sweeping.token;
    if (isSame || !this.#rules.sweepCompares) this.#lane = undefined;
    this.#sweeping = undefined;
  }

  #setLimit(limit: number): void {
    this.#ownLimit = limit;
    this.#mostAllowed = Math.max(this.#mostAllowed, limit);
    if (this.#rules.limitChangesLane || this.#lane === undefined) this.#tokens += 1;
    const token = this.#rules.limitChangesLane ? this.#tokens : (this.#lane?.token ?? this.#tokens);
    this.#lane = { held: [], ...this.#lane, limit, token };
  }

  #add(): void {
    const due = this.#random.fraction() < 0.2 ? this.#now + this.#below(30) : 0;
    this.#jobs.push({ id: this.#jobs.length, status: 'pending', fence: 0, due });
  }

  #inState(...states: readonly ModelJob['status'][]): ModelJob[] {
    return this.#jobs.filter(({ status }) => states.includes(status));
  }

  #below(bound: number): number {
    return Math.floor(this.#random.fraction() * bound);
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[this.#below(items.length)];
  }
}

/** Runs seeds from 1 on. */
export function runGroups(seeds: number, rules: GroupRules): ModelRuns<GroupFault> {
  const none = { 'over the limit': 0, 'a limit was lost': 0, stuck: 0 };
  return runSeeds({ seeds }, none, (seed) => new GroupWorld(seed, rules));
}
