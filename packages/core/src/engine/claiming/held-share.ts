/**
 * What this instance holds of one limit: its share of the concurrency, starts of the rate, and what it uses of both.
 *
 * What always holds: it counts no more than the ledger has confirmed; after an outcome that is not known it counts only
 * what it uses, and writes again; it never asks for less than it uses; and nothing is said on knowledge that is older
 * than {@link OLDEST_KNOWLEDGE_MS}.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import type { LimitRecord, TakeShareParams } from '../../ledger/ledger-repository.ts';

/** How old, in milliseconds, what is known of a limit may be when a job is claimed. */
const OLDEST_KNOWLEDGE_MS = 2_000;

/** Starts that are not used by then are void, in milliseconds. */
const STARTS_LAST_MS = 1_000;

/** A share that is not used for so long goes back, in milliseconds. */
const IDLE_MS = 1_000;

/** Who gave a permit to another leaves it to him for so long, in milliseconds. */
const YIELD_MS = 25;

type ShareContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'clock' | 'report'>;

/** A time by both clocks: of a machine that was suspended only the wall clock went on. */
interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

const LONG_AGO: Moment = {
  monotonicMs: Number.NEGATIVE_INFINITY,
  wallMs: Number.NEGATIVE_INFINITY,
};

/** A limit of which nothing is known. */
const UNKNOWN: LimitRecord = Object.freeze({ key: '', shares: [] });

/** The share of one instance in one limit. */
export class HeldShare {
  readonly key: string;
  readonly #context: ShareContext;
  readonly #instanceId: string;
  #record = UNKNOWN;
  #readAt = LONG_AGO;
  #share = 0;
  #inUse = 0;
  #wanted = 0;
  #wantedStarts = 0;
  #wantsNoted = false;
  #seq = 0;
  #isDoubted = false;
  #starts = 0;
  #startsAt = LONG_AGO;
  /** Starts of claims that are not answered: those that were not won come back. */
  #startsInClaims = 0;
  /** How many starts to ask for at once: twice as many while all are used. */
  #block = 1;
  #usedAt = LONG_AGO;
  #yieldedAt = LONG_AGO;
  /** True when a job has ended since the share changed. */
  #hasServed = false;

  constructor(context: ShareContext, key: string, instanceId: string) {
    this.#context = context;
    this.key = key;
    this.#instanceId = instanceId;
  }

  /** True while the ledger holds, or may hold, something for this instance. */
  get isHolding(): boolean {
    return this.#share > 0 || this.#isDoubted || this.#wantsNoted;
  }

  /** True while more is wanted than there is. */
  get isWanting(): boolean {
    return this.#wanted > 0;
  }

  /** True when more is wanted than there is room for. */
  get isShort(): boolean {
    return this.#wanted > 0 && this.room() < this.#wanted;
  }

  /** True when nobody can get more of it now: all is held, its rate is used up, or nothing may start. */
  get isFull(): boolean {
    const { concurrency } = this.#record;
    if (this.room() > 0 || this.#record === UNKNOWN) return false;
    const isHeld = concurrency !== undefined && this.#free(concurrency) <= 0;
    return isHeld || this.#isBlocked() || (this.hasRate && this.#inMs() > 0);
  }

  /** True while starts are bound by a rate. */
  get hasRate(): boolean {
    return this.#record.rate !== undefined;
  }

  /** How old what is known is, in milliseconds. */
  get ageMs(): number {
    return this.#ageMs(this.#readAt);
  }

  /** True when what is known is too old to claim by. */
  get isStale(): boolean {
    return this.#record === UNKNOWN || this.#ageMs(this.#readAt) > OLDEST_KNOWLEDGE_MS;
  }

  /** How long a wanted start has to wait, in milliseconds; undefined when time alone changes nothing. */
  get waitMs(): number | undefined {
    if (this.#wanted === 0 || this.room() > 0) return undefined;
    if (!this.#isBlocked() && this.#ageMs(this.#yieldedAt) < YIELD_MS) {
      return YIELD_MS - this.#ageMs(this.#yieldedAt);
    }
    const isOfTime = this.#isBlocked() || (this.hasRate && this.permits() > 0);
    return isOfTime ? Math.max(this.#inMs(), 0) : undefined;
  }

  /** Until when nothing starts, as far as is known, in milliseconds from now. */
  #inMs(): number {
    const { blockedUntil, nextStartAt } = this.#record;
    const atMs = Math.max(blockedUntil?.getTime() ?? 0, nextStartAt?.getTime() ?? 0);
    return atMs - this.#context.ledgerTime.now().getTime();
  }

  /** How many more jobs may be held at once by the concurrency alone. */
  permits(): number {
    if (this.isStale || this.#isBlocked()) return 0;
    const { concurrency } = this.#record;
    if (concurrency === undefined) return Number.POSITIVE_INFINITY;
    const most = Math.min(
      this.#share - this.#excess(concurrency),
      this.#mostAmongOthers(concurrency),
    );
    return Math.max(most - this.#inUse, 0);
  }

  /** How many more jobs may be claimed now. */
  room(): number {
    return Math.min(this.permits(), this.hasRate ? this.#validStarts() : Number.POSITIVE_INFINITY);
  }

  /**
   * Says how many more jobs could be claimed if the limit allowed it, and how many of them could start.
   *
   * @returns true when that is more than before
   */
  want({ jobs, starts }: { readonly jobs: number; readonly starts: number }): boolean {
    const isMore = jobs > this.#wanted || starts > this.#wantedStarts;
    this.#wanted = jobs;
    this.#wantedStarts = starts;
    return isMore;
  }

  /**
   * A claim for so many jobs is about to be sent.
   *
   * @returns to be called with how many were won; the others did not start
   */
  use(jobs: number): (won: number) => void {
    const startsAt = this.#startsAt;
    this.#inUse += jobs;
    this.#usedAt = this.#now();
    this.#starts -= jobs;
    this.#startsInClaims += jobs;
    return (won) => {
      this.#startsInClaims -= jobs;
      this.#inUse -= jobs - won;
      if (this.#startsAt === startsAt) this.#starts += jobs - won;
    };
  }

  /** A job has ended. */
  free(): void {
    this.#inUse -= 1;
    this.#hasServed = true;
    this.#usedAt = this.#now();
  }

  /** The ledger was read; what is known from a call that was sent later stays. */
  learn(record: LimitRecord, sent: Moment): void {
    if (sent.monotonicMs < this.#readAt.monotonicMs) return;
    this.#record = record;
    this.#readAt = sent;
  }

  /** Nothing starts before this time, as this process asked for. */
  block(until: Date): void {
    if (this.#record === UNKNOWN) return;
    const { blockedUntil = until } = this.#record;
    this.#record = { ...this.#record, blockedUntil: blockedUntil > until ? blockedUntil : until };
  }

  /**
   * Brings the share to what is needed, in at most two calls. An error is reported; the next time writes again.
   */
  async adjust(): Promise<void> {
    for (let calls = 0; calls < 2; calls += 1) {
      const plan = this.#plan();
      if (plan === undefined || !(await this.#take(plan))) break;
    }
  }

  /** What is to be written; undefined when nothing is. */
  #plan(): Pick<TakeShareParams, 'count' | 'wants' | 'starts'> | undefined {
    if (this.#record === UNKNOWN) return undefined;
    const count = this.#target();
    const missing = this.#missing();
    const starts = this.#startsToAsk();
    const wantsNow = missing > 0;
    const changes =
      this.#isDoubted || count !== this.#share || starts > 0 || wantsNow !== this.#wantsNoted;
    if (!changes) return undefined;
    const grows = count > this.#share;
    return { count, starts, wants: grows && !this.#wantsNoted ? 0 : missing };
  }

  /** How many permits are wanted and not there, also where one instance holds them all: people see who waits. */
  #missing(): number {
    const { concurrency } = this.#record;
    if (concurrency === undefined || concurrency === 0 || this.#isBlocked()) return 0;
    return Math.max(this.#inUse + this.#wanted - this.#share, 0);
  }

  /** What the share is to be. */
  #target(): number {
    const { concurrency } = this.#record;
    // Without a bound nothing more has to be held. What was claimed under one keeps its share: it may come again.
    if (concurrency === undefined) return Math.min(this.#share, this.#inUse);
    const need = Math.max(this.#inUse, Math.min(this.#inUse + this.#wanted, concurrency));
    const most = this.#mostAmongOthers(concurrency);
    const isIdle = most < Number.POSITIVE_INFINITY || this.#ageMs(this.#usedAt) > IDLE_MS;
    const kept = isIdle ? Math.min(need, this.#share) : this.#share;
    const given = Math.max(this.#inUse, Math.min(kept - this.#excess(concurrency), most));
    if (given < kept) {
      this.#yieldedAt = this.#now();
      this.#hasServed = false;
    }
    const mayGrow = this.#free(concurrency) > 0 && this.#ageMs(this.#yieldedAt) >= YIELD_MS;
    return mayGrow ? Math.max(given, Math.min(need, most)) : given;
  }

  /**
   * The most that this instance takes while others want more: as much as each. While somebody has nothing, who has more
   * than is left for each passes that on after a job; where there are fewer permits than instances, that is all.
   */
  #mostAmongOthers(concurrency: number): number {
    const { shares } = this.#record;
    const others = shares.filter(({ instanceId }) => instanceId !== this.#instanceId);
    // Who holds all that there is can be given no more.
    const wanting = others.filter(({ wants, count }) => wants > 0 && count < concurrency);
    if (wanting.length === 0) return Number.POSITIVE_INFINITY;
    const claimants = others.filter(({ count, wants }) => count + wants > 0).length + 1;
    // Who holds nothing has nothing to pass on; if all waited for each other, none would begin.
    const isTheirTurn =
      this.#share > 0 && this.#hasServed && wanting.some(({ count }) => count === 0);
    return (isTheirTurn ? Math.floor : Math.ceil)(concurrency / claimants);
  }

  #startsToAsk(): number {
    const { rate } = this.#record;
    if (rate === undefined || this.#wantedStarts === 0 || this.#inMs() > 0) return 0;
    if (this.#validStarts() > 0 || this.permits() === 0) return 0;
    // Asked for now, those that a claim brings back would be void.
    if (this.#startsInClaims > 0) return 0;
    return Math.min(this.#block, this.#wantedStarts, rate.burst);
  }

  /** True when it was carried out. */
  async #take(plan: Pick<TakeShareParams, 'count' | 'wants' | 'starts'>): Promise<boolean> {
    const { ledger, report } = this.#context;
    const sent = this.#now();
    this.#seq += 1;
    const params = { key: this.key, instanceId: this.#instanceId, seq: this.#seq, ...plan };
    // What is given back counts as gone before it is asked for.
    this.#share = Math.min(this.#share, plan.count);
    try {
      const { outcome, count, starts, limit } = await ledger.takeShare(params);
      if (outcome === 'taken') {
        if (count > this.#share) this.#hasServed = false;
        this.#share = count;
        this.#isDoubted = false;
        this.#wantsNoted = plan.wants > 0;
        if (plan.starts > 0) this.#takeStarts(starts, sent);
      } else this.#doubt();
      if (limit !== null) this.learn(limit, sent);
      else this.#record = UNKNOWN;
      return outcome === 'taken';
    } catch (error) {
      this.#doubt();
      report(error);
      return false;
    }
  }

  #doubt(): void {
    this.#isDoubted = true;
    this.#share = Math.min(this.#share, this.#inUse);
  }

  #takeStarts(starts: number, sent: Moment): void {
    const wereUsedUp = this.#starts <= 0;
    this.#block = wereUsedUp ? 2 * this.#block : Math.max(1, Math.ceil(this.#block / 2));
    this.#block = Math.min(this.#block, 1_000);
    this.#starts = starts;
    this.#startsAt = sent;
  }

  #validStarts(): number {
    return this.#ageMs(this.#startsAt) < STARTS_LAST_MS ? Math.max(this.#starts, 0) : 0;
  }

  #isBlocked(): boolean {
    const { blockedUntil } = this.#record;
    return blockedUntil !== undefined && blockedUntil > this.#context.ledgerTime.now();
  }

  /** How much more is given out than the limit allows now. */
  #excess(concurrency: number): number {
    return Math.max(-this.#free(concurrency), 0);
  }

  #free(concurrency: number): number {
    return concurrency - this.#record.shares.reduce((sum, { count }) => sum + count, 0);
  }

  #now(): Moment {
    const { clock } = this.#context;
    return { monotonicMs: clock.monotonic(), wallMs: clock.now() };
  }

  #ageMs(since: Moment): number {
    const { monotonicMs, wallMs } = this.#now();
    return Math.max(monotonicMs - since.monotonicMs, wallMs - since.wallMs);
  }
}
