/**
 * A random model of how instances share a limit: shares, starts of a rate, claims and ends, each request, its arrival and
 * its answer a step apart, with late and lost messages, crashes, rescues and limits that are changed meanwhile.
 */
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { type ModelRuns, type ModelSearch, runSeeds } from './model-runs.ts';
import {
  type ClaimCall,
  type ModelClaim,
  type ModelInstance,
  newInstance,
  type PermitFault,
  type PermitRules,
  type ShareCall,
} from './permit-parts.ts';

const STEPS = 500;
const LAST_STEPS = 1_000;
const INSTANCES = 3;
const MOST_CONCURRENCY = 6;
const OLDEST_KNOWLEDGE = 40;
const STARTS_LAST = 60;
const EVERY = 60;
const BURST = 2;

/** One limit, three places for instances, and whatever happens to them. */
class PermitWorld {
  readonly #random: SeededRandom;
  readonly #rules: PermitRules;
  readonly #hasRate: boolean;
  readonly #claims = new Set<ModelClaim>();
  readonly #shares = new Map<ModelInstance, number>();
  readonly #calls = new Map<ModelInstance, number>();
  readonly #messages: (ShareCall | ClaimCall)[] = [];
  readonly #instances: ModelInstance[] = [];
  readonly #dead: ModelInstance[] = [];
  readonly #limits: { concurrency: number; until: number }[] = [];
  readonly #startTimes: number[] = [];
  #concurrency: number;
  #usedUp = 0;
  #now = 0;
  claims = 0;
  fault: PermitFault | undefined;

  constructor(seed: number, rules: PermitRules, hasRate: boolean) {
    this.#random = new SeededRandom(seed);
    this.#rules = rules;
    this.#hasRate = hasRate;
    this.#concurrency = 1 + this.#below(MOST_CONCURRENCY);
    for (let count = 0; count < INSTANCES; count += 1) this.#instances.push(newInstance());
  }

  run(): void {
    for (let step = 0; step < STEPS && this.fault === undefined; step += 1) {
      this.#now += 1;
      const instance = this.#pick(this.#instances) as ModelInstance;
      this.#happen(this.#random.fraction(), instance);
    }
    if (this.fault === undefined) this.#settleDown();
  }

  #happen(chance: number, instance: ModelInstance): void {
    if (chance < 0.32) this.#travel(this.#pick(this.#messages));
    else if (chance < 0.47) this.#ask(instance, this.#below(MOST_CONCURRENCY));
    else if (chance < 0.62) this.#claim(instance);
    else if (chance < 0.74) this.#end(instance);
    else if (chance < 0.8) this.#record(instance);
    else if (chance < 0.86) this.#read(instance);
    else if (chance < 0.89) this.#giveUp(instance);
    else if (chance < 0.92) this.#readClaims(instance);
    else if (chance < 0.935) this.#crash(instance);
    else if (chance < 0.985) this.#rescue();
    else this.#setLimit(this.#below(MOST_CONCURRENCY + 1));
  }

  /** Nothing is late, nobody crashes: everybody gets his turn, and in the end nobody holds anything. */
  #settleDown(): void {
    this.#setLimit(Math.max(this.#concurrency, 1));
    const served = new Set<ModelInstance>();
    const isOver = (): boolean =>
      this.fault !== undefined || (served.size >= this.#instances.length && this.#total() === 0);
    for (let step = 0; step < LAST_STEPS && !isOver(); step += 1) {
      this.#now += 1;
      for (const message of [...this.#messages]) this.#travel(message);
      this.#rescue();
      for (const instance of this.#instances) {
        this.#readClaims(instance);
        this.#read(instance);
        for (const claim of [...instance.jobs]) {
          served.add(instance);
          instance.ended.add(claim);
        }
        this.#record(instance);
        if (!served.has(instance)) this.#claim(instance);
        this.#ask(instance, served.has(instance) ? 0 : 1);
      }
    }
    if (!isOver()) this.fault = 'stuck';
  }

  /** A request arrives, or an answer. */
  #travel(message: ShareCall | ClaimCall | undefined): void {
    if (message === undefined) return;
    if (message.state === 'sent') {
      if (message.kind === 'share') this.#takeShare(message);
      else this.#takeJobs(message);
      message.state = 'answered';
      return;
    }
    this.#messages.splice(this.#messages.indexOf(message), 1);
    const { from } = message;
    if (message.isGivenUp || !from.isAlive) return;
    if (message.kind === 'share') this.#learn(from, message);
    else this.#won(from, message);
  }

  #ask(instance: ModelInstance, wanted: number): void {
    if (!instance.isAlive || instance.asking !== undefined) return;
    const used = this.#usedBy(instance);
    const excess = this.#excess(instance);
    const least = this.#rules.coversUse ? used : 0;
    const count = Math.max(least, Math.min(wanted, instance.known.concurrency) - excess);
    const mayStart = wanted > 0 && instance.share - excess > used;
    const wantsStarts = this.#hasRate && mayStart && this.#validStarts(instance) === 0;
    const starts = wantsStarts ? 1 + this.#below(BURST) : 0;
    instance.seq += 1;
    const call: ShareCall = {
      ...{ kind: 'share', from: instance, seq: instance.seq, count, starts, sentAt: this.#now },
      ...{ state: 'sent', isGivenUp: false },
    };
    if (this.#rules.goneAtOnce) instance.share = Math.min(instance.share, count);
    instance.asking = call;
    this.#messages.push(call);
  }

  #takeShare(call: ShareCall): void {
    const { from, seq } = call;
    const held = this.#shares.get(from) ?? 0;
    call.learned = { concurrency: this.#concurrency, total: this.#total() };
    const isOld = seq <= (this.#calls.get(from) ?? 0);
    if (isOld && this.#rules.numbered) {
      call.answer = { count: held, starts: 0, isTaken: false };
      return;
    }
    this.#calls.set(from, seq);
    const free = this.#concurrency - this.#total();
    const room = this.#rules.neverCut ? Math.max(free, 0) : free;
    const most = this.#rules.boundByFree ? Math.max(held + room, 0) : MOST_CONCURRENCY;
    const count = Math.min(call.count, most);
    this.#shares.set(from, count);
    const starts = Math.min(call.starts, this.#startsAllowed());
    this.#usedUp = Math.max(this.#usedUp, this.#now) + starts * EVERY;
    call.answer = { count, starts, isTaken: true };
    call.learned = { concurrency: this.#concurrency, total: this.#total() };
  }

  #learn(instance: ModelInstance, { answer, learned, sentAt, starts }: ShareCall): void {
    instance.asking = undefined;
    if (answer?.isTaken) {
      instance.share = answer.count;
      instance.isDoubted = false;
      if (starts > 0) Object.assign(instance, { starts: answer.starts, startsAt: sentAt });
    } else this.#doubt(instance);
    if (learned && sentAt >= instance.readAt)
      Object.assign(instance, { known: learned, readAt: sentAt });
  }

  #doubt(instance: ModelInstance): void {
    instance.isDoubted = true;
    if (this.#rules.doubts) instance.share = Math.min(instance.share, this.#usedBy(instance));
  }

  #claim(instance: ModelInstance): void {
    if (!instance.isAlive || instance.claiming !== undefined) return;
    if (instance.unread !== undefined && this.#rules.unansweredCounts) return;
    const isOld = this.#now - instance.readAt > OLDEST_KNOWLEDGE;
    if (isOld && this.#rules.oldIsNothing) return;
    const excess = this.#rules.excessWaits ? this.#excess(instance) : 0;
    const permits = instance.share - excess - this.#usedBy(instance);
    const room = this.#hasRate ? Math.min(permits, this.#validStarts(instance)) : permits;
    if (room <= 0) return;
    const size = 1 + this.#below(room);
    if (this.#rules.usedOnce) instance.starts -= size;
    const call: ClaimCall = {
      ...{ kind: 'claim', from: instance, size, sentAt: this.#now, won: [] },
      ...{ state: 'sent', isGivenUp: false },
    };
    instance.claiming = call;
    this.#messages.push(call);
  }

  #takeJobs(call: ClaimCall): void {
    const { from, size, sentAt } = call;
    const isLate = from.isDead || call.isGivenUp;
    call.won = Array.from({ length: size }, () => ({ owner: from, isLate }));
    for (const claim of call.won) this.#claims.add(claim);
    if (isLate) return;
    this.claims += size;
    this.#judge(from, sentAt, size);
  }

  /** What was promised, by what the ledger itself holds at this moment. */
  #judge(owner: ModelInstance, sentAt: number, size: number): void {
    const inTime = [...this.#claims].filter(({ isLate }) => !isLate);
    const own = inTime.filter((claim) => claim.owner === owner).length;
    if (own > (this.#shares.get(owner) ?? 0)) this.fault ??= 'over its share';
    const known = this.#limits.filter(({ until }) => until >= sentAt - OLDEST_KNOWLEDGE);
    const most = Math.max(this.#concurrency, ...known.map(({ concurrency }) => concurrency));
    if (inTime.length > most) this.fault = 'over the limit';
    if (this.#hasRate) this.#judgeRate(sentAt, size);
  }

  #judgeRate(sentAt: number, size: number): void {
    const times = this.#startTimes;
    for (let count = 0; count < size; count += 1) times.push(sentAt);
    times.sort((a, b) => a - b);
    for (const [first, from] of times.entries()) {
      for (const [last, until] of times.entries()) {
        const most = (until - from + STARTS_LAST) / EVERY + BURST;
        const isWindow = last >= first;
        if (isWindow && last - first + 1 > most) this.fault ??= 'too many starts';
      }
    }
  }

  #won(instance: ModelInstance, call: ClaimCall): void {
    instance.claiming = undefined;
    for (const claim of call.won) if (this.#claims.has(claim)) instance.jobs.add(claim);
  }

  /** A handler returns. */
  #end(instance: ModelInstance): void {
    const running = [...instance.jobs].filter((claim) => !instance.ended.has(claim));
    const claim = this.#pick(running);
    if (claim !== undefined && instance.isAlive) instance.ended.add(claim);
  }

  #record(instance: ModelInstance): void {
    if (!instance.isAlive) return;
    for (const claim of instance.ended) {
      this.#claims.delete(claim);
      instance.jobs.delete(claim);
    }
    instance.ended.clear();
  }

  #read(instance: ModelInstance): void {
    if (!instance.isAlive) return;
    instance.known = { concurrency: this.#concurrency, total: this.#total() };
    instance.readAt = this.#now;
    if (!this.#rules.writesAgain && instance.isDoubted && instance.asking === undefined) {
      instance.share = this.#shares.get(instance) ?? 0;
      instance.isDoubted = false;
    }
  }

  /** Nobody waits for an answer any more. */
  #giveUp(instance: ModelInstance): void {
    const { asking, claiming } = instance;
    if (asking !== undefined) {
      asking.isGivenUp = true;
      instance.asking = undefined;
      this.#doubt(instance);
    }
    if (claiming === undefined) return;
    claiming.isGivenUp = true;
    instance.claiming = undefined;
    instance.unread = claiming;
  }

  /** By the token of the claim. */
  #readClaims(instance: ModelInstance): void {
    if (!instance.isAlive || instance.unread === undefined) return;
    for (const claim of instance.unread.won) {
      if (!claim.isLate && this.#claims.has(claim)) instance.jobs.add(claim);
    }
    instance.unread = undefined;
  }

  #crash(instance: ModelInstance): void {
    instance.isAlive = false;
    this.#dead.push(instance);
    this.#instances[this.#instances.indexOf(instance)] = newInstance();
  }

  /** One thing of one dead instance: its end is declared, a job rescued, or its share given back. */
  #rescue(): void {
    const late = [...this.#claims].find(({ isLate }) => isLate);
    if (late !== undefined) this.#claims.delete(late);
    for (const instance of this.#dead) {
      const left = [...this.#claims].find(({ owner }) => owner === instance);
      if (!instance.isDead) instance.isDead = true;
      else if (left !== undefined && this.#rules.rescuedFirst) this.#claims.delete(left);
      else if ((this.#shares.get(instance) ?? 0) > 0) this.#shares.delete(instance);
      else if (left !== undefined) this.#claims.delete(left);
      else continue;
      return;
    }
  }

  #setLimit(concurrency: number): void {
    this.#limits.push({ concurrency: this.#concurrency, until: this.#now });
    this.#concurrency = concurrency;
  }

  #usedBy({ jobs, ended, claiming, unread }: ModelInstance): number {
    const over = this.#rules.usedUntilRecorded ? 0 : ended.size;
    const unanswered = this.#rules.unansweredCounts ? (unread?.size ?? 0) : 0;
    return jobs.size - over + (claiming?.size ?? 0) + unanswered;
  }

  #excess({ known }: ModelInstance): number {
    return Math.max(known.total - known.concurrency, 0);
  }

  #validStarts({ starts, startsAt }: ModelInstance): number {
    const isVoid = this.#rules.unusedIsVoid && this.#now - startsAt >= STARTS_LAST;
    return isVoid ? 0 : Math.max(starts, 0);
  }

  #startsAllowed(): number {
    const from = Math.max(this.#usedUp, this.#now);
    return Math.max(Math.floor((this.#now + BURST * EVERY - from) / EVERY), 0);
  }

  #total(): number {
    return [...this.#shares.values()].reduce((sum, count) => sum + count, 0);
  }

  #below(count: number): number {
    return Math.floor(this.#random.fraction() * count);
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[this.#below(items.length)];
  }
}

/** How many seeds are run, and with what. */
export interface PermitSearch extends ModelSearch<PermitFault> {
  /** Whether starts are bound by a rate too. */
  readonly hasRate?: boolean;
}

/** Runs seeds from 1 on. */
export function runPermits(rules: PermitRules, search: PermitSearch): ModelRuns<PermitFault> {
  const { hasRate = false } = search;
  const none = { 'over the limit': 0, 'over its share': 0, 'too many starts': 0, stuck: 0 };
  return runSeeds(search, none, (seed) => new PermitWorld(seed, rules, hasRate));
}
