/**
 * The proof of life of one instance: a counter renewed on a timer. Absent before the first
 * acknowledged insert and after a refusal; in force until its deadline, and again once renewed.
 */
import type { SettleVerb } from './model-ledger.ts';
import { TIMES } from './model-settings.ts';
import type { ClaimMemory, World } from './model-world.ts';
import type { ClockReading, Task, VirtualProcess } from './virtual-scheduler.ts';

interface CurrentLease {
  readonly id: string;
  /** Both clocks from before the last acknowledged renewal was sent. */
  readonly provenAt: ClockReading;
}

export class LeaseKeeper {
  current: CurrentLease | undefined;
  readonly #world: World;
  readonly #process: VirtualProcess;
  readonly #onRenewed: () => void;
  readonly #onRefused: () => void;

  constructor(params: {
    world: World;
    process: VirtualProcess;
    onRenewed: () => void;
    onRefused: () => void;
  }) {
    this.#world = params.world;
    this.#process = params.process;
    this.#onRenewed = params.onRenewed;
    this.#onRefused = params.onRefused;
  }

  isInForce(): boolean {
    if (this.current === undefined) return false;
    if (!this.#world.guards.holderDeadline) return true;
    const clocks = this.#process.readClocks();
    const { monotonic, wall } = this.current.provenAt;
    const wallMs = this.#world.guards.holderWallTime ? clocks.wall - wall : 0;
    return Math.max(clocks.monotonic - monotonic, wallMs) < TIMES.leaseMs;
  }

  *run(): Task<void> {
    for (;;) {
      if (this.current === undefined) yield* this.#acquire();
      yield* this.#process.sleep(TIMES.renewEveryMs);
      yield* this.#renew();
    }
  }

  /** An insert with an unknown outcome is left to die; the next try takes another id. */
  *#acquire(): Task<void> {
    while (this.current === undefined) {
      const id = this.#world.freshId(`lease of ${this.#process.name} `);
      this.#world.invariants.leaseTaken(id, this.#process);
      const provenAt = this.#process.readClocks();
      const reply = yield* this.#world.network.send(
        this.#process,
        this.#world.ledger.insertLease(id),
      );
      if (reply.isKnown) this.current = { id, provenAt };
      else yield* this.#process.sleep(this.#world.random.between(10, 50));
    }
    this.#onRenewed();
  }

  *#renew(): Task<void> {
    while (this.current !== undefined) {
      const { id } = this.current;
      const provenAt = this.#process.readClocks();
      const reply = yield* this.#world.network.send(
        this.#process,
        this.#world.ledger.renewLease(id),
      );
      if (!reply.isKnown) {
        yield* this.#process.sleep(this.#world.random.between(1, 20));
        continue;
      }
      this.current = reply.value ? { id, provenAt } : undefined;
      if (reply.value) return this.#onRenewed();
      this.#world.invariants.note(this.#process.name, `is refused ${id}`);
      this.#onRefused();
    }
  }
}

/**
 * Holds the ledger's claims under my lease against my memory: gives back what I neither hold nor
 * await, and passes on requests to cancel. A claim registers its token before it is sent, so with
 * the ledger read first whatever is missing from the memory afterwards is nobody's.
 */
export class Reconciler {
  readonly #world: World;
  readonly #process: VirtualProcess;
  readonly #memory: ClaimMemory;

  constructor(world: World, process: VirtualProcess, memory: ClaimMemory) {
    this.#world = world;
    this.#process = process;
    this.#memory = memory;
  }

  *run(leaseId: string): Task<void> {
    const { guards, network, ledger } = this.#world;
    if (!guards.reconcile) return;
    const early = this.#memory.copy();
    const claims = yield* network.send(this.#process, ledger.claimsOf(leaseId));
    if (!claims.isKnown) return;
    const memory = guards.reconcileReadOrder ? this.#memory : early;
    for (const job of claims.value) {
      const token = job.claimToken ?? '';
      const held = memory.find(job.id, token);
      if (held !== undefined && job.isCancelAsked) held.abort?.('cancelled');
      if (held !== undefined || memory.awaited.has(token)) continue;
      yield* this.#giveBack(job.id, token);
    }
  }

  /** Released, or cancelled where a request to cancel keeps it from becoming pending. */
  *#giveBack(jobId: string, token: string): Task<void> {
    const settle = (verb: SettleVerb) => ({ verb, token, ids: [jobId], nextRunAt: 0 });
    const released = yield* this.#world.network.send(
      this.#process,
      this.#world.ledger.settle([settle('release')]),
    );
    if (!released.isKnown || released.value[0] !== 0) return;
    const jobs = yield* this.#world.network.send(
      this.#process,
      this.#world.ledger.readJobs([jobId]),
    );
    const job = jobs.isKnown ? jobs.value.get(jobId) : undefined;
    if (job?.claimToken !== token || !job.isCancelAsked) return;
    yield* this.#world.network.send(
      this.#process,
      this.#world.ledger.settle([settle('cancelled')]),
    );
  }
}
