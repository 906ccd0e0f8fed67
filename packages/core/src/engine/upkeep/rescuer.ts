/**
 * Gives the jobs of dead instances back.
 *
 * An instance is dead when its counter stood still, in clean reads, for its lease and a margin, by this observer's
 * monotonic clock; no wall clock takes part. A gap between two reads, as an outage or a pause of the observer itself
 * leaves it, starts the count again. The declaration is a compare-and-swap on the counter, so a renewal that comes in between
 * wins. Each round reads who holds claims first and the leases second: whoever held a claim then had a lease before.
 *
 * @module
 */
import { emitHalted } from '../../context/halted.ts';
import type { EngineContext } from '../../context/scheduler-context.ts';
import { ServiceLoop } from '../../foundation/service-loop.ts';
import type { LeaseRecord } from '../../ledger/ledger-repository.ts';

const ROUNDS_A_LEASE = 10 / 3;
const LONGEST_GAP_PART = 0.45;
const MARGIN_PART = 6;
const REREAD_PART = 20;
const MOST_CLAIMS_A_RESCUE = 1_000;

/** Claims of an instance that has no lease on record are rare; they are looked for in every so many rounds. */
const ROUNDS_A_SEARCH = 3;

/** How often jobs of other tools are looked for, in milliseconds. */
const RECOVER_INTERVAL_MS = 60_000;

/** One lease as it was seen. */
interface Sighting {
  readonly counter: number;
  /** When the first reply with this counter had come. */
  readonly sinceMs: number;
}

type RescuerContext = Pick<
  EngineContext,
  'ledger' | 'ledgerTime' | 'clock' | 'random' | 'options' | 'emit' | 'metrics' | 'report' | 'log'
>;

/** Who hears of what a rescuer did. */
export interface RescuerHooks {
  /** Jobs became pending. */
  readonly onRescued: () => void;
  /** An instance was declared dead, or jobs ended with one: what it was about to do for others is left undone. */
  readonly onDead: () => void;
}

/** Watches the leases of all instances. */
export class Rescuer {
  readonly #context: RescuerContext;
  readonly #ownId: () => string;
  readonly #hooks: RescuerHooks;
  readonly #loop: ServiceLoop;
  readonly #sightings = new Map<string, Sighting>();
  #lastReadMs = Number.NEGATIVE_INFINITY;
  #shortestLeaseMs: number;
  #rounds = 0;
  #recoveredMs = Number.NEGATIVE_INFINITY;

  /** @param ownId - the id of this instance's own lease, which is judged by others */
  constructor(context: RescuerContext, ownId: () => string, hooks: RescuerHooks) {
    this.#context = context;
    this.#ownId = ownId;
    this.#hooks = hooks;
    this.#shortestLeaseMs = context.options.leaseDurationMs;
    this.#loop = new ServiceLoop({
      clock: context.clock,
      round: async () => {
        await this.#round();
        await this.#recover();
        return this.#shortestLeaseMs / ROUNDS_A_LEASE;
      },
      onFailed: (error) => {
        context.report(error);
        return this.#shortestLeaseMs / REREAD_PART;
      },
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #round(): Promise<void> {
    const { ledger } = this.#context;
    const known = [...this.#sightings.keys()];
    const isSearch = this.#rounds % ROUNDS_A_SEARCH === 0;
    const strangers = isSearch ? await ledger.findClaimants({ except: known }) : [];
    this.#rounds += 1;
    const leases = await this.#readLeases();
    const claimants = new Set([...known, ...strangers]);
    for (const lease of leases) {
      if (lease.status === 'live') claimants.delete(lease.instanceId);
    }
    claimants.delete(this.#ownId());
    const records = new Set(leases.map(({ instanceId }) => instanceId));
    for (const { instanceId, status } of leases) if (status === 'dead') claimants.add(instanceId);
    for (const deadInstanceId of claimants) {
      await this.#rescue(deadInstanceId, records.has(deadInstanceId));
    }
  }

  /** Reads the leases, notes the counters, and declares dead what stood still for too long. */
  async #readLeases(): Promise<LeaseRecord[]> {
    const { ledger, clock, options } = this.#context;
    const sentMs = clock.monotonic();
    const leases = await ledger.readLeases();
    const receivedMs = clock.monotonic();
    const gapMs = receivedMs - this.#lastReadMs;
    this.#lastReadMs = receivedMs;
    const live = leases.filter(({ status }) => status === 'live');
    this.#shortestLeaseMs = Math.min(
      options.leaseDurationMs,
      ...live.map(({ leaseDurationMs }) => leaseDurationMs),
    );
    this.#forgetGone(live);
    const judged: LeaseRecord[] = leases.filter(({ status }) => status === 'dead');
    for (const lease of live) {
      const dead = await this.#judge(lease, { sentMs, receivedMs, gapMs });
      judged.push(dead ? { ...lease, status: 'dead' } : lease);
    }
    return judged;
  }

  #forgetGone(live: readonly LeaseRecord[]): void {
    const ids = new Set(live.map(({ instanceId }) => instanceId));
    for (const id of this.#sightings.keys()) if (!ids.has(id)) this.#sightings.delete(id);
  }

  /** True when the lease is dead now. */
  async #judge(
    { instanceId, counter, leaseDurationMs }: LeaseRecord,
    read: { readonly sentMs: number; readonly receivedMs: number; readonly gapMs: number },
  ): Promise<boolean> {
    const seen = this.#sightings.get(instanceId);
    const unclean = read.gapMs > leaseDurationMs * LONGEST_GAP_PART;
    if (seen === undefined || seen.counter !== counter || unclean) {
      this.#sightings.set(instanceId, { counter, sinceMs: read.receivedMs });
      return false;
    }
    const unchangedMs = read.sentMs - seen.sinceMs;
    if (unchangedMs < leaseDurationMs + leaseDurationMs / MARGIN_PART) return false;
    if (instanceId === this.#ownId()) return false;
    const isDead = await this.#context.ledger.declareDead({ instanceId, counter });
    if (isDead) {
      this.#context.log?.write('declaredDead', { instanceId });
      this.#hooks.onDead();
    }
    return isDead;
  }

  /** Other tools keep no lease: their jobs are judged by how long ago they were locked. */
  async #recover(): Promise<void> {
    const { ledger, ledgerTime, clock, options, emit } = this.#context;
    const nowMs = clock.monotonic();
    if (nowMs - this.#recoveredMs < Math.min(RECOVER_INTERVAL_MS, options.lockTimeoutMs)) return;
    const now = ledgerTime.now();
    const staleBefore = new Date(now.getTime() - options.lockTimeoutMs);
    let count = 0;
    for (let more = true; more && !this.#loop.isStopped; ) {
      const limit = MOST_CLAIMS_A_RESCUE;
      const { pending, cancelled } = await ledger.recover({ staleBefore, now, limit });
      more = pending + cancelled > 0;
      count += pending + cancelled;
    }
    this.#recoveredMs = nowMs;
    if (count === 0) return;
    this.#context.metrics.count('rescued', {}, count);
    emit('stale:recovered', { count });
    this.#context.log?.write('rescued', { count });
    this.#hooks.onRescued();
  }

  async #rescue(deadInstanceId: string, onRecord: boolean): Promise<void> {
    const { ledger, ledgerTime, options, emit } = this.#context;
    let count = 0;
    let freed = 0;
    for (let more = true; more && !this.#loop.isStopped; ) {
      const result = await ledger.rescue({
        deadInstanceId,
        rescueLimit: options.rescueLimit,
        now: ledgerTime.now(),
        limit: MOST_CLAIMS_A_RESCUE,
      });
      const touched = result.pending + result.failed + result.cancelled;
      more = result.more && touched > 0;
      freed += result.pending;
      count += touched;
      for (const job of result.halted ?? []) emitHalted(this.#context, job);
      if (touched === 0 && onRecord) {
        await ledger.removeLease({ instanceId: deadInstanceId });
      }
    }
    this.#context.metrics.count('rescued', {}, count);
    if (count > 0) {
      emit('stale:recovered', { count, instanceId: deadInstanceId });
      this.#context.log?.write('rescued', { count, instanceId: deadInstanceId });
    }
    if (freed > 0) this.#hooks.onRescued();
    if (count > freed) this.#hooks.onDead();
  }
}
