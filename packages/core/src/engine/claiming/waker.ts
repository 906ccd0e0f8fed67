/**
 * Says when it is time to look for due jobs.
 *
 * Three sources, each behind the other: this process's own enqueues, at once; hints of the ledger; and a poll that
 * nothing can starve. A timer is set for the next due time that is known. While hints flow the poll is slow. A poll
 * that finds a job no hint announced makes the hints suspect: polling is fast again until the next hint has come.
 * While jobs come fast, hints of more are worth nothing, and are put to rest where they cost the ledger something;
 * meanwhile the ledger is asked now and then which jobs somebody wants cancelled.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import type { Timer } from '../../foundation/clock.ts';
import { UnsupportedError } from '../../foundation/errors.ts';
import { ServiceLoop } from '../../foundation/service-loop.ts';
import { SoonestTimer } from '../../foundation/soonest-timer.ts';
import type { LedgerHint, LedgerWatch } from '../../ledger/ledger-repository.ts';
import type { Worker } from '../../workers/worker.ts';
import type { RoundReport, WakeCause } from './claimer.ts';
import { type Supply, SupplyGauge } from './supply.ts';

/** Milliseconds between polls while hints flow, unless `pollInterval` is longer. */
const SLOW_POLL_INTERVAL_MS = 30_000;

/** A hint may be late by this before it counts as missing, in milliseconds. */
const HINT_GRACE_MS = 2_000;

type WakerContext = Pick<
  EngineContext,
  'detached' | 'ledger' | 'ledgerTime' | 'clock' | 'options' | 'report' | 'log'
>;

/** How long after a round the next begins while jobs come steadily and hints rest, in milliseconds. */
const STEADY_LOOK_MS = 1;

/** How long a job of a name that is not backlogged waits at most for a look while hints rest, in milliseconds. */
const BACKLOG_LOOK_MS = 50;

/** How often the ledger is asked for requests to cancel while hints rest, in milliseconds. */
const CANCEL_INTERVAL_MS = 700;

/** Whom the waker wakes. */
export interface WakerHooks {
  readonly wake: (cause: WakeCause) => void;
  /** A job of this name is due: it is to be looked for. */
  readonly onDue: (name: string) => void;
  readonly onCancelRequested: (jobId: string) => void;
  readonly onPausesChanged: () => void;
  readonly onLimitsChanged: () => void;
  /** Somebody may have asked to cancel a job, and no hint would say so. */
  readonly onCancelsUnknown: () => void;
}

/** Gathers the reasons to look for jobs. */
export class Waker {
  readonly #context: WakerContext;
  readonly #workers: ReadonlyMap<string, Worker>;
  readonly #hooks: WakerHooks;
  readonly #polls: ServiceLoop;
  #watch: LedgerWatch | undefined;
  #hintsFlow = false;
  readonly #supply = new SupplyGauge();
  #resting: Timer | undefined;
  /** Hints rested and are called for, but do not flow again. */
  #isReturning = false;
  /** In place of hints. */
  readonly #nextLook: SoonestTimer;
  readonly #nextDue: SoonestTimer;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  readonly #looking = new Set<Promise<void>>();

  constructor(context: WakerContext, workers: ReadonlyMap<string, Worker>, hooks: WakerHooks) {
    this.#context = context;
    this.#workers = workers;
    this.#hooks = hooks;
    this.#nextLook = new SoonestTimer(context.clock, () => hooks.wake('hint'));
    // Others may be due soon after; only the ledger knows.
    this.#nextDue = new SoonestTimer(context.clock, () => void this.#look('hint'));
    const intervalMs = (): number => this.#pollIntervalMs();
    this.#polls = new ServiceLoop({
      clock: context.clock,
      round: () => this.#look('poll').then(intervalMs),
      onFailed: intervalMs,
    });
  }

  /** Begins to watch and to poll; once, and not after a stop. */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    if (this.#polls.isStopped) return;
    const { detached, ledger, report } = this.#context;
    this.#watch = await ledger.watch((hint) => detached(() => this.#onHint(hint)));
    const { unsupported } = this.#watch;
    if (unsupported !== undefined) {
      report(new UnsupportedError(`Jobs are found by polling only: ${unsupported}`));
    }
    this.#polls.start();
  }

  /** Ends all of it; leaves no timer behind. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const polled = this.#polls.stop();
    this.#nextDue.cancel();
    this.#resting?.cancel();
    this.#nextLook.cancel();
    // What was being opened is closed when it is open.
    await Promise.allSettled([this.#starting]);
    await this.#watch?.close();
    await polled;
    await Promise.all(this.#looking);
  }

  /** True while new jobs are announced by the ledger. */
  get hintsFlow(): boolean {
    return this.#hintsFlow;
  }

  /** True while jobs come so fast that nobody announces them. */
  get hintsRest(): boolean {
    return this.#resting !== undefined;
  }

  /** A job of this name is or becomes due. */
  due(name: string | undefined, dueAt: Date | undefined): void {
    if (name !== undefined && !this.#workers.has(name)) return;
    if (this.#polls.isStopped) return;
    const inMs = (dueAt?.getTime() ?? 0) - this.#context.ledgerTime.now().getTime();
    if (inMs > 0) {
      if (inMs <= this.#horizonMs()) this.#nextDue.set(inMs);
      return;
    }
    if (name === undefined) this.#hooks.wake('hint');
    else this.#hooks.onDue(name);
  }

  /** A worker was added: what is due for it, and becomes due soon, was not looked for yet. */
  workerAdded(): void {
    void this.#look('hint');
  }

  /** Polls now, and then at the interval that holds now. */
  lookAgain(): void {
    this.#polls.wake();
  }

  /** What a round of claims found shows whether hints can be trusted. */
  noteRound(round: RoundReport): void {
    if (this.#polls.isStopped) return;
    const { jobs, onlyPolled, isSaturated } = round;
    const supply = this.#supply.note(jobs.length, isSaturated, this.#context.clock.monotonic());
    this.#rest(supply !== 'scarce');
    this.#lookInPlaceOfHints(supply);
    const oldestMs = this.#context.ledgerTime.now().getTime() - HINT_GRACE_MS;
    const missed = jobs.some(({ nextRunAt, createdAt }) => {
      return Math.max(nextRunAt.getTime(), createdAt.getTime()) < oldestMs;
    });
    if (onlyPolled && missed) this.#trustHints(false);
  }

  #rest(isResting: boolean): void {
    const rest = this.#watch?.rest;
    if (rest === undefined || isResting === this.hintsRest) return;
    if (isResting) {
      this.#trustHints(false);
      this.#askForCancels();
    } else {
      this.#resting?.cancel();
      this.#resting = undefined;
    }
    this.#isReturning = !isResting;
    rest(isResting);
  }

  /**
   * No hint announces the next job while hints rest: it is looked for, as it is until hints flow again. In a backlog free
   * slots are the reason to look for more of it, and now and then jobs of other names are looked for as well.
   */
  #lookInPlaceOfHints(supply: Supply): void {
    const inMs = this.#isReturning || supply !== 'backlogged' ? STEADY_LOOK_MS : BACKLOG_LOOK_MS;
    if (!this.#isReturning && !this.hintsRest) this.#nextLook.cancel();
    else this.#nextLook.set(inMs);
  }

  #askForCancels(): void {
    this.#resting = this.#context.clock.setTimer(() => {
      this.#hooks.onCancelsUnknown();
      this.#askForCancels();
    }, CANCEL_INTERVAL_MS);
  }

  #onHint(hint: LedgerHint): void {
    if (this.#polls.isStopped) return;
    switch (hint.kind) {
      case 'due':
        this.#trustHints(true);
        this.due(hint.name, hint.dueAt);
        break;
      case 'cancelRequested':
        this.#trustHints(true);
        this.#hooks.onCancelRequested(hint.jobId.toHexString());
        break;
      case 'pausesChanged':
        this.#trustHints(true);
        this.#hooks.onPausesChanged();
        break;
      case 'limitsChanged':
        this.#trustHints(true);
        this.#hooks.onLimitsChanged();
        break;
      case 'opened':
        this.#trustHints(true);
        this.#hooks.wake('poll');
        break;
      case 'interrupted':
        this.#trustHints(false);
        this.#context.report(hint.error);
        break;
      case 'clockChanged':
        this.#context.ledgerTime.sampleAgain().catch(this.#context.report);
    }
  }

  /** A wait that was begun while hints were trusted is too long without them. */
  #trustHints(trusted: boolean): void {
    this.#isReturning = false;
    if (this.#hintsFlow && !trusted) this.#polls.wake();
    if (this.#hintsFlow !== trusted) {
      this.#context.log?.write('hintsChanged', { hints: trusted ? 'flowing' : 'polling' });
    }
    this.#hintsFlow = trusted;
  }

  /** While the ledger does not say what becomes due, hints alone are not enough and the next poll must not be slow. */
  #look(cause: WakeCause): Promise<void> {
    const look = this.#lookAhead(cause).catch((error: unknown) => {
      this.#context.report(error);
      this.#trustHints(false);
    });
    this.#looking.add(look);
    return look.finally(() => this.#looking.delete(look));
  }

  /**
   * Wakes for what is due, and sets the timer for what becomes due next. The answer may come when its time has passed;
   * then there may be more behind it, so it is looked for again. The time from which is looked ahead is taken before
   * the claim takes its own: what becomes due between the two is then found by both, not by neither.
   */
  async #lookAhead(cause: WakeCause): Promise<void> {
    const { ledger, ledgerTime } = this.#context;
    const names = [...this.#workers.keys()];
    let after = ledgerTime.now();
    this.#hooks.wake(cause);
    while (names.length > 0 && !this.#polls.isStopped) {
      const until = new Date(after.getTime() + this.#horizonMs());
      const dueAt = await ledger.nextDue({ names, after, until });
      if (dueAt === null) return;
      after = ledgerTime.now();
      this.due(undefined, dueAt);
      if (dueAt > after) return;
    }
  }

  /** How far ahead is looked: never less than the longest wait until the next look. */
  #horizonMs(): number {
    return Math.max(this.#context.options.pollIntervalMs, SLOW_POLL_INTERVAL_MS);
  }

  #pollIntervalMs(): number {
    const { pollIntervalMs } = this.#context.options;
    return this.#hintsFlow ? this.#horizonMs() : pollIntervalMs;
  }
}
