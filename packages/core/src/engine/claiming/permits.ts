/**
 * The limits of the workers here: how many jobs of a name may be claimed, and the shares that this instance holds.
 *
 * What always holds: no more is claimed of a name than each of its limits has room for; what counts as in use is each
 * claim that was sent and not answered, and each job from its claim until its end is recorded; and the shares of an
 * instance that is dead go back only when it holds no claim, which the ledger checks.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import { InvalidArgumentError } from '../../foundation/errors.ts';
import { SingleFlight } from '../../foundation/single-flight.ts';
import { SoonestTimer } from '../../foundation/soonest-timer.ts';
import type { ClaimedJob } from '../../job/job.ts';
import type { Demand, LimitRecord } from '../../ledger/ledger-repository.ts';
import type { Worker } from '../../workers/worker.ts';
import { claimKey } from '../running/settler.ts';
import { HeldShare } from './held-share.ts';
import type { Asker } from './sources.ts';

/** How often shares are looked after while something is held or wanted, in milliseconds. */
const TURN_MS = 900;

/** A start that the rate allows by the clock here, and not yet by that of the ledger, is asked for again, in milliseconds. */
const SOON_MS = 20;

type PermitsContext = Pick<
  EngineContext,
  'ledger' | 'ledgerTime' | 'clock' | 'report' | 'options' | 'detached' | 'metrics' | 'emit'
>;

/** What permits ask of their neighbours. */
export interface PermitsHooks {
  /** The id under which claims are made now. */
  readonly instanceId: () => string;
  /** True while claims may be sent. */
  readonly mayClaim: () => boolean;
  /** More jobs may be claimed than before. */
  readonly onRoom: () => void;
}

const NOTHING = Object.freeze({ jobs: 0, starts: 0 });

/** How many jobs of a name could be claimed under its limits. */
interface Wish {
  readonly jobs: number;
  readonly shares: readonly HeldShare[];
}

/** By name. */
type Wants = Map<string, Wish>;

/** All limits of the workers of this process. */
export class Permits {
  readonly #context: PermitsContext;
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #hooks: PermitsHooks;
  readonly #turns = new SingleFlight(() => this.#turn());
  #shares = new Map<string, HeldShare>();
  /** By who asked. */
  readonly #wants = new Map<Asker, Wants>();
  /** The room of each of these names that was left then. */
  readonly #rooms = new Map<string, number>();
  /** The limits of each claim that counts, by the claim. */
  #claims = new Map<string, readonly HeldShare[]>();
  /** Those that had nothing left for jobs here, until nothing more was wanted of them. */
  readonly #full = new Set<string>();
  #sharesOf = '';
  readonly #nextTurn: SoonestTimer;
  #sweptMs = Number.NEGATIVE_INFINITY;
  #mustRead = false;
  #isStopped = false;

  constructor(context: PermitsContext, workers: ReadonlyMap<string, Worker>, hooks: PermitsHooks) {
    this.#context = context;
    this.#workers = workers;
    this.#hooks = hooks;
    const { clock, detached } = context;
    this.#nextTurn = new SoonestTimer(clock, () => detached(() => this.#turns.runAgain()));
  }

  /**
   * Looks for the limits that workers share, then writes those that they have for themselves.
   *
   * @throws InvalidArgumentError when a worker names a limit that was not set; then none is written
   */
  async prepare(): Promise<void> {
    await this.#check();
    await this.#write();
  }

  /**
   * Does the same for workers that were added to those that run, and begins to look after their limits. What they have for
   * themselves is written in any case: one that names a limit which is set later keeps no other from its own.
   *
   * @throws InvalidArgumentError when a worker names a limit that was not set
   */
  async added(): Promise<void> {
    await this.#write();
    await this.#check();
    this.start();
  }

  async #check(): Promise<void> {
    const sharing = [...this.#workers.values()].map(({ name, limitKeys, ownLimit }) => {
      return { name, keys: limitKeys.filter((key) => key !== ownLimit?.key) };
    });
    if (sharing.every(({ keys }) => keys.length === 0)) return;
    const known = new Set((await this.#context.ledger.readLimits()).map(({ key }) => key));
    for (const { name, keys } of sharing) {
      const unknown = keys.find((key) => !known.has(key));
      if (unknown === undefined) continue;
      const hint = `worker ${name} uses it; call setLimit('${unknown}', …) before start()`;
      throw new InvalidArgumentError(
        'options.limits',
        'keys of limits that were set',
        unknown,
        hint,
      );
    }
  }

  async #write(): Promise<void> {
    const { ledger, ledgerTime } = this.#context;
    for (const { ownLimit } of this.#workers.values()) {
      if (ownLimit) await ledger.setLimit({ ...ownLimit, now: ledgerTime.now() });
    }
  }

  /** Begins to look after the limits, if there are any. */
  start(): void {
    const isLimited = [...this.#workers.keys()].some((name) => this.covers(name));
    if (isLimited) this.#turnSoon(TURN_MS);
  }

  /** True when jobs of a name are bound by a limit. */
  covers(name: string): boolean {
    return this.#keysOf(name).length > 0;
  }

  /**
   * What of this demand the limits have room for; the rest is asked for, in place of what was asked for before from the
   * same asker.
   */
  allowed(asker: Asker, demand: readonly Demand[]): readonly Demand[] {
    const isFree = demand.every(({ name }) => !this.covers(name));
    if (isFree && this.#shares.size === 0) return demand;
    this.#noteInstance();
    const wants: Wants = new Map();
    this.#wants.set(asker, wants);
    const left = new Map<HeldShare, number>();
    const allowed = demand.flatMap(({ name, limit }) => {
      const shares = this.#sharesFor(name);
      const room = Math.min(limit, ...shares.map((share) => left.get(share) ?? share.room()));
      for (const share of shares) left.set(share, (left.get(share) ?? share.room()) - room);
      if (shares.length > 0) {
        if (room < limit) this.#noteFull(shares);
        wants.set(name, { jobs: limit, shares });
        this.#rooms.set(name, Math.min(...shares.map((share) => left.get(share) as number)));
      }
      return room > 0 ? [{ name, limit: room }] : [];
    });
    this.#sumWants();
    if ([...this.#shares.values()].some((share) => share.isShort)) this.#turns.runAgain();
    return allowed;
  }

  /** No job of these names is due any more for this asker. */
  drained(asker: Asker, names: readonly string[]): void {
    const wants = this.#wants.get(asker);
    if (wants === undefined) return;
    for (const name of names) wants.delete(name);
    this.#sumWants();
    for (const key of this.#full) {
      if (this.#shares.get(key)?.isWanting !== true) this.#full.delete(key);
    }
  }

  #noteFull(shares: readonly HeldShare[]): void {
    const { metrics, emit } = this.#context;
    for (const { key: limit, isFull } of shares) {
      if (!isFull || this.#full.has(limit)) continue;
      this.#full.add(limit);
      metrics.count('limitsFull', { limit });
      emit('limit:full', { limit });
    }
  }

  /** True when more is wanted of a share than before. */
  #sumWants(): boolean {
    const wanted = new Map<HeldShare, { readonly jobs: number; readonly starts: number }>();
    const wishes = [...this.#wants.values()].flatMap((ofAsker) => [...ofAsker.values()]);
    for (const wish of wishes) {
      for (const share of wish.shares) {
        const { jobs, starts } = wanted.get(share) ?? NOTHING;
        wanted.set(share, {
          jobs: jobs + jobsUnder(share, wish),
          starts: starts + startsUnder(share, wish),
        });
      }
    }
    const shares = [...this.#shares.values()];
    return shares.filter((share) => share.want(wanted.get(share) ?? NOTHING)).length > 0;
  }

  /**
   * A claim is about to be sent.
   *
   * @returns to be called with what was won, once that is known
   */
  claiming(demand: readonly Demand[]): (won: readonly ClaimedJob[]) => void {
    const limited = demand.filter(({ name }) => this.covers(name));
    if (limited.length === 0) return () => undefined;
    const claims = this.#claims;
    const uses = limited.map(({ name, limit }) => {
      const shares = this.#sharesFor(name);
      return { name, shares, ends: shares.map((share) => share.use(limit)) };
    });
    return (won) => {
      for (const { name, shares, ends } of uses) {
        const jobs = won.filter((job) => job.name === name);
        for (const end of ends) end(jobs.length);
        for (const job of jobs) claims.set(keyOf(job), shares);
      }
    };
  }

  /** The end of a job is recorded, or its claim is lost. */
  ended(job: ClaimedJob): void {
    const key = keyOf(job);
    const shares = this.#claims.get(key);
    if (shares === undefined) return;
    this.#claims.delete(key);
    for (const share of shares) share.free();
    if (shares.some((share) => share.isWanting)) this.#hooks.onRoom();
    this.#turnSoon(TURN_MS);
  }

  /** Something about limits was changed that those who wait for them can use. */
  changed(): void {
    if (this.#shares.size === 0) return;
    this.#mustRead = true;
    this.#turns.runAgain();
  }

  /** Nothing of a limit starts before this time, as this process asked for. */
  blocked(key: string, until: Date): void {
    this.#shares.get(key)?.block(until);
  }

  /** Nothing more is claimed; resolves when nothing is written. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#nextTurn.cancel();
    await this.#turns.idle();
  }

  /** Gives the shares back of an instance whose lease has ended; what it still owns keeps them until it is rescued. */
  async giveBack(): Promise<void> {
    if (this.#shares.size === 0) return;
    const { ledger, report } = this.#context;
    await ledger.freeShares({ instanceId: this.#sharesOf }).catch(report);
  }

  /** Only the names of workers are asked for. */
  #keysOf(name: string): readonly string[] {
    return (this.#workers.get(name) as Worker).limitKeys;
  }

  #sharesFor(name: string): HeldShare[] {
    return this.#keysOf(name).map((key) => {
      const share = this.#shares.get(key) ?? new HeldShare(this.#context, key, this.#sharesOf);
      this.#shares.set(key, share);
      return share;
    });
  }

  /** Under a new id nothing is held yet; what was claimed under the old one counts there. */
  #noteInstance(): void {
    const instanceId = this.#hooks.instanceId();
    if (instanceId === this.#sharesOf) return;
    this.#sharesOf = instanceId;
    this.#shares = new Map();
    this.#claims = new Map();
    this.#wants.clear();
  }

  /** Reads the limits where what is known is old, and brings each share to what is needed. */
  async #turn(): Promise<void> {
    if (this.#isStopped) return;
    // Nothing may be known, or held, without a lease; once there is one again somebody has to look.
    if (!this.#hooks.mayClaim()) return this.#turnSoon(TURN_MS);
    this.#noteInstance();
    const shares = [...this.#shares.values()];
    try {
      if (this.#mayBeOutdated(shares)) await this.#read(shares);
    } catch (error) {
      this.#context.report(error);
    }
    await this.#adjust(shares);
    if (this.#hasGrown()) this.#hooks.onRoom();
    const isActive = shares.some((share) => share.isHolding || share.isWanting);
    const waits = shares.flatMap(({ waitMs }) =>
      waitMs === undefined ? [] : Math.max(waitMs, SOON_MS),
    );
    const { leaseDurationMs } = this.#context.options;
    this.#turnSoon(Math.min(isActive ? TURN_MS : leaseDurationMs, ...waits));
  }

  /** Brings each share to what is wanted, and again where room under one limit makes another one wanted. */
  async #adjust(shares: readonly HeldShare[]): Promise<void> {
    this.#sumWants();
    for (let calls = 0; calls < shares.length; calls += 1) {
      await Promise.all(shares.map((share) => share.adjust()));
      if (!this.#sumWants()) return;
    }
  }

  #roomOf(name: string): number {
    return Math.min(...this.#sharesFor(name).map((share) => share.room()));
  }

  /** True when a name that wants more has more room than it left. */
  #hasGrown(): boolean {
    const names = [...this.#wants.values()].flatMap((ofAsker) => [...ofAsker.keys()]);
    const grown = names.filter((name) => this.#roomOf(name) > (this.#rooms.get(name) as number));
    for (const name of grown) this.#rooms.set(name, this.#roomOf(name));
    return grown.length > 0;
  }

  #mayBeOutdated(shares: readonly HeldShare[]): boolean {
    const { clock, options } = this.#context;
    const isSweep = clock.monotonic() - this.#sweptMs >= options.leaseDurationMs / 3;
    return this.#mustRead || isSweep || shares.some((share) => share.ageMs >= TURN_MS);
  }

  async #read(shares: readonly HeldShare[]): Promise<void> {
    const { ledger, clock } = this.#context;
    const sent = { monotonicMs: clock.monotonic(), wallMs: clock.now() };
    this.#mustRead = false;
    const records = await ledger.readLimits();
    const byKey = new Map(records.map((record) => [record.key, record]));
    for (const share of shares) {
      const record = byKey.get(share.key);
      if (record !== undefined) share.learn(record, sent);
    }
    await this.#sweep(records);
  }

  /** What the dead hold comes back once nothing is claimed under their ids. */
  async #sweep(records: readonly LimitRecord[]): Promise<void> {
    const { ledger, clock, options } = this.#context;
    const nowMs = clock.monotonic();
    if (nowMs - this.#sweptMs < options.leaseDurationMs / 3) return;
    this.#sweptMs = nowMs;
    const holders = new Set(
      records.flatMap(({ shares }) => shares.map((share) => share.instanceId)),
    );
    holders.delete(this.#sharesOf);
    if (holders.size === 0) return;
    for (const { instanceId, status } of await ledger.readLeases()) {
      if (status === 'live') holders.delete(instanceId);
    }
    for (const instanceId of holders) await ledger.freeShares({ instanceId });
  }

  #turnSoon(inMs: number): void {
    if (!this.#isStopped) this.#nextTurn.set(inMs);
  }
}

/**
 * What is wanted of one limit: only what there is room for under those before it. So nobody keeps what he cannot use
 * while he waits for what another keeps who waits for him.
 */
function jobsUnder(share: HeldShare, { jobs, shares }: Wish): number {
  const earlier = shares.filter(({ key }) => key < share.key);
  return Math.min(jobs, ...earlier.map((other) => other.permits()));
}

/** A start that is not used is void: it is asked for when there is room under all others. */
function startsUnder(share: HeldShare, { jobs, shares }: Wish): number {
  const others = shares.filter((other) => other !== share);
  return Math.min(jobs, ...others.map((other) => other.permits()));
}

function keyOf({ _id, claimToken }: ClaimedJob): string {
  return claimKey(_id.toHexString(), claimToken);
}
