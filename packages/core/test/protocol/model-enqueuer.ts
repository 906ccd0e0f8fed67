/** The callers' side: enqueue with ids made by the client, cancel and redrive. */
import type { InsertAnswer, ModelJob } from './model-ledger.ts';
import { LIMITS } from './model-settings.ts';
import { ledgerNow, untilKnown, type World } from './model-world.ts';
import type { Task, VirtualProcess } from './virtual-scheduler.ts';

export interface EnqueueCall {
  readonly name: string;
  readonly uniqueKey: string | undefined;
  readonly nextRunAt: number;
}

export class Enqueuer {
  /** Calls that have neither been answered nor given up. */
  openCalls = 0;
  readonly #world: World;
  readonly #process: VirtualProcess;

  constructor(world: World, process: VirtualProcess) {
    this.#world = world;
    this.#process = process;
  }

  /** One insert for all calls, sent again with the same ids while its outcome is unknown. */
  *enqueue(calls: readonly EnqueueCall[]): Task<void> {
    this.openCalls += 1;
    let open = calls;
    for (let attempt = 0; attempt < LIMITS.enqueueAttempts && open.length > 0; attempt += 1) {
      const drafts = open.map((call) =>
        draftOf(call, this.#world.guards.sameIdResend ? 0 : attempt),
      );
      const reply = yield* this.#world.network.send(
        this.#process,
        this.#world.ledger.insert(drafts),
      );
      if (reply.isKnown) open = yield* this.#readAnswers(open, drafts, reply.value);
      else yield* this.#process.sleep(this.#world.random.between(10, 200));
    }
    // Whatever is still open ends with an unknown-outcome error: it may exist or not.
    this.openCalls -= 1;
  }

  *cancel(jobId: string): Task<void> {
    const { ledger, network } = this.#world;
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const cancelled = yield* network.send(this.#process, ledger.cancelPending(jobId));
      if (!cancelled.isKnown || cancelled.value) return;
      // It may leave processing again in between, hence the further attempts.
      const asked = yield* network.send(this.#process, ledger.askCancel(jobId));
      if (!asked.isKnown || asked.value) return;
    }
  }

  *redrive(jobId: string): Task<void> {
    const { ledger, network } = this.#world;
    yield* network.send(this.#process, ledger.redrive(jobId, ledgerNow(this.#world)));
  }

  /** Acknowledges what is in and answers the calls that are to be tried once more. */
  *#readAnswers(
    calls: readonly EnqueueCall[],
    drafts: readonly ModelJob[],
    answers: readonly InsertAnswer[],
  ): Task<EnqueueCall[]> {
    const { ledger, invariants } = this.#world;
    const again: EnqueueCall[] = [];
    for (const [index, call] of calls.entries()) {
      const draft = drafts[index];
      if (draft === undefined) continue;
      if (answers[index] !== 'key taken') {
        // A duplicate of my own id is an earlier try of mine: success.
        invariants.enqueueAcknowledged(draft.id);
        continue;
      }
      const lock = call.uniqueKey ?? '';
      const holder = yield* untilKnown(this.#world, this.#process, () => ledger.readHolder(lock));
      if (holder === undefined) again.push(call);
      else invariants.enqueueAcknowledged(holder.id);
      if (holder !== undefined && holder.id !== draft.id) {
        invariants.enqueueAnsweredWithHolder(draft.id);
      }
    }
    return again;
  }
}

function draftOf(call: EnqueueCall, attempt: number): ModelJob {
  return {
    id: `${call.name}/${attempt}`,
    status: 'pending',
    nextRunAt: call.nextRunAt,
    claimedBy: undefined,
    claimToken: undefined,
    lastToken: undefined,
    fence: 0,
    failCount: 0,
    rescueCount: 0,
    isCancelAsked: false,
    uniqueKey: call.uniqueKey,
    uniqueLock: call.uniqueKey,
  };
}
