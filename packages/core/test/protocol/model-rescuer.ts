/**
 * Watches the leases of all by its own monotonic clock, declares dead what stood still for too long,
 * and gives back the jobs of every `claimedBy` value that is not a live lease.
 */
import type { ModelLease } from './model-ledger.ts';
import { TIMES } from './model-settings.ts';
import type { World } from './model-world.ts';
import type { Task, VirtualProcess } from './virtual-scheduler.ts';

interface Observation {
  readonly counter: number;
  readonly unchangedSince: number;
}

export class Rescuer {
  readonly #world: World;
  readonly #process: VirtualProcess;
  #observations = new Map<string, Observation>();
  #lastCleanReadAt = Number.NEGATIVE_INFINITY;

  constructor(world: World, process: VirtualProcess) {
    this.#world = world;
    this.#process = process;
  }

  *run(): Task<void> {
    for (;;) {
      yield* this.#round();
      yield* this.#process.sleep(TIMES.rescueEveryMs);
    }
  }

  *#round(): Task<void> {
    const { guards, ledger, network } = this.#world;
    // The other order takes a lease and a claim made between the two reads for a stranger's claim.
    const early = guards.rescueReadOrder ? undefined : yield* this.#readLeases();
    const values = yield* network.send(this.#process, ledger.claimedByValues());
    const leases = early ?? (yield* this.#readLeases());
    if (leases === undefined) return;
    yield* this.#declareDead(leases);
    if (values.isKnown) yield* this.#rescue(values.value, leases);
  }

  *#readLeases(): Task<ModelLease[] | undefined> {
    const reply = yield* this.#world.network.send(this.#process, this.#world.ledger.readLeases());
    if (reply.isKnown) return reply.value;
    if (this.#world.guards.observerGaps) this.#observations.clear();
    return undefined;
  }

  *#declareDead(leases: readonly ModelLease[]): Task<void> {
    for (const lease of this.#observe(leases)) {
      yield* this.#world.network.send(this.#process, this.#world.ledger.markLeaseDead(lease));
    }
  }

  /** Takes the read into account and answers which leases stood still for too long. */
  #observe(leases: readonly ModelLease[]): ModelLease[] {
    const now = this.#process.readClocks().monotonic;
    const isGap = now - this.#lastCleanReadAt > TIMES.observerGapMs;
    if (isGap && this.#world.guards.observerGaps) this.#observations.clear();
    this.#lastCleanReadAt = now;
    const before = this.#observations;
    this.#observations = new Map();
    return leases.filter((lease) => {
      if (lease.status === 'dead') return false;
      const known = before.get(lease.id);
      const isSame = known?.counter === lease.counter;
      const unchangedSince = isSame ? known.unchangedSince : now;
      this.#observations.set(lease.id, { counter: lease.counter, unchangedSince });
      return now - unchangedSince > TIMES.leaseMs + TIMES.leaseMarginMs;
    });
  }

  *#rescue(values: ReadonlySet<string>, leases: readonly ModelLease[]): Task<void> {
    const { ledger, network } = this.#world;
    const live = new Set(leases.filter((lease) => lease.status === 'live').map(({ id }) => id));
    for (const value of values) {
      if (!live.has(value)) yield* network.send(this.#process, ledger.rescue(value));
    }
    for (const { id, status } of leases) {
      if (status === 'live' || values.has(id)) continue;
      yield* network.send(this.#process, ledger.removeDeadLease(id));
    }
  }
}
