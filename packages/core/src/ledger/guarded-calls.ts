/**
 * What a ledger's implementation writes: the verbs, and nothing but storing. The base class opens the ledger before the
 * first verb, and checks, measures and bounds each call.
 *
 * @module
 */
import { type Clock, systemClock, withDeadline } from '../foundation/clock.ts';
import { ConnectionError, UnknownOutcomeError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import type { CounterPoint, HistogramPoint, MetricsObserver } from '../telemetry/metrics.ts';
import { LedgerCalls, type LedgerHealth } from './ledger-calls.ts';
import {
  type InvariantOptions,
  Invariants,
  type InvariantViolation,
  type JobFinding,
} from './rules/rules.ts';
import { underRules } from './rules/verbs-under-rules.ts';
import { checkCall } from './verb-checks.ts';
import type { Calls } from './verbs/around.ts';
import type { Bounded } from './verbs/call.ts';
import type { LedgerHint, LedgerWatch } from './verbs/params-and-answers.ts';
import {
  type AnswerOf,
  isWrite,
  type LedgerVerb,
  type LedgerVerbs,
  type ParamsOf,
} from './verbs/verb-table.ts';
import { type Access, OPEN_ACCESS } from './views/actor-view.ts';

/** What `brand` holds. */
export const LEDGER_BRAND = 'monque.LedgerRepository';

/** How long a ledger call may take when nothing else is said, in milliseconds. */
export const DEFAULT_OPERATION_TIMEOUT = 10_000;

/** What every ledger is given. */
export interface LedgerRepositoryOptions {
  /** Time and timers; the process's own by default. */
  readonly clock?: Clock;
  /** Milliseconds a call may take before it counts as unanswered. @default 10000 */
  readonly operationTimeoutMs?: number;
  /** Asked before each verb of {@link LedgerRepository.as}; without it everything is allowed. */
  readonly access?: Access;
  /** The rules that every write must keep. @default those of the ledger's own */
  readonly invariants?: InvariantOptions;
}

/** What is measured of a ledger's calls, by verb. */
export interface LedgerMetrics {
  /** Calls that failed, by verb and the code of the error. */
  readonly ledgerErrors: readonly CounterPoint[];
  /** How long calls took, in milliseconds, failed ones too; `count` is how many there were. */
  readonly ledgerCallMs: readonly HistogramPoint[];
  /** Writes that broke a rule, by the name of the rule. */
  readonly violations: readonly CounterPoint[];
  /** How long rules took to look at a call, in milliseconds, by the name of the rule. */
  readonly ruleMs: readonly HistogramPoint[];
}

/** A ledger whose verbs cannot be called by their names yet; {@link LedgerRepository} adds that. */
export abstract class GuardedCalls {
  /** Marks every ledger, whichever copy of this package made it. */
  readonly brand: string = LEDGER_BRAND;
  protected readonly clock: Clock;
  /** Asked before each verb of `as`. */
  readonly access: Access;
  readonly #operationTimeoutMs: number;
  readonly #calls: LedgerCalls;
  /** The rules of this ledger. */
  protected readonly invariants: Invariants;
  readonly #violationListeners = new Set<(violation: InvariantViolation) => void>();
  #opening: Promise<void> | undefined;

  constructor(options: LedgerRepositoryOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.access = options.access ?? OPEN_ACCESS;
    this.#calls = new LedgerCalls(this.clock);
    this.#operationTimeoutMs = options.operationTimeoutMs ?? DEFAULT_OPERATION_TIMEOUT;
    this.invariants = new Invariants(options.invariants ?? {}, {
      clock: this.clock,
      metrics: this.#calls.metrics,
      report: (violation) => {
        for (const listener of this.#violationListeners) listener(violation);
      },
    });
  }

  /** Makes the ledger ready: checks the server, makes what is missing. Idempotent; a failed call may be repeated. */
  open(): Promise<void> {
    this.#opening ??= this.performOpen().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** Lets go of what the ledger holds open; not of the user's connection. Idempotent; a later verb opens it again. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening === undefined) return;
    await opening.catch(() => undefined);
    await this.performClose();
  }

  /** How the ledger is, from the calls that were made through this object; nothing is asked of it. */
  health(): LedgerHealth {
    return this.#calls.health();
  }

  /** What was measured of the calls made through this object. */
  metrics(): LedgerMetrics {
    const { counters, histograms } = this.#calls.metrics.read();
    const { ledgerErrors, violations } = counters;
    const { ledgerCallMs, ruleMs } = histograms;
    return { ledgerErrors, ledgerCallMs, violations, ruleMs };
  }

  /**
   * Notifies a listener of each write that broke a rule. The listener must not throw.
   *
   * @returns ends it
   */
  onViolation(listener: (violation: InvariantViolation) => void): () => void {
    this.#violationListeners.add(listener);
    return () => void this.#violationListeners.delete(listener);
  }

  /**
   * Takes other rules and modes for all writes from now on, in place of those it had.
   *
   * @throws InvalidArgumentError when an option is wrong; then nothing has changed
   */
  useInvariants(options: InvariantOptions): void {
    this.invariants.use(options);
  }

  /** What the rules find wrong with a job as it is stored. Nothing is asked of the ledger. */
  inspectJob(job: Job): readonly JobFinding[] {
    return this.invariants.find(job);
  }

  /**
   * Lets an observer see every measurement from now on.
   *
   * @param onError - called with the first error of the observer
   * @returns ends it
   */
  observe(observer: MetricsObserver, onError: (error: unknown) => void): () => void {
    return this.#calls.metrics.observe(observer, onError);
  }

  /**
   * The verbs themselves, which nothing is around yet. They only store: the ledger was opened before, and what a call
   * is given was checked.
   */
  protected abstract verbs: LedgerVerbs;
  protected abstract performOpen(): Promise<void>;
  protected abstract performClose(): Promise<void>;
  protected abstract performWatch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch>;

  /** One verb of {@link GuardedCalls.verbs}: checked, measured, opened first, within its deadline, under the rules. */
  protected call<V extends LedgerVerb>(verb: V, params: ParamsOf<V>): Promise<AnswerOf<V>> {
    checkCall(verb, params);
    return this.#calls.call(verb, () => {
      if (isWrite(verb)) this.invariants.admit(verb, params);
      return this.#callBounded(verb, params);
    });
  }

  async #callBounded<V extends LedgerVerb>(verb: V, params: ParamsOf<V>): Promise<AnswerOf<V>> {
    const { deadlineMs = this.#operationTimeoutMs }: Bounded = params;
    await withDeadline(
      this.clock,
      this.open(),
      this.#operationTimeoutMs,
      () =>
        new ConnectionError(
          `The ledger did not open within ${Math.round(this.#operationTimeoutMs)} ms`,
        ),
    );
    const calls: Calls = this.verbs;
    const answer = underRules({
      verb,
      params,
      rules: this.invariants,
      read: (job) => this.verbs.getJob(job),
      next: (given) => calls[verb](given),
    });
    const message = `The ledger did not answer ${verb} within ${Math.round(deadlineMs)} ms`;
    return withDeadline(this.clock, answer, deadlineMs, () =>
      isWrite(verb) ? new UnknownOutcomeError(message) : new ConnectionError(message),
    );
  }
}
