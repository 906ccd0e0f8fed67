/** Takes due jobs: finds ids, claims them under a fresh token, reads what the token holds. */
import type { LeaseKeeper } from './model-lease.ts';
import { LIMITS, TIMES } from './model-settings.ts';
import { type ClaimMemory, ledgerNow, untilKnown, type World } from './model-world.ts';
import type { Task, VirtualProcess } from './virtual-scheduler.ts';

export class Claimer {
  readonly #world: World;
  readonly #process: VirtualProcess;
  readonly #memory: ClaimMemory;
  readonly #lease: LeaseKeeper;
  readonly #onClaimed: () => void;

  constructor(params: {
    world: World;
    process: VirtualProcess;
    memory: ClaimMemory;
    lease: LeaseKeeper;
    onClaimed: () => void;
  }) {
    this.#world = params.world;
    this.#process = params.process;
    this.#memory = params.memory;
    this.#lease = params.lease;
    this.#onClaimed = params.onClaimed;
  }

  *run(): Task<void> {
    const { random } = this.#world;
    for (;;) {
      yield* this.#process.sleep(random.between(TIMES.pollMs / 2, TIMES.pollMs * 1.5));
      yield* this.#round();
    }
  }

  *#round(): Task<void> {
    const { ledger, network } = this.#world;
    // Finished outcomes count as well: the buffer is bounded and claiming pauses when it is full.
    const room = LIMITS.concurrency + LIMITS.prefetch - this.#memory.held.size;
    if (room <= 0 || !this.#lease.isInForce()) return;
    const now = ledgerNow(this.#world);
    const found = yield* network.send(this.#process, ledger.findDue(now, room));
    if (!found.isKnown || found.value.length === 0) return;
    // Looked at again after the wait, in the very step that sends the claim.
    const lease = this.#lease.current;
    if (lease === undefined || !this.#lease.isInForce()) return;
    yield* this.#claim(found.value, lease.id, now);
  }

  *#claim(ids: readonly string[], leaseId: string, now: number): Task<void> {
    const { ledger, network, guards, invariants, freshId } = this.#world;
    const token = freshId('token');
    this.#memory.awaited.add(token);
    invariants.claimSent(leaseId);
    const statement = () => ledger.claim({ ids, token, claimedBy: leaseId, now });
    if (guards.claimOnce) yield* network.send(this.#process, statement());
    else yield* untilKnown(this.#world, this.#process, statement);
    const jobs = yield* untilKnown(this.#world, this.#process, () => ledger.readByToken(token));
    // Held and no longer awaited in one step, or reconciling could see neither.
    for (const job of jobs) {
      this.#memory.add({
        jobId: job.id,
        token,
        leaseId,
        fence: job.fence,
        failCount: job.failCount,
        state: 'waiting',
        abort: undefined,
      });
    }
    this.#memory.awaited.delete(token);
    this.#onClaimed();
  }
}
