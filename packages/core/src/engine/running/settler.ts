/**
 * Records how runs ended.
 *
 * Settlements gather while a flush is in flight (at most two are) and go together in the next. A flush that was not
 * answered cleanly is sent again, the same, for as long as the process lives: an outage never re-runs finished work.
 * What always holds: a settlement that was taken is in the queue or in a flush until the ledger has answered it, and
 * `holds` says so; the queue is bounded, and `hasRoom` stops claiming before it is full. What the ledger refuses for
 * good, since the job would grow larger than the ledger can hold, is recorded without what the run left behind; and
 * what it refuses even then stays held, so that nobody takes the claim for a stray one and runs finished work again.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import { sleep } from '../../foundation/clock.ts';
import { MonqueError } from '../../foundation/errors.ts';
import { retryDelayMs } from '../../job/backoff.ts';
import type { Job } from '../../job/job.ts';
import type { SettleAnswer, Settlement, SettleVerb } from '../../ledger/verbs/settle.ts';

const MOST_FLUSHES = 2;
const MOST_SETTLEMENTS_A_FLUSH = 1_000;
const WORTH_A_FLUSH = 250;
const ROOM = 10_000;
const RETRY_BASE_MS = 50;
const RETRY_LONGEST_MS = 30_000;
const MOST_REFUSALS = 5;

/** Verbs that may not put a job off whose cancellation was asked for. */
const PENDING_VERBS: readonly SettleVerb[] = ['retry', 'snooze', 'block', 'release'];

/** What became of a settlement in the end. */
export type SettleResolution = Exclude<SettleAnswer, 'cancelRequested' | 'replanned' | 'gateOpen'>;

/** What a settlement is made anew with. */
export interface Remake {
  /** True when somebody asked to cancel the job. */
  readonly isCancelled: boolean;
  /** True when the gate that the run came to was opened. */
  readonly isGateOpen: boolean;
  /** The job as the ledger showed it last; the claimed one when it was not read again. */
  readonly current?: Job;
  readonly at: Date;
}

/** A settlement with who wants to know what became of it. */
export interface PendingSettlement {
  readonly settlement: Settlement;
  /** Names the claim, as {@link claimKey} makes it. */
  readonly key: string;
  /** True when a transaction of the user's may stall it, so that it goes in a flush of its own. */
  readonly alone?: boolean;
  /** Makes the settlement anew, when what it was reckoned with has changed. */
  readonly remake: (remake: Remake) => Settlement;
  /**
   * Called with the settlement that stands in the ledger when it was settled, and the time it was sent with. Called
   * once, and once more when what was refused was sent anew.
   */
  readonly onAnswer: (answer: SettleResolution, settlement: Settlement, now: Date) => void;
  readonly isCancelled?: boolean;
  readonly isGateOpen?: boolean;
  readonly current?: Job;
  /** How often the ledger refused it so far. */
  readonly refusals?: number;
  /** True when it goes without the result, the progress and the log of the run. */
  readonly isReduced?: boolean;
}

type SettlerContext = Pick<
  EngineContext,
  'ledger' | 'ledgerTime' | 'clock' | 'random' | 'metrics' | 'report' | 'log'
>;

/** What a claim of a job is remembered by. */
export function claimKey(jobId: string, claimToken: string): string {
  return `${jobId} ${claimToken}`;
}

/** Writes settlements in groups. */
export class Settler {
  readonly #context: SettlerContext;
  readonly #onRoom: () => void;
  #queue: PendingSettlement[] = [];
  /** When each was taken, the earliest first. */
  readonly #held = new Map<string, number>();
  /** What the ledger refused for good; as long as it is held, nobody takes its claims for stray ones. */
  readonly #refused = new Map<string, PendingSettlement>();
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

  /** How many settlements wait to be recorded. */
  get size(): number {
    return this.#held.size;
  }

  /** How long the settlement that waits longest has waited, in milliseconds; 0 when none does. */
  get longestWaitMs(): number {
    const [sinceMs] = this.#held.values();
    return sinceMs === undefined ? 0 : this.#context.clock.monotonic() - sinceMs;
  }

  /** True while the end of this claim of this job is known here and not yet recorded. */
  holds(jobId: string, claimToken: string): boolean {
    const key = claimKey(jobId, claimToken);
    return this.#held.has(key) || this.#refused.has(key);
  }

  /** Takes a settlement; it is written soon. */
  submit(pending: PendingSettlement): void {
    this.#hold(pending);
    this.#queue.push(pending);
    this.#schedule();
  }

  /** Resolves when everything taken so far is recorded, or when it was given up. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Sends anew what the ledger refused for good, since it may have been told to refuse less. */
  sendRefused(): void {
    const refused = [...this.#refused.values()];
    this.#refused.clear();
    const at = this.#context.ledgerTime.now();
    for (const pending of refused) {
      this.#submitAnew({ ...pending, refusals: 0, isReduced: false }, at);
    }
  }

  /** Ends the retries: what fails now stays unrecorded, and is rescued once the lease is dead. */
  giveUp(): void {
    this.#givenUp.abort();
  }

  #hold(pending: PendingSettlement): void {
    this.#held.set(pending.key, this.#context.clock.monotonic());
  }

  /** What ends in one turn of the event loop goes in one flush. */
  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0 || !this.#mayFlush()) return;
    this.#scheduled = true;
    this.#context.clock.setImmediate(() => {
      this.#scheduled = false;
      void this.#flush();
      this.#schedule();
    });
  }

  /** While one flush is on its way, another is worth its cost only when it is large. */
  #mayFlush(): boolean {
    if (this.#flushes === 0) return true;
    return this.#flushes < MOST_FLUSHES && this.#queue.length >= WORTH_A_FLUSH;
  }

  async #flush(): Promise<void> {
    const batch = this.#takeBatch();
    this.#flushes += 1;
    const hadRoom = this.hasRoom();
    this.#context.metrics.record('batchSize', batch.length, 'settle');
    const { answers, now } = await this.#settleUntilAnswered(batch);
    this.#flushes -= 1;
    if (answers.length === 0) {
      this.#context.log?.write('settlementsGivenUp', { settlements: batch.length });
    }
    for (const [index, pending] of batch.entries()) {
      this.#held.delete(pending.key);
      this.#takeAnswer(pending, answers[index] ?? 'unknown', now);
    }
    if (!hadRoom && this.hasRoom()) this.#onRoom();
    this.#schedule();
    this.#tellIdle();
  }

  /** Up to the first that has to go alone. */
  #takeBatch(): PendingSettlement[] {
    const firstAlone = this.#queue.findIndex(({ alone }) => alone);
    const most = firstAlone < 0 ? MOST_SETTLEMENTS_A_FLUSH : Math.max(firstAlone, 1);
    return this.#queue.splice(0, Math.min(most, MOST_SETTLEMENTS_A_FLUSH));
  }

  /** Without answers when it was given up. */
  async #settleUntilAnswered(
    batch: readonly PendingSettlement[],
  ): Promise<{ readonly answers: readonly SettleAnswer[]; readonly now: Date }> {
    const { ledger, ledgerTime, clock, report, log } = this.#context;
    const settlements = batch.map(({ settlement }) => settlement);
    const { signal } = this.#givenUp;
    for (let attempt = 1; ; attempt += 1) {
      const now = ledgerTime.now();
      try {
        const result = await ledger.settle({ settlements, now });
        log?.write('settled', { settlements: batch.length, attempts: attempt });
        return { ...result, now };
      } catch (error) {
        report(error);
        await sleep(clock, this.#retryDelayMs('settle', attempt), signal);
        if (signal.aborted) return { answers: [], now };
      }
    }
  }

  #retryDelayMs(verb: string, attempt: number): number {
    const delayMs = retryDelayMs({
      attempt,
      baseMs: RETRY_BASE_MS,
      longestMs: RETRY_LONGEST_MS,
      fraction: this.#context.random.fraction(),
    });
    this.#context.log?.write('retrying', { verb, attempt, delayMs });
    return delayMs;
  }

  #takeAnswer(pending: PendingSettlement, answer: SettleAnswer, now: Date): void {
    const { settlement, onAnswer } = pending;
    const toPending = PENDING_VERBS.includes(settlement.verb);
    if (answer === 'replanned') void this.#settleReplanned(pending, now);
    else if (answer === 'gateOpen') this.#submitAnew({ ...pending, isGateOpen: true }, now);
    else if (answer === 'cancelRequested' && toPending) {
      this.#submitAnew({ ...pending, isCancelled: true }, now);
    } else if (answer === 'cancelRequested' || answer === 'refused') {
      this.#settleAgain(pending, now);
    } else onAnswer(answer, settlement, now);
  }

  /** The series was changed after the claim: the next run is reckoned with the plan that stands now. */
  async #settleReplanned(pending: PendingSettlement, now: Date): Promise<void> {
    this.#hold(pending);
    const { settlement, onAnswer } = pending;
    const current = await this.#readUntilAnswered(settlement);
    if (current?.claimToken === settlement.claimToken) {
      this.#submitAnew({ ...pending, current }, this.#context.ledgerTime.now());
      return;
    }
    this.#held.delete(pending.key);
    onAnswer('unknown', settlement, now);
    this.#tellIdle();
  }

  /** The job as it stands; null when it is gone, or when it was given up. */
  async #readUntilAnswered({ jobId }: Settlement): Promise<Job | null> {
    const { ledger, clock, report } = this.#context;
    const { signal } = this.#givenUp;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        return await ledger.getJob({ jobId });
      } catch (error) {
        report(error);
        await sleep(clock, this.#retryDelayMs('getJob', attempt), signal);
      }
    }
    return null;
  }

  #submitAnew(pending: PendingSettlement, at: Date): void {
    const { isCancelled = false, isGateOpen = false, current } = pending;
    const settlement = pending.remake({ isCancelled, isGateOpen, at, ...(current && { current }) });
    this.submit({ ...pending, settlement: pending.isReduced ? reduced(settlement) : settlement });
  }

  /** The claim still stands although no guard speaks against the verb: what was read may have been stale. */
  #settleAgain(pending: PendingSettlement, now: Date): void {
    const { settlement, onAnswer, refusals = 0, isReduced } = pending;
    if (settlement.startLock !== undefined) {
      // Another job has taken the key meanwhile.
      this.submit({ ...pending, settlement: reduced(settlement) });
      return;
    }
    if (refusals < MOST_REFUSALS) {
      this.submit({ ...pending, refusals: refusals + 1 });
      return;
    }
    const id = settlement.jobId.toHexString();
    const refused = `The ledger refused to ${settlement.verb} job ${id} under its own claim`;
    if (!isReduced) {
      this.#report(`${refused}; it is recorded without its result, progress and log`);
      this.submit({ ...pending, settlement: reduced(settlement), refusals: 0, isReduced: true });
      return;
    }
    this.#report(`${refused}; the job stays processing while this instance lives`);
    this.#refused.set(pending.key, pending);
    onAnswer('refused', settlement, now);
  }

  #report(message: string): void {
    this.#context.report(new MonqueError('INVARIANT', message));
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

/** Without what the ledger may have no room for: what makes a job large, and a key that may be taken. */
function reduced(settlement: Settlement): Settlement {
  const { result: _, progress: __, logLines: ___, startLock: ____, ...rest } = settlement;
  return rest;
}
