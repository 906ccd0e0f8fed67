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
import { MonqueError } from '../../foundation/errors.ts';
import { retrying } from '../../foundation/retrying.ts';
import type { Job } from '../../job/job.ts';
import { unreadablePlan } from '../../job/next-run.ts';
import type { SettleAnswer, Settlement, SettleVerb } from '../../ledger/verbs/settle.ts';
import type { Outcome } from '../../workers/handler-outcome.ts';
import type { EndedRun } from './ended-run.ts';
import { retryPlan } from './ledger-retry-plan.ts';
import type { RunEndings } from './run-endings.ts';
import { isRecorded } from './session-completion.ts';
import { type LaterFacts, settlementOf } from './settlement-of-run.ts';

const MOST_FLUSHES = 2;
const MOST_SETTLEMENTS_A_FLUSH = 1_000;
const WORTH_A_FLUSH = 250;
const ROOM = 10_000;
const MOST_REFUSALS = 5;

/** Verbs that may not put a job off whose cancellation was asked for. */
const PENDING_VERBS: readonly SettleVerb[] = ['retry', 'snooze', 'block', 'release', 'bury'];

/** A run that has ended, until its end is recorded. */
interface Unrecorded {
  /** Names the claim, as {@link claimKey} makes it. */
  readonly key: string;
  readonly ended: EndedRun;
  /** When the run ended; monotonic time. */
  readonly endedMs: number;
  readonly facts: LaterFacts;
  /** What is to be written, made from the other parts. */
  readonly settlement: Settlement;
  /** How often the ledger refused it so far. */
  readonly refusals: number;
  /** True when it goes without the result, the progress and the log of the run. */
  readonly isReduced: boolean;
}

/** How a flush was sent last. */
interface SentFlush {
  readonly now: Date;
  /** How often it was sent. */
  readonly attempts: number;
}

/** An answer after which nothing more is written. */
type FinalAnswer = Extract<SettleAnswer, 'settled' | 'lost' | 'unknown'>;

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
  readonly #endings: RunEndings;
  readonly #onRoom: () => void;
  #queue: Unrecorded[] = [];
  /** When each was taken, the earliest first. */
  readonly #held = new Map<string, number>();
  /** What the ledger refused for good; as long as it is held, nobody takes its claims for stray ones. */
  readonly #refused = new Map<string, Unrecorded>();
  readonly #givenUp = new AbortController();
  #flushes = 0;
  #scheduled = false;
  #idleWaiters: (() => void)[] = [];

  /** @param onRoom - called when claiming may go on after the queue was full */
  constructor(context: SettlerContext, endings: RunEndings, onRoom: () => void) {
    this.#context = context;
    this.#endings = endings;
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
  get longestUnsettledMs(): number {
    const [sinceMs] = this.#held.values();
    return sinceMs === undefined ? 0 : this.#context.clock.monotonic() - sinceMs;
  }

  /** True while the end of this claim of this job is known here and not yet recorded. */
  holds(jobId: string, claimToken: string): boolean {
    const key = claimKey(jobId, claimToken);
    return this.#held.has(key) || this.#refused.has(key);
  }

  /** Takes the end of a run; it is written soon, unless its handler wrote it itself. */
  submit(key: string, ended: EndedRun): void {
    const { ledgerTime, clock } = this.#context;
    const now = ledgerTime.now();
    const settlement = settlementOf(ended, now);
    if (ended.outcome.kind === 'confirmed') this.#endings.recorded(ended, settlement, now);
    else {
      const endedMs = clock.monotonic();
      this.#take({ key, ended, endedMs, facts: {}, settlement, refusals: 0, isReduced: false });
    }
  }

  /** Resolves when everything taken so far is recorded, or when it was given up. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Sends again what the ledger refused for good, since it may have been told to refuse less. */
  sendRefused(): void {
    const refused = [...this.#refused.values()];
    this.#refused.clear();
    const at = this.#context.ledgerTime.now();
    for (const pending of refused) {
      this.#takeAgain({ ...pending, refusals: 0, isReduced: false }, at);
    }
  }

  /** Ends the retries: what fails now stays unrecorded, and is rescued once the lease is dead. */
  giveUp(): void {
    this.#givenUp.abort();
  }

  /** Takes what is to be written. */
  #take(pending: Unrecorded): void {
    this.#hold(pending);
    this.#queue.push(pending);
    this.#schedule();
  }

  /** Computes again what is to be written, with what the ledger said meanwhile. */
  #takeAgain(pending: Unrecorded, now: Date): void {
    const settlement = settlementOf(pending.ended, now, pending.facts);
    this.#take({ ...pending, settlement: pending.isReduced ? reduced(settlement) : settlement });
  }

  #hold(pending: Unrecorded): void {
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
    this.#context.metrics.record('batchSize', { verb: 'settle' }, batch.length);
    const { sent, answered } = this.#send(batch);
    // Absent when it was given up.
    const answers = (await answered)?.value.answers;
    this.#flushes -= 1;
    this.#logFlush(batch, sent, answers !== undefined);
    for (const [index, pending] of batch.entries()) {
      this.#held.delete(pending.key);
      this.#takeAnswer(pending, answers?.[index] ?? 'unknown', sent.now);
    }
    if (!hadRoom && this.hasRoom()) this.#onRoom();
    this.#schedule();
    this.#notifyIdle();
  }

  /** Up to the first that a transaction of the user's may stall, which goes in a flush of its own. */
  #takeBatch(): Unrecorded[] {
    const firstAlone = this.#queue.findIndex(({ ended }) => ended.ifCommitted !== undefined);
    const most = firstAlone < 0 ? MOST_SETTLEMENTS_A_FLUSH : Math.max(firstAlone, 1);
    return this.#queue.splice(0, Math.min(most, MOST_SETTLEMENTS_A_FLUSH));
  }

  /** Sends the settlements until the ledger answers; what was sent last is in `sent`. */
  #send(batch: readonly Unrecorded[]) {
    const { ledger, ledgerTime, report } = this.#context;
    const settlements = batch.map(({ settlement }) => settlement);
    const { signal } = this.#givenUp;
    const sent: SentFlush = { now: ledgerTime.now(), attempts: 0 };
    const answered = retrying({
      ...retryPlan(this.#context, 'settle', signal),
      call: (attempt) => {
        Object.assign(sent, { now: ledgerTime.now(), attempts: attempt });
        return ledger.settle({ settlements, now: sent.now });
      },
      onFailed: report,
      mayGoOn: () => !signal.aborted,
    });
    return { sent, answered };
  }

  #logFlush(
    { length: settlements }: readonly Unrecorded[],
    sent: SentFlush,
    isDone: boolean,
  ): void {
    const { log } = this.#context;
    if (isDone) log?.write('settled', { settlements, attempts: sent.attempts });
    else log?.write('settlementsGivenUp', { settlements });
  }

  #takeAnswer(pending: Unrecorded, answer: SettleAnswer, now: Date): void {
    const { settlement, facts } = pending;
    const toPending = PENDING_VERBS.includes(settlement.verb);
    if (answer === 'replanned') void this.#settleReplanned(pending, now);
    else if (answer === 'gateOpen') {
      this.#takeAgain({ ...pending, facts: { ...facts, isGateOpen: true } }, now);
    } else if (answer === 'cancelRequested' && toPending) {
      this.#takeAgain({ ...pending, facts: { ...facts, isCancelled: true } }, now);
    } else if (answer === 'cancelRequested' || answer === 'refused') {
      this.#settleAgain(pending);
    } else this.#finish(pending, answer, now);
  }

  /** Nothing more is written of this run. */
  #finish(pending: Unrecorded, answer: FinalAnswer, now: Date): void {
    const { ended, settlement, endedMs } = pending;
    this.#measureDelay(endedMs);
    if (answer !== 'settled') this.#endings.unrecorded(ended, answer);
    else if (ended.ifCommitted === undefined) this.#endings.recorded(ended, settlement, now);
    else void this.#finishInSession(ended, ended.ifCommitted, settlement, now);
  }

  /** The transaction may have been committed after the handler took too long, before its failure could be written. */
  async #finishInSession(
    ended: EndedRun,
    ifCommitted: Outcome,
    settlement: Settlement,
    now: Date,
  ): Promise<void> {
    if (await isRecorded(this.#context, ended.job, settlement)) {
      this.#endings.recorded(ended, settlement, now);
      return;
    }
    const committed: EndedRun = {
      ...ended,
      outcome: { kind: 'confirmed', of: ifCommitted },
      notes: {},
    };
    this.#endings.recorded(committed, settlementOf(committed, now), now);
  }

  /** The series was changed after the claim: the next run is computed with the plan that stands now. */
  async #settleReplanned(pending: Unrecorded, now: Date): Promise<void> {
    this.#hold(pending);
    const { settlement, facts } = pending;
    const current = await this.#readUntilAnswered(settlement);
    if (current?.claimToken === settlement.claimToken) {
      const unread = unreadablePlan(current);
      if (unread !== undefined) this.#context.report(unread);
      const withCurrent = { ...pending, facts: { ...facts, current } };
      this.#takeAgain(withCurrent, this.#context.ledgerTime.now());
      return;
    }
    this.#held.delete(pending.key);
    this.#finish(pending, 'unknown', now);
    this.#notifyIdle();
  }

  /** The job as it stands; null when it is gone, or when it was given up. */
  async #readUntilAnswered({ jobId }: Settlement): Promise<Job | null> {
    const { ledger, report } = this.#context;
    const { signal } = this.#givenUp;
    if (signal.aborted) return null;
    const answered = await retrying({
      ...retryPlan(this.#context, 'getJob', signal),
      call: () => ledger.getJob({ jobId }),
      onFailed: report,
      mayGoOn: () => !signal.aborted,
    });
    return answered?.value ?? null;
  }

  /** The claim still stands although no guard speaks against the verb: what was read may have been stale. */
  #settleAgain(pending: Unrecorded): void {
    const { settlement, refusals, isReduced, endedMs } = pending;
    if (settlement.startLock !== undefined) {
      // Another job has taken the key meanwhile.
      this.#take({ ...pending, settlement: reduced(settlement) });
      return;
    }
    if (refusals < MOST_REFUSALS) {
      this.#take({ ...pending, refusals: refusals + 1 });
      return;
    }
    const id = settlement.jobId.toHexString();
    const refused = `The ledger refused to ${settlement.verb} job ${id} under its own claim`;
    if (!isReduced) {
      this.#report(`${refused}; it is recorded without its result, progress and log`);
      this.#take({ ...pending, settlement: reduced(settlement), refusals: 0, isReduced: true });
      return;
    }
    this.#report(`${refused}; the job stays processing while this instance lives`);
    this.#refused.set(pending.key, pending);
    this.#measureDelay(endedMs);
  }

  #measureDelay(endedMs: number): void {
    const { metrics, clock } = this.#context;
    metrics.record('settleDelayMs', {}, clock.monotonic() - endedMs);
  }

  #report(message: string): void {
    this.#context.report(new MonqueError('INTERNAL', message));
  }

  #isIdle(): boolean {
    return this.#held.size === 0;
  }

  #notifyIdle(): void {
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
