/**
 * Records how runs ended.
 *
 * Settlements gather while a flush is in flight (at most two are) and go together in the next. A flush that was not
 * answered cleanly is sent again, the same, for as long as the process lives: an outage never re-runs finished work.
 * What always holds: a settlement that was taken is in the queue or in a flush until the ledger has answered it, and
 * `holds` says so; the queue is bounded, and `hasRoom` stops claiming before it is full.
 *
 * @module
 */
import { retryDelayMs } from './backoff.ts';
import { sleep } from './clock.ts';
import type { EngineContext } from './engine-context.ts';
import { MonqueError } from './errors.ts';
import type { SettleAnswer, Settlement } from './ledger/settlement.ts';

const MOST_FLUSHES = 2;
const MOST_SETTLEMENTS_A_FLUSH = 1_000;
const ROOM = 10_000;
const RETRY_BASE_MS = 50;
const RETRY_LONGEST_MS = 30_000;
const MOST_REFUSALS = 5;

/** What became of a settlement in the end. */
export type SettleResolution = Exclude<SettleAnswer, 'cancelRequested'>;

/** A settlement with who wants to know what became of it. */
export interface PendingSettlement {
  readonly settlement: Settlement;
  /** Called once, with the verb that stands in the ledger when it was settled, and the time it was sent with. */
  readonly onAnswer: (answer: SettleResolution, verb: Settlement['verb'], now: Date) => void;
  /** How often the ledger refused it so far. */
  readonly refusals?: number;
}

type SettlerContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'clock' | 'random' | 'report'>;

/** Writes settlements in groups. */
export class Settler {
  readonly #context: SettlerContext;
  readonly #onRoom: () => void;
  #queue: PendingSettlement[] = [];
  readonly #held = new Set<string>();
  readonly #givenUp = new AbortController();
  #flushes = 0;
  #scheduled = false;
  #idleWaiters: (() => void)[] = [];

  /** @param onRoom - called when claiming may go on after the queue was full */
  constructor(context: SettlerContext, onRoom: () => void) {
    this.#context = context;
    this.#onRoom = onRoom;
  }

  /** False while so much waits to be recorded that nothing more should be claimed. */
  hasRoom(): boolean {
    return this.#held.size < ROOM;
  }

  /** True while the end of this claim of this job is known here and not yet recorded. */
  holds(jobId: string, claimToken: string): boolean {
    return this.#held.has(`${jobId} ${claimToken}`);
  }

  /** Takes a settlement; it is written soon. */
  submit(pending: PendingSettlement): void {
    this.#held.add(keyOf(pending));
    this.#queue.push(pending);
    this.#schedule();
  }

  /** Resolves when everything taken so far is recorded, or when it was given up. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Ends the retries: what fails now stays unrecorded, and is rescued once the lease is dead. */
  giveUp(): void {
    this.#givenUp.abort();
  }

  /** What ends in one turn of the event loop goes in one flush. */
  #schedule(): void {
    if (this.#scheduled || this.#flushes >= MOST_FLUSHES || this.#queue.length === 0) return;
    this.#scheduled = true;
    this.#context.clock.setImmediate(() => {
      this.#scheduled = false;
      void this.#flush();
      this.#schedule();
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#queue.splice(0, MOST_SETTLEMENTS_A_FLUSH);
    this.#flushes += 1;
    const hadRoom = this.hasRoom();
    const { answers, now } = await this.#settleUntilAnswered(batch);
    this.#flushes -= 1;
    for (const [index, pending] of batch.entries()) {
      this.#held.delete(keyOf(pending));
      this.#takeAnswer(pending, answers[index] ?? 'unknown', now);
    }
    if (!hadRoom && this.hasRoom()) this.#onRoom();
    this.#schedule();
    this.#tellIdle();
  }

  /** Without answers when it was given up. */
  async #settleUntilAnswered(
    batch: readonly PendingSettlement[],
  ): Promise<{ readonly answers: readonly SettleAnswer[]; readonly now: Date }> {
    const { ledger, ledgerTime, clock, report } = this.#context;
    const settlements = batch.map(({ settlement }) => settlement);
    const { signal } = this.#givenUp;
    for (let attempt = 1; ; attempt += 1) {
      const now = ledgerTime.now();
      try {
        return { ...(await ledger.settle({ settlements, now })), now };
      } catch (error) {
        report(error);
        await sleep(clock, this.#retryDelayMs(attempt), signal);
        if (signal.aborted) return { answers: [], now };
      }
    }
  }

  #retryDelayMs(attempt: number): number {
    return retryDelayMs({
      attempt,
      baseMs: RETRY_BASE_MS,
      longestMs: RETRY_LONGEST_MS,
      fraction: this.#context.random.fraction(),
    });
  }

  #takeAnswer(pending: PendingSettlement, answer: SettleAnswer, now: Date): void {
    const { settlement, onAnswer } = pending;
    const toPending = settlement.verb === 'retry' || settlement.verb === 'release';
    if (answer === 'cancelRequested' && toPending) this.#settleAsCancelled(pending);
    else if (answer === 'cancelRequested' || answer === 'refused') this.#settleAgain(pending, now);
    else onAnswer(answer, settlement.verb, now);
  }

  /** The request to cancel came between the claim and this settlement: the job may not become pending again. */
  #settleAsCancelled({ settlement, onAnswer }: PendingSettlement): void {
    const { jobId, claimToken, fence } = settlement;
    this.submit({ settlement: { verb: 'cancelled', jobId, claimToken, fence }, onAnswer });
  }

  /** The claim still stands although no guard speaks against the verb: what was read may have been stale. */
  #settleAgain({ settlement, onAnswer, refusals = 0 }: PendingSettlement, now: Date): void {
    if (refusals < MOST_REFUSALS) {
      this.submit({ settlement, onAnswer, refusals: refusals + 1 });
      return;
    }
    const id = settlement.jobId.toHexString();
    const message = `The ledger refused to ${settlement.verb} job ${id} under its own claim`;
    this.#context.report(new MonqueError('INVARIANT', message));
    onAnswer('refused', settlement.verb, now);
  }

  #isIdle(): boolean {
    return this.#held.size === 0;
  }

  #tellIdle(): void {
    if (!this.#isIdle()) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}

function keyOf({ settlement }: PendingSettlement): string {
  return `${settlement.jobId.toHexString()} ${settlement.claimToken}`;
}
