/**
 * Reports when a value that an operator set a threshold for has crossed it, and when it is back.
 *
 * What always holds: `alert` and `alert:cleared` of a kind take turns, the first of them `alert`; one is cleared only
 * when its value was well below the threshold twice in a row, so that a value near the threshold does not flap; and
 * without the option nothing is measured and nothing is asked of the ledger.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import { SingleFlight } from '../../foundation/single-flight.ts';
import { ALERT_UNITS, type AlertKind, type ResolvedAlerts } from '../../options/alert-options.ts';
import type { Labels } from '../../telemetry/metrics.ts';

/** An alert is cleared below this part of its threshold. */
const CLEAR_PART = 0.8;

/** So many looks in a row must find it there. */
const CALM_LOOKS = 2;

/** How far back jobs are looked for that nobody has a slot for, in milliseconds: 30 days. */
const OLDEST_LAG_MS = 2_592_000_000;

const FAILURES: ReadonlySet<unknown> = new Set(['failed', 'retried']);
const RUNS: ReadonlySet<unknown> = new Set(['completed', 'failed', 'retried']);

type AlertsContext = Pick<
  EngineContext,
  'ledger' | 'ledgerTime' | 'clock' | 'options' | 'emit' | 'metrics' | 'health' | 'report'
>;

/** What is asked of the other parts. */
export interface AlertSources {
  /** Names whose slots are all taken, so that no claim shows how late their jobs are. */
  readonly busyNames: () => readonly string[];
  /** How long the end of a run waits to be recorded, in milliseconds. */
  readonly longestUnsettledMs: () => number;
}

interface Firing {
  readonly since: Date;
  readonly calmLooks: number;
  /** What was compared last. */
  readonly value: number;
  readonly threshold: number;
}

interface Runs {
  readonly atMs: number;
  readonly ended: number;
  readonly failed: number;
}

/** Compares values with thresholds whenever it is told to look. */
export class Alerts {
  readonly #context: AlertsContext;
  readonly #sources: AlertSources;
  readonly #firing = new Map<AlertKind, Firing>();
  #endObserving: (() => void) | undefined;
  #isStopped = false;
  readonly #looks = new SingleFlight(() => this.#lookAtAll().catch(this.#context.report));
  #longestWaitMs = 0;
  #longestSettleMs = 0;
  #ended = 0;
  #failed = 0;
  #runs: readonly Runs[] = [];

  constructor(context: AlertsContext, sources: AlertSources) {
    this.#context = context;
    this.#sources = sources;
    this.reconfigured();
  }

  /** Measures when there are thresholds; an alert that lost its threshold is cleared with its last value. */
  reconfigured(): void {
    if (this.#isWanted()) this.#endObserving ??= this.#observe();
    else this.#stopObserving();
    for (const [kind, { value, threshold, since }] of this.#firing) {
      if (this.#thresholds.of[kind] !== undefined) continue;
      this.#firing.delete(kind);
      this.#context.emit('alert:cleared', {
        kind,
        value,
        threshold,
        unit: ALERT_UNITS[kind],
        since,
      });
    }
  }

  /** The kinds that fired and were not cleared. */
  get firing(): readonly AlertKind[] {
    return [...this.#firing.keys()];
  }

  /** Looks at every value; one look at a time. */
  look(): void {
    if (this.#isWanted()) void this.#looks.run();
  }

  /** Ends it for good; resolves when no look is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopObserving();
    await this.#looks.idle();
  }

  #stopObserving(): void {
    this.#endObserving?.();
    this.#endObserving = undefined;
  }

  #observe(): () => void {
    const { metrics, report } = this.#context;
    return metrics.observe(
      {
        counted: (metric, amount, labels) => this.#counted(metric, amount, labels),
        recorded: (metric, value) => this.#recorded(metric, value),
      },
      report,
    );
  }

  get #thresholds(): ResolvedAlerts {
    return this.#context.options.alerts;
  }

  #isWanted(): boolean {
    return !this.#isStopped && Object.values(this.#thresholds.of).length > 0;
  }

  #counted(metric: string, amount: number, { outcome }: Labels): void {
    if (metric !== 'settled') return;
    this.#ended += amount * Number(RUNS.has(outcome));
    this.#failed += amount * Number(FAILURES.has(outcome));
  }

  #recorded(metric: string, value: number): void {
    if (metric === 'waitMs') this.#longestWaitMs = Math.max(this.#longestWaitMs, value);
    if (metric === 'settleDelayMs') this.#longestSettleMs = Math.max(this.#longestSettleMs, value);
  }

  async #lookAtAll(): Promise<void> {
    const { queueLag, failureRate, settleDelay, clockError } = this.#thresholds.of;
    const settleMs = this.#takeSettleDelayMs();
    const rate = this.#takeFailureRate();
    if (failureRate !== undefined) this.#compare('failureRate', rate, failureRate);
    if (settleDelay !== undefined) this.#compare('settleDelay', settleMs, settleDelay);
    if (clockError !== undefined) {
      this.#compare('clockError', this.#context.ledgerTime.clockErrorMs, clockError);
    }
    if (queueLag !== undefined) await this.#lookAtQueueLag(queueLag);
  }

  /** While the ledger does not answer nothing is known of the queue, and nothing is said of it. */
  async #lookAtQueueLag(thresholdMs: number): Promise<void> {
    const waitMs = this.#longestWaitMs;
    this.#longestWaitMs = 0;
    if (waitMs >= thresholdMs) this.#compare('queueLag', waitMs, thresholdMs);
    else if (this.#context.health.isConnected) {
      const unseenMs = await this.#unseenLagMs(thresholdMs);
      // The threshold may have changed while the ledger was asked.
      if (this.#thresholds.of.queueLag !== thresholdMs) return;
      this.#compare('queueLag', Math.max(waitMs, unseenMs), thresholdMs);
    }
  }

  /** The threshold when a job of a name without a free slot has been due for so long, else 0. */
  async #unseenLagMs(thresholdMs: number): Promise<number> {
    const { ledger, ledgerTime } = this.#context;
    const names = this.#sources.busyNames();
    if (names.length === 0) return 0;
    const nowMs = ledgerTime.now().getTime();
    const [after, until] = [new Date(nowMs - OLDEST_LAG_MS), new Date(nowMs - thresholdMs)];
    return (await ledger.nextDue({ names, after, until })) === null ? 0 : thresholdMs;
  }

  #takeSettleDelayMs(): number {
    const longestMs = Math.max(this.#longestSettleMs, this.#sources.longestUnsettledMs());
    this.#longestSettleMs = 0;
    return longestMs;
  }

  /** The share of failed runs in the window; 0 when there were too few to know. */
  #takeFailureRate(): number {
    const { failureWindowMs, failureMinimum } = this.#thresholds;
    const atMs = this.#context.clock.monotonic();
    const latest = { atMs, ended: this.#ended, failed: this.#failed };
    this.#ended = 0;
    this.#failed = 0;
    this.#runs = [...this.#runs, latest].filter((runs) => runs.atMs > atMs - failureWindowMs);
    const ended = this.#runs.reduce((sum, runs) => sum + runs.ended, 0);
    const failed = this.#runs.reduce((sum, runs) => sum + runs.failed, 0);
    return ended < failureMinimum ? 0 : failed / ended;
  }

  #compare(kind: AlertKind, value: number, threshold: number): void {
    const { clock, emit, metrics } = this.#context;
    const firing = this.#firing.get(kind);
    const unit = ALERT_UNITS[kind];
    if (firing === undefined) {
      if (value < threshold) return;
      const since = new Date(clock.now());
      this.#firing.set(kind, { since, calmLooks: 0, value, threshold });
      metrics.count('alerts', { kind });
      emit('alert', { kind, value, threshold, unit, since });
      return;
    }
    const calmLooks = value < threshold * CLEAR_PART ? firing.calmLooks + 1 : 0;
    this.#firing.set(kind, { ...firing, calmLooks, value, threshold });
    if (calmLooks < CALM_LOOKS) return;
    this.#firing.delete(kind);
    emit('alert:cleared', { kind, value, threshold, unit, since: firing.since });
  }
}
