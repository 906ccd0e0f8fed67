/** What the parts of one instance share, and what all instances share. */
import type { Invariants } from './invariants.ts';
import type { ModelLedger, SettleVerb, Statement } from './model-ledger.ts';
import type { ModelNetwork, Reply } from './model-network.ts';
import type { Guards } from './model-settings.ts';
import { TIMES } from './model-settings.ts';
import type { SeededRandom, Task, VirtualProcess, VirtualScheduler } from './virtual-scheduler.ts';

export interface World {
  readonly guards: Guards;
  readonly scheduler: VirtualScheduler;
  readonly random: SeededRandom;
  readonly network: ModelNetwork;
  readonly ledger: ModelLedger;
  readonly invariants: Invariants;
  /** Jobs that take their process down whenever they run. */
  readonly poison: ReadonlySet<string>;
  readonly freshId: (prefix: string) => string;
}

/** One claim of one job, from the read that confirmed it to the end of its settle. */
export interface Held {
  readonly jobId: string;
  readonly token: string;
  readonly leaseId: string;
  readonly fence: number;
  readonly failCount: number;
  state: 'waiting' | 'running' | 'finished';
  /** Present while the handler runs. */
  abort: ((verb: SettleVerb) => void) | undefined;
}

/**
 * The claims a process knows of. Held claims are kept by job and token: after a new lease a process
 * may hold two claims of one job, and one token may have taken more jobs than its read showed.
 */
export class ClaimMemory {
  readonly held: Map<string, Held> = new Map();
  /** Tokens whose claim was sent and not yet read back cleanly. */
  readonly awaited: Set<string> = new Set();

  find(jobId: string, token: string): Held | undefined {
    return this.held.get(`${jobId} ${token}`);
  }

  add(held: Held): void {
    this.held.set(`${held.jobId} ${held.token}`, held);
  }

  forget(held: Held): void {
    this.held.delete(`${held.jobId} ${held.token}`);
  }

  copy(): ClaimMemory {
    const copy = new ClaimMemory();
    for (const held of this.held.values()) copy.add(held);
    for (const token of this.awaited) copy.awaited.add(token);
    return copy;
  }
}

/** The ledger's clock as one process knows it. */
export function ledgerNow(world: World): number {
  return world.scheduler.now + world.random.between(-TIMES.clockSkewMs, TIMES.clockSkewMs);
}

/** Sends statements until one is answered cleanly; only for those that may run any number of times. */
export function* untilKnown<T>(
  world: World,
  process: VirtualProcess,
  statement: () => Statement<T>,
): Task<T> {
  for (;;) {
    const reply: Reply<T> = yield* world.network.send(process, statement());
    if (reply.isKnown) return reply.value;
    yield* process.sleep(world.random.between(10, 80));
  }
}
