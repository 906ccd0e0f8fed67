/** Runs held jobs: at most `concurrency` at once, and only under the lease they were claimed with. */
import type { Run } from './invariants.ts';
import type { LeaseKeeper } from './model-lease.ts';
import type { SettleVerb } from './model-ledger.ts';
import { LIMITS, TIMES } from './model-settings.ts';
import type { ClaimMemory, Held, World } from './model-world.ts';
import { type Task, type VirtualProcess, wait } from './virtual-scheduler.ts';

export class Executor {
  readonly #world: World;
  readonly #process: VirtualProcess;
  readonly #memory: ClaimMemory;
  readonly #lease: LeaseKeeper;
  readonly #settle: (held: Held, verb: SettleVerb) => void;

  constructor(params: {
    world: World;
    process: VirtualProcess;
    memory: ClaimMemory;
    lease: LeaseKeeper;
    settle: (held: Held, verb: SettleVerb) => void;
  }) {
    this.#world = params.world;
    this.#process = params.process;
    this.#memory = params.memory;
    this.#lease = params.lease;
    this.#settle = params.settle;
  }

  /** Starts what may start; gives back what was claimed under a lease that is no longer mine. */
  pump(): void {
    for (const held of [...this.#memory.held.values()]) {
      if (held.state !== 'waiting') continue;
      const isMine = held.leaseId === this.#lease.current?.id || !this.#world.guards.claimLease;
      if (!isMine && this.#lease.current !== undefined) this.#finish(held, 'release');
      else if (isMine && this.#lease.isInForce() && this.#running() < LIMITS.concurrency) {
        this.#start(held);
      }
    }
  }

  /** The lease was refused: running handlers are told to stop, and settle once they have. */
  abortAll(): void {
    for (const held of this.#memory.held.values()) held.abort?.('release');
  }

  #running(): number {
    return [...this.#memory.held.values()].filter((held) => held.state === 'running').length;
  }

  #start(held: Held): void {
    const run: Run = { ...held, process: this.#process, outcome: undefined };
    this.#world.invariants.runStarted(run);
    held.state = 'running';
    if (this.#world.poison.has(held.jobId)) this.#process.crash();
    else this.#process.spawn(this.#handle(held, run));
  }

  *#handle(held: Held, run: Run): Task<void> {
    const { random, invariants } = this.#world;
    const aborted = yield* wait<SettleVerb | undefined>((resume) => {
      const isLong = random.chance(0.05);
      this.#process.after(isLong ? random.between(400, TIMES.leaseMs * 1.5) : this.#usual(), () =>
        resume(undefined),
      );
      // Half of all handlers never look at their signal.
      const isListening = random.chance(0.5);
      held.abort = (verb) => {
        if (isListening) this.#process.after(random.between(1, 50), () => resume(verb));
      };
    });
    const verb = aborted ?? this.#outcome(held);
    invariants.runEnded(run, verb);
    this.#finish(held, verb);
    this.pump();
  }

  #usual(): number {
    return this.#world.random.between(5, 250);
  }

  #outcome(held: Held): SettleVerb {
    if (this.#world.random.chance(0.7)) return 'complete';
    return held.failCount + 1 < LIMITS.maxRetries ? 'retry' : 'fail';
  }

  #finish(held: Held, verb: SettleVerb): void {
    held.state = 'finished';
    held.abort = undefined;
    this.#settle(held, verb);
  }
}
