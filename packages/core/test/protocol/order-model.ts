/**
 * A random model of how the jobs of one order are claimed: head, lane, holder, name, claim, each a step apart, with
 * crashes, late messages, retries, rescues, redrives and sweeps between them.
 */
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { type ModelRuns, runSeeds } from './model-runs.ts';

/** The rules of the protocol; each may be left out, to see what it is for. */
export interface OrderRules {
  /** A lane is written only if it is as it was read. */
  readonly compare: boolean;
  /** A claim takes its job only at the fence that it was named with. */
  readonly fence: boolean;
  /** A redrive raises the fence. */
  readonly redriveRaises: boolean;
  /** Who is named holds the lane until it is finished, not only while it is processing. */
  readonly heldUntilDone: boolean;
  /** Who is named goes before the head. */
  readonly namedFirst: boolean;
  /** A lane is swept only if nobody that it names holds it, and it is as it was read. */
  readonly sweepCompares: boolean;
  /** Who is named already is named once more before it is claimed: the lane may have gone on since it was read. */
  readonly namedAgain: boolean;
  /** A claim follows only when the name is known to be written. */
  readonly nameBeforeClaim: boolean;
}

/** The protocol as it is. */
export const ALL_RULES: OrderRules = {
  compare: true,
  fence: true,
  redriveRaises: true,
  heldUntilDone: true,
  namedFirst: true,
  sweepCompares: true,
  namedAgain: true,
  nameBeforeClaim: true,
};

/** What a run can show to be wrong. */
export type OrderFault = 'two at once' | 'out of order' | 'a failed one passed' | 'stuck';

interface ModelJob {
  readonly id: number;
  status: 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';
  fence: number;
  due: number;
  wasRedriven: boolean;
}

interface Named {
  readonly job: number;
  readonly fence: number;
}

interface Claimer {
  step: 'idle' | 'lane' | 'holder' | 'name' | 'claim';
  isAlive: boolean;
  head?: Named;
  seen?: { readonly token: number; readonly held: Named | undefined } | undefined;
  next?: Named;
}

const STEPS = 400;
const MOST_JOBS = 10;
const LAST_STEPS = 1_000;

/** One lane, three claimers, and whatever happens to them. */
class OrderWorld {
  readonly #random: SeededRandom;
  readonly #rules: OrderRules;
  readonly #halts: boolean;
  readonly #jobs: ModelJob[] = [];
  readonly #late: Named[] = [];
  readonly #claimers: Claimer[] = [0, 1, 2].map(() => ({ step: 'idle', isAlive: true }));
  #lane: { token: number; held: Named | undefined } | undefined;
  #sweeping: { readonly token: number } | undefined;
  #tokens = 0;
  #now = 0;
  claims = 0;
  fault: OrderFault | undefined;

  constructor(seed: number, rules: OrderRules, halts: boolean) {
    this.#random = new SeededRandom(seed);
    this.#rules = rules;
    this.#halts = halts;
    for (let count = 0; count < 3; count += 1) this.#add();
  }

  run(): void {
    for (let step = 0; step < STEPS && this.fault === undefined; step += 1) {
      this.#now += 1;
      this.#happen(this.#random.fraction());
    }
    if (this.fault === undefined) this.#settleDown();
  }

  #happen(chance: number): void {
    if (chance < 0.55) this.#stepOf(this.#pick(this.#claimers.filter(({ isAlive }) => isAlive)));
    else if (chance < 0.61) this.#arrive();
    else if (chance < 0.74) this.#endRun(this.#pick(this.#inState('processing')));
    else if (chance < 0.78) this.#redrive(this.#pick(this.#inState('failed', 'cancelled')));
    else if (chance < 0.8) this.#cancel(this.#pick(this.#inState('pending')));
    else if (chance < 0.84) this.#crashOrStart(this.#pick(this.#claimers));
    else if (chance < 0.88) this.#sweep();
    else if (chance < 0.95 && this.#jobs.length < MOST_JOBS) this.#add();
  }

  /** Everybody lives, nothing is late, nobody fails: all must come to an end. */
  #settleDown(): void {
    this.#late.length = 0;
    for (const claimer of this.#claimers) Object.assign(claimer, { step: 'idle', isAlive: true });
    for (let step = 0; step < LAST_STEPS && this.fault === undefined; step += 1) {
      if (this.#inState('pending', 'processing').length === 0) break;
      this.#now += 1;
      for (const claimer of this.#claimers) this.#stepOf(claimer);
      const running = this.#inState('processing')[0];
      if (running !== undefined && step % 3 === 0) running.status = 'completed';
      const failed = this.#inState('failed')[0];
      if (this.#halts && failed !== undefined) failed.status = 'cancelled';
    }
    const open = this.#inState('pending', 'processing');
    if (open.length > 0) this.fault ??= 'stuck';
  }

  #stepOf(claimer: Claimer | undefined): void {
    if (claimer === undefined) return;
    const steps = {
      idle: () => this.#findHead(claimer),
      lane: () => this.#readLane(claimer),
      holder: () => this.#readHolder(claimer),
      name: () => this.#name(claimer),
      claim: () => this.#send(claimer),
    };
    steps[claimer.step]();
  }

  #findHead(claimer: Claimer): void {
    const head = this.#inState('pending')[0];
    if (head === undefined) return;
    claimer.head = { job: head.id, fence: head.fence + 1 };
    claimer.step = 'lane';
  }

  #readLane(claimer: Claimer): void {
    claimer.seen = this.#lane && { ...this.#lane };
    claimer.step = 'holder';
  }

  #readHolder(claimer: Claimer): void {
    claimer.step = 'idle';
    const held = claimer.seen?.held;
    const holder = held && this.#isHeld(held) ? this.#jobs[held.job] : undefined;
    let next = claimer.head as Named;
    if (holder !== undefined) {
      if (!this.#rules.namedFirst && holder.id !== next.job) return;
      if (holder.status !== 'pending') return;
      next = { job: holder.id, fence: holder.fence + 1 };
    }
    if ((this.#jobs[next.job] as ModelJob).due > this.#now) return;
    claimer.next = next;
    claimer.step = holder !== undefined && !this.#rules.namedAgain ? 'claim' : 'name';
  }

  #name(claimer: Claimer): void {
    const isSame = this.#lane?.token === claimer.seen?.token;
    if (isSame || !this.#rules.compare) {
      this.#tokens += 1;
      this.#lane = { token: this.#tokens, held: claimer.next };
      claimer.step = 'claim';
    } else claimer.step = this.#rules.nameBeforeClaim ? 'idle' : 'claim';
  }

  #send(claimer: Claimer): void {
    claimer.step = 'idle';
    const claim = claimer.next as Named;
    if (this.#random.fraction() < 0.15) this.#late.push(claim);
    else this.#claim(claim);
  }

  #arrive(): void {
    const [claim] = this.#late.splice(Math.floor(this.#random.fraction() * this.#late.length), 1);
    if (claim !== undefined) this.#claim(claim);
  }

  #claim({ job: id, fence }: Named): void {
    const job = this.#jobs[id] as ModelJob;
    if (job.status !== 'pending' || job.due > this.#now) return;
    if (this.#rules.fence && job.fence !== fence - 1) return;
    this.#judge(job);
    job.status = 'processing';
    job.fence += 1;
    this.claims += 1;
  }

  /** What was promised, by what the ledger itself holds at this moment. */
  #judge(job: ModelJob): void {
    const earlier = this.#jobs.filter(({ id, wasRedriven }) => id < job.id && !wasRedriven);
    if (this.#inState('processing').length > 0) this.fault = 'two at once';
    else if (earlier.some(({ status }) => status === 'pending')) this.fault = 'out of order';
    else if (this.#halts && !job.wasRedriven && earlier.some(({ status }) => status === 'failed')) {
      this.fault = 'a failed one passed';
    }
  }

  #isHeld({ job: id, fence }: Named): boolean {
    const job = this.#jobs[id] as ModelJob;
    if (!this.#rules.heldUntilDone) {
      return job.status === 'processing' || (job.status === 'pending' && job.fence === fence - 1);
    }
    if (job.status === 'failed') return this.#halts;
    return job.status === 'pending' || job.status === 'processing';
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
      job.due = this.#now + (chance < 0.85 ? Math.floor(this.#random.fraction() * 20) : 0);
    }
  }

  #redrive(job: ModelJob | undefined): void {
    if (job === undefined) return;
    job.status = 'pending';
    job.wasRedriven = true;
    job.due = this.#now;
    if (this.#rules.redriveRaises) job.fence += 1;
  }

  #cancel(job: ModelJob | undefined): void {
    if (job !== undefined) job.status = 'cancelled';
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
      if (lane === undefined || (lane.held !== undefined && this.#isHeld(lane.held))) return;
      this.#sweeping = { token: lane.token };
      return;
    }
    const isSame = this.#lane?.token === this.#sweeping.token;
    if (isSame || !this.#rules.sweepCompares) this.#lane = undefined;
    this.#sweeping = undefined;
  }

  #add(): void {
    const due = this.#random.fraction() < 0.2 ? this.#now + this.#random.fraction() * 30 : 0;
    const id = this.#jobs.length;
    this.#jobs.push({ id, status: 'pending', fence: 0, due, wasRedriven: false });
  }

  #inState(...states: readonly ModelJob['status'][]): ModelJob[] {
    return this.#jobs.filter(({ status }) => states.includes(status));
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random.fraction() * items.length)];
  }
}

/** Runs seeds from 1 on. */
export function runOrders(seeds: number, rules: OrderRules, halts = false): ModelRuns<OrderFault> {
  const none = { 'two at once': 0, 'out of order': 0, 'a failed one passed': 0, stuck: 0 };
  return runSeeds({ seeds }, none, (seed) => new OrderWorld(seed, rules, halts));
}
