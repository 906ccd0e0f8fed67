/**
 * The contract of a ledger: the record of all jobs, and the only thing that changes their state.
 *
 * Verbs are batch first. Each takes one params object and gives one named result; the ledger's time is always passed
 * in, times are absolute. A verb that does not apply changes nothing and says so. The base class checks and bounds
 * every call; an implementation writes the `perform` methods and only stores.
 *
 * @module
 */
import { type Clock, systemClock, withDeadline } from '../clock.ts';
import { ConnectionError, invariant, UnknownOutcomeError } from '../errors.ts';
import type { Job } from '../job.ts';
import type {
  AmendParams,
  AmendResult,
  Bounded,
  CancelParams,
  CancelResult,
  ClaimParams,
  ClaimResult,
  CompleteInSessionParams,
  DeclareDeadParams,
  EndSeriesParams,
  EnqueueParams,
  EnqueueResult,
  FindClaimantsParams,
  FindJobsParams,
  FindSeriesParams,
  GetJobParams,
  InstanceParams,
  JobParams,
  LeaseRecord,
  LedgerHint,
  LedgerWatch,
  NextDueParams,
  NoteParams,
  OpenLeaseParams,
  PruneParams,
  PruneResult,
  ReadClaimParams,
  ReadClaimsParams,
  ReadStatsParams,
  RecoverParams,
  RecoverResult,
  RedriveParams,
  RedriveResult,
  RemoveResult,
  ReplanParams,
  RescueParams,
  RescueResult,
  SeriesResult,
  SetPausedParams,
  SettleParams,
  SettleResult,
  StandingClaim,
  StatsRow,
} from './ledger-verbs.ts';

export type * from './ledger-verbs.ts';

const LEDGER_BRAND = 'monque.LedgerRepository';

/** How long a ledger call may take when nothing else is said, in milliseconds. */
export const DEFAULT_OPERATION_TIMEOUT = 10_000;

/** From this many rescues on a job is a suspect: it is claimed alone. */
export const SUSPECT_RESCUE_COUNT = 2;

/** The most names one claim looks for. More would turn its merge of sorted scans into a blocking sort. */
export const MOST_NAMES_A_CLAIM = 200;

/** What every ledger is given. */
export interface LedgerRepositoryOptions {
  /** Time and timers; the process's own by default. */
  readonly clock?: Clock;
  /** Milliseconds a call may take before it counts as unanswered. @default 10000 */
  readonly operationTimeoutMs?: number;
}

/** A call that changes nothing is answered with a connection error when it is late, a write with an unknown outcome. */
type Effect = 'reads' | 'writes';

/**
 * Base class of all ledgers. Every verb opens the ledger when it is not open yet.
 *
 * Errors of every verb: `UnknownOutcomeError` when a write was sent and not answered; `ConnectionError` when the
 * ledger could not be reached or did not answer a read; anything else is final.
 */
export abstract class LedgerRepository {
  /** Marks every ledger, whichever copy of this package made it. */
  readonly brand: string = LEDGER_BRAND;
  protected readonly clock: Clock;
  readonly #operationTimeoutMs: number;
  #opening: Promise<void> | undefined;

  protected constructor(options: LedgerRepositoryOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.#operationTimeoutMs = options.operationTimeoutMs ?? DEFAULT_OPERATION_TIMEOUT;
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

  /** The ledger's clock, which all stamps and due times refer to. */
  readTime(params: Bounded = {}): Promise<Date> {
    return this.#run('readTime', 'reads', params, () => this.performReadTime());
  }

  /** Stores new jobs. A job whose unique lock is held is not stored; the holder is the answer. */
  enqueue(params: EnqueueParams): Promise<EnqueueResult> {
    for (const job of params.jobs) checkNewJob(job);
    return this.#run('enqueue', 'writes', params, () => this.performEnqueue(params));
  }

  /** Takes due jobs for an instance: those of the lowest priority number first, of these the earliest due. */
  claim(params: ClaimParams): Promise<ClaimResult> {
    const names = new Set(params.demand.map((demand) => demand.name));
    invariant(names.size === params.demand.length, 'a claim demands a name twice');
    invariant(names.size <= MOST_NAMES_A_CLAIM, 'a claim demands too many names');
    invariant(
      params.demand.every(({ limit }) => limit > 0),
      'a claim demands no job of a name',
    );
    return this.#run('claim', 'writes', params, () => this.performClaim(params));
  }

  /** Reads what a claim won whose answer was lost. Shows only what can no longer be rolled back. */
  readClaim(params: ReadClaimParams): Promise<readonly Job[]> {
    return this.#run('readClaim', 'reads', params, () => this.performReadClaim(params));
  }

  /** Ends claims. Sending the same settlements again is safe and gives the same answers. */
  settle(params: SettleParams): Promise<SettleResult> {
    return this.#run('settle', 'writes', params, async () => {
      const result = await this.performSettle(params);
      invariant(result.answers.length === params.settlements.length, 'a settlement has no answer');
      return result;
    });
  }

  /** Cancels a pending job, or asks for it while it is processing. */
  cancel(params: CancelParams): Promise<CancelResult> {
    return this.#run('cancel', 'writes', params, () => this.performCancel(params));
  }

  /** Deletes a job that is not processing. */
  remove(params: JobParams): Promise<RemoveResult> {
    return this.#run('remove', 'writes', params, () => this.performRemove(params));
  }

  /** Makes a failed or cancelled job pending again, with its unique key if that is free. */
  redrive(params: RedriveParams): Promise<RedriveResult> {
    return this.#run('redrive', 'writes', params, () => this.performRedrive(params));
  }

  /** Changes a pending job. */
  amend(params: AmendParams): Promise<AmendResult> {
    return this.#run('amend', 'writes', params, () => this.performAmend(params));
  }

  /** Gives the job of a series a new plan, while it is pending or processing. */
  replan(params: ReplanParams): Promise<SeriesResult> {
    return this.#run('replan', 'writes', params, () => this.performReplan(params));
  }

  /** Ends a series: its pending job is cancelled, a job that is processing is its last run. */
  endSeries(params: EndSeriesParams): Promise<SeriesResult> {
    return this.#run('endSeries', 'writes', params, () => this.performEndSeries(params));
  }

  /** The unfinished jobs that belong to a series, or hold the key of one. */
  findSeries(params: FindSeriesParams): Promise<readonly Job[]> {
    return this.#run('findSeries', 'reads', params, () => this.performFindSeries(params));
  }

  /** Stores what a handler tells while it runs; false when the claim does not stand any more. */
  note(params: NoteParams): Promise<boolean> {
    return this.#run('note', 'writes', params, () => this.performNote(params));
  }

  /**
   * Ends a claim inside the user's transaction; false when the claim does not stand any more. Errors are those of the
   * driver, as `withTransaction` needs them.
   */
  completeInSession(params: CompleteInSessionParams): Promise<boolean> {
    return this.#run('completeInSession', 'writes', params, () =>
      this.performCompleteInSession(params),
    );
  }

  /** The job with this id, or null. */
  getJob(params: GetJobParams): Promise<Job | null> {
    return this.#run('getJob', 'reads', params, () => this.performGetJob(params));
  }

  /** A page of jobs. */
  findJobs(params: FindJobsParams): Promise<readonly Job[]> {
    return this.#run('findJobs', 'reads', params, () => this.performFindJobs(params));
  }

  /** Counts jobs by name and state, with their waiting and running times. */
  readStats(params: ReadStatsParams): Promise<readonly StatsRow[]> {
    return this.#run('readStats', 'reads', params, () => this.performReadStats(params));
  }

  /** Pauses or resumes a name, for all instances. */
  setPaused(params: SetPausedParams): Promise<void> {
    return this.#run('setPaused', 'writes', params, () => this.performSetPaused(params));
  }

  /** The names that are paused. */
  readPaused(params: Bounded = {}): Promise<readonly string[]> {
    return this.#run('readPaused', 'reads', params, () => this.performReadPaused());
  }

  /** Gives back jobs that are processing for another tool, which keeps no lease, and were locked too long ago. */
  recover(params: RecoverParams): Promise<RecoverResult> {
    return this.#run('recover', 'writes', params, () => this.performRecover(params));
  }

  /** Deletes or archives jobs that finished long ago; one step of a walk in the order of ids. */
  prune(params: PruneParams): Promise<PruneResult> {
    return this.#run('prune', 'writes', params, () => this.performPrune(params));
  }

  /** An early time at which a job of these names becomes due within the window, or null when none does. */
  nextDue(params: NextDueParams): Promise<Date | null> {
    return this.#run('nextDue', 'reads', params, () => this.performNextDue(params));
  }

  /** Writes the first proof of life of an instance. */
  openLease(params: OpenLeaseParams): Promise<void> {
    return this.#run('openLease', 'writes', params, () => this.performOpenLease(params));
  }

  /** Raises the counter; false when the lease is dead or missing. */
  renewLease(params: InstanceParams): Promise<boolean> {
    return this.#run('renewLease', 'writes', params, () => this.performRenewLease(params));
  }

  /** Every lease on record, dead ones too. */
  readLeases(params: Bounded = {}): Promise<readonly LeaseRecord[]> {
    return this.#run('readLeases', 'reads', params, () => this.performReadLeases());
  }

  /** Marks a lease as dead if its counter is still the one that was seen; false when it is not, or was dead before. */
  declareDead(params: DeclareDeadParams): Promise<boolean> {
    return this.#run('declareDead', 'writes', params, () => this.performDeclareDead(params));
  }

  /** Ends the instance's own lease: dead, and off the record once it owns nothing. */
  endLease(params: InstanceParams): Promise<void> {
    return this.#run('endLease', 'writes', params, () => this.performEndLease(params));
  }

  /** Takes a dead lease off the record. The caller has seen that it owns nothing; live leases stay. */
  removeLease(params: InstanceParams): Promise<void> {
    return this.#run('removeLease', 'writes', params, () => this.performRemoveLease(params));
  }

  /** Ids of instances that hold claims, without those the caller knows. */
  findClaimants(params: FindClaimantsParams): Promise<readonly string[]> {
    return this.#run('findClaimants', 'reads', params, () => this.performFindClaimants(params));
  }

  /** The claims that stand under an instance's id. */
  readClaims(params: ReadClaimsParams): Promise<readonly StandingClaim[]> {
    return this.#run('readClaims', 'reads', params, () => this.performReadClaims(params));
  }

  /** Gives back the jobs of an instance whose lease is not live: to pending, to cancelled, or to failed at the limit. */
  rescue(params: RescueParams): Promise<RescueResult> {
    return this.#run('rescue', 'writes', params, () => this.performRescue(params));
  }

  /** Sends hints to the listener until the watch is closed. The listener must not throw. */
  async watch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch> {
    await this.open();
    return this.performWatch(listener);
  }

  protected abstract performOpen(): Promise<void>;
  protected abstract performClose(): Promise<void>;
  protected abstract performReadTime(): Promise<Date>;
  protected abstract performEnqueue(params: EnqueueParams): Promise<EnqueueResult>;
  protected abstract performClaim(params: ClaimParams): Promise<ClaimResult>;
  protected abstract performReadClaim(params: ReadClaimParams): Promise<readonly Job[]>;
  protected abstract performSettle(params: SettleParams): Promise<SettleResult>;
  protected abstract performCancel(params: CancelParams): Promise<CancelResult>;
  protected abstract performRemove(params: JobParams): Promise<RemoveResult>;
  protected abstract performRedrive(params: RedriveParams): Promise<RedriveResult>;
  protected abstract performAmend(params: AmendParams): Promise<AmendResult>;
  protected abstract performReplan(params: ReplanParams): Promise<SeriesResult>;
  protected abstract performEndSeries(params: EndSeriesParams): Promise<SeriesResult>;
  protected abstract performFindSeries(params: FindSeriesParams): Promise<readonly Job[]>;
  protected abstract performNote(params: NoteParams): Promise<boolean>;
  protected abstract performCompleteInSession(params: CompleteInSessionParams): Promise<boolean>;
  protected abstract performGetJob(params: GetJobParams): Promise<Job | null>;
  protected abstract performFindJobs(params: FindJobsParams): Promise<readonly Job[]>;
  protected abstract performReadStats(params: ReadStatsParams): Promise<readonly StatsRow[]>;
  protected abstract performSetPaused(params: SetPausedParams): Promise<void>;
  protected abstract performReadPaused(): Promise<readonly string[]>;
  protected abstract performRecover(params: RecoverParams): Promise<RecoverResult>;
  protected abstract performPrune(params: PruneParams): Promise<PruneResult>;
  protected abstract performNextDue(params: NextDueParams): Promise<Date | null>;
  protected abstract performOpenLease(params: OpenLeaseParams): Promise<void>;
  protected abstract performRenewLease(params: InstanceParams): Promise<boolean>;
  protected abstract performReadLeases(): Promise<readonly LeaseRecord[]>;
  protected abstract performDeclareDead(params: DeclareDeadParams): Promise<boolean>;
  protected abstract performEndLease(params: InstanceParams): Promise<void>;
  protected abstract performRemoveLease(params: InstanceParams): Promise<void>;
  protected abstract performFindClaimants(params: FindClaimantsParams): Promise<readonly string[]>;
  protected abstract performReadClaims(params: ReadClaimsParams): Promise<readonly StandingClaim[]>;
  protected abstract performRescue(params: RescueParams): Promise<RescueResult>;
  protected abstract performWatch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch>;

  async #run<T>(
    verb: string,
    effect: Effect,
    { deadlineMs = this.#operationTimeoutMs }: Bounded,
    perform: () => Promise<T>,
  ): Promise<T> {
    await withDeadline(
      this.clock,
      this.open(),
      this.#operationTimeoutMs,
      () => new ConnectionError(`The ledger did not open within ${this.#operationTimeoutMs} ms`),
    );
    const message = `The ledger did not answer ${verb} within ${deadlineMs} ms`;
    return withDeadline(this.clock, perform(), deadlineMs, () =>
      effect === 'writes' ? new UnknownOutcomeError(message) : new ConnectionError(message),
    );
  }
}

/** True for a ledger of this or another copy of this package. */
export function isLedgerRepository(value: unknown): value is LedgerRepository {
  return (
    typeof value === 'object' && value !== null && 'brand' in value && value.brand === LEDGER_BRAND
  );
}

function checkNewJob(job: Job): void {
  invariant(job.status === 'pending', 'a new job is pending');
  invariant(job.fence === 0 && job.failCount === 0, 'a new job was never claimed');
  invariant(Number.isInteger(job.priority), 'a priority is an integer');
  invariant(!Number.isNaN(job.nextRunAt.getTime()), 'a due time is a time');
}
