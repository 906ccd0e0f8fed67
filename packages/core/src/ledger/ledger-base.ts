/**
 * What a ledger's implementation writes: one `perform` method for each verb, and nothing but storing. The base class
 * opens the ledger before the first verb and bounds each call.
 *
 * @module
 */
import { type Clock, systemClock, withDeadline } from '../foundation/clock.ts';
import { ConnectionError, UnknownOutcomeError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import type { CounterPoint, HistogramPoint, MetricsObserver } from '../telemetry/metrics.ts';
import { type LedgerHealth, LedgerRecord } from './ledger-calls.ts';
import {
  type InvariantOptions,
  Invariants,
  type InvariantViolation,
  type JobFinding,
} from './rules/rules.ts';
import type { Bounded, InstanceParams } from './verbs/call.ts';
import type {
  ClaimCounts,
  ClaimParams,
  ClaimResult,
  CountClaimsParams,
  FindClaimantsParams,
  ReadClaimParams,
  ReadClaimsParams,
  StandingClaim,
} from './verbs/claims.ts';
import type { EnqueueParams, EnqueueResult } from './verbs/enqueue.ts';
import type { CountDueParams, CountDueResult } from './verbs/inspection.ts';
import type {
  DeclareDeadParams,
  LeaseRecord,
  OpenLeaseParams,
  ReadLeasesParams,
  RenewLeaseParams,
} from './verbs/leases.ts';
import type { LedgerHint, LedgerWatch } from './verbs/ledger-verbs.ts';
import type {
  FindJobsParams,
  GetJobParams,
  ReadHistoryParams,
  ReadStatsParams,
  StatsRow,
  TransitionEntry,
} from './verbs/listing.ts';
import type {
  AmendParams,
  AmendResult,
  CancelParams,
  CancelResult,
  MendParams,
  MendResult,
  RedriveParams,
  RedriveResult,
  RemoveParams,
  RemoveResult,
  SetMetadataParams,
  SetMetadataResult,
  SetPausedParams,
} from './verbs/manual-verbs.ts';
import type {
  EndSeriesParams,
  FindSeriesParams,
  ReplanParams,
  SeriesResult,
} from './verbs/series.ts';
import type {
  CompleteInSessionParams,
  NoteParams,
  SettleParams,
  SettleResult,
} from './verbs/settle.ts';
import type {
  CheckpointParams,
  CheckpointResult,
  ExpireGatesParams,
  ExpireGatesResult,
  OpenGateParams,
  OpenGateResult,
} from './verbs/stages.ts';
import type {
  NextDueParams,
  PruneParams,
  PruneResult,
  RecoverParams,
  RecoverResult,
  RescueParams,
  RescueResult,
} from './verbs/upkeep.ts';
import { type LedgerVerb, type ParamsOf, type ResultOf, VERB_EFFECTS } from './verbs/verb-table.ts';
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

/** A ledger without its verbs; {@link LedgerRepository} adds them. */
export abstract class LedgerStore {
  /** Marks every ledger, whichever copy of this package made it. */
  readonly brand: string = LEDGER_BRAND;
  protected readonly clock: Clock;
  /** Asked before each verb of `as`. */
  readonly access: Access;
  readonly #operationTimeoutMs: number;
  readonly #record: LedgerRecord;
  /** The rules of this ledger. */
  protected readonly invariants: Invariants;
  readonly #violationListeners = new Set<(violation: InvariantViolation) => void>();
  #opening: Promise<void> | undefined;

  protected constructor(options: LedgerRepositoryOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.access = options.access ?? OPEN_ACCESS;
    this.#record = new LedgerRecord(this.clock);
    this.#operationTimeoutMs = options.operationTimeoutMs ?? DEFAULT_OPERATION_TIMEOUT;
    this.invariants = new Invariants(options.invariants ?? {}, {
      clock: this.clock,
      metrics: this.#record.metrics,
      tell: (violation) => {
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
    return this.#record.health();
  }

  /** What was measured of the calls made through this object. */
  metrics(): LedgerMetrics {
    const { counters, histograms } = this.#record.metrics.read();
    const { ledgerErrors, violations } = counters;
    const { ledgerCallMs, ruleMs } = histograms;
    return { ledgerErrors, ledgerCallMs, violations, ruleMs };
  }

  /**
   * Tells a listener of each write that broke a rule. The listener must not throw.
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
   * Tells an observer of every measurement from now on.
   *
   * @param onError - told of the first error of the observer
   * @returns ends it
   */
  observe(observer: MetricsObserver, onError: (error: unknown) => void): () => void {
    return this.#record.metrics.observe(observer, onError);
  }

  protected abstract performOpen(): Promise<void>;
  protected abstract performClose(): Promise<void>;
  protected abstract performReadTime(): Promise<Date>;
  protected abstract performEnqueue(params: EnqueueParams): Promise<EnqueueResult>;
  protected abstract performClaim(params: ClaimParams): Promise<ClaimResult>;
  protected abstract performReadClaim(params: ReadClaimParams): Promise<readonly Job[]>;
  protected abstract performSettle(params: SettleParams): Promise<SettleResult>;
  protected abstract performCancel(params: CancelParams): Promise<CancelResult>;
  protected abstract performRemove(params: RemoveParams): Promise<RemoveResult>;
  protected abstract performRedrive(params: RedriveParams): Promise<RedriveResult>;
  protected abstract performAmend(params: AmendParams): Promise<AmendResult>;
  protected abstract performReplan(params: ReplanParams): Promise<SeriesResult>;
  protected abstract performEndSeries(params: EndSeriesParams): Promise<SeriesResult>;
  protected abstract performFindSeries(params: FindSeriesParams): Promise<readonly Job[]>;
  protected abstract performNote(params: NoteParams): Promise<boolean>;
  protected abstract performCheckpoint(params: CheckpointParams): Promise<CheckpointResult>;
  protected abstract performOpenGate(params: OpenGateParams): Promise<OpenGateResult>;
  protected abstract performExpireGates(params: ExpireGatesParams): Promise<ExpireGatesResult>;
  protected abstract performCompleteInSession(params: CompleteInSessionParams): Promise<boolean>;
  protected abstract performSetMetadata(params: SetMetadataParams): Promise<SetMetadataResult>;
  protected abstract performMend(params: MendParams): Promise<MendResult>;
  protected abstract performReadHistory(
    params: ReadHistoryParams,
  ): Promise<readonly TransitionEntry[]>;
  protected abstract performGetJob(params: GetJobParams): Promise<Job | null>;
  protected abstract performFindJobs(params: FindJobsParams): Promise<readonly Job[]>;
  protected abstract performReadStats(params: ReadStatsParams): Promise<readonly StatsRow[]>;
  protected abstract performSetPaused(params: SetPausedParams): Promise<void>;
  protected abstract performReadPaused(): Promise<readonly string[]>;
  protected abstract performRecover(params: RecoverParams): Promise<RecoverResult>;
  protected abstract performPrune(params: PruneParams): Promise<PruneResult>;
  protected abstract performNextDue(params: NextDueParams): Promise<Date | null>;
  protected abstract performOpenLease(params: OpenLeaseParams): Promise<void>;
  protected abstract performRenewLease(params: RenewLeaseParams): Promise<boolean>;
  protected abstract performReadLeases(params: ReadLeasesParams): Promise<readonly LeaseRecord[]>;
  protected abstract performDeclareDead(params: DeclareDeadParams): Promise<boolean>;
  protected abstract performEndLease(params: InstanceParams): Promise<void>;
  protected abstract performRemoveLease(params: InstanceParams): Promise<void>;
  protected abstract performFindClaimants(params: FindClaimantsParams): Promise<readonly string[]>;
  protected abstract performReadClaims(params: ReadClaimsParams): Promise<readonly StandingClaim[]>;
  protected abstract performCountClaims(params: CountClaimsParams): Promise<ClaimCounts>;
  protected abstract performCountDue(params: CountDueParams): Promise<CountDueResult>;
  protected abstract performRescue(params: RescueParams): Promise<RescueResult>;
  protected abstract performWatch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch>;

  /** Runs a verb, measured: opened first, and within its deadline. */
  protected run<V extends LedgerVerb>(
    verb: V,
    params: ParamsOf<V>,
    perform: () => Promise<ResultOf<V>>,
  ): Promise<ResultOf<V>> {
    return this.#record.call(verb, () => {
      if (VERB_EFFECTS[verb] === 'writes') this.invariants.admit(verb, params);
      return this.#runBounded(verb, params, perform);
    });
  }

  async #runBounded<T>(
    verb: LedgerVerb,
    { deadlineMs = this.#operationTimeoutMs }: Bounded,
    perform: () => Promise<T>,
  ): Promise<T> {
    await withDeadline(
      this.clock,
      this.open(),
      this.#operationTimeoutMs,
      () =>
        new ConnectionError(
          `The ledger did not open within ${Math.round(this.#operationTimeoutMs)} ms`,
        ),
    );
    const message = `The ledger did not answer ${verb} within ${Math.round(deadlineMs)} ms`;
    return withDeadline(this.clock, perform(), deadlineMs, () =>
      VERB_EFFECTS[verb] === 'writes'
        ? new UnknownOutcomeError(message)
        : new ConnectionError(message),
    );
  }
}
