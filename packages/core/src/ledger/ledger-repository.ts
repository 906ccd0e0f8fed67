/**
 * The contract of a ledger: the record of all jobs, and the only thing that changes their state.
 *
 * Verbs are batch first. Each takes one params object and gives one named result; the ledger's time is always passed
 * in, times are absolute. A verb that does not apply changes nothing and says so. The base class checks and bounds
 * every call; an implementation writes the `perform` methods and only stores.
 *
 * @module
 */
import { invariant } from '../errors.ts';
import type { Job } from '../job.ts';
import { LEDGER_BRAND, LedgerStore } from './ledger-store.ts';
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

export type { LedgerHealth } from './ledger-record.ts';
export {
  DEFAULT_OPERATION_TIMEOUT,
  type LedgerMetrics,
  type LedgerRepositoryOptions,
} from './ledger-store.ts';
export type * from './ledger-verbs.ts';

/** From this many rescues on a job is a suspect: it is claimed alone. */
export const SUSPECT_RESCUE_COUNT = 2;

/** The most names one claim looks for. More would turn its merge of sorted scans into a blocking sort. */
export const MOST_NAMES_A_CLAIM = 200;

/**
 * Base class of all ledgers. Every verb opens the ledger when it is not open yet.
 *
 * Errors of every verb: `UnknownOutcomeError` when a write was sent and not answered; `ConnectionError` when the
 * ledger could not be reached or did not answer a read; anything else is final.
 */
export abstract class LedgerRepository extends LedgerStore {
  /** The ledger's clock, which all stamps and due times refer to. */
  readTime(params: Bounded = {}): Promise<Date> {
    return this.run('readTime', 'reads', params, () => this.performReadTime());
  }

  /** Stores new jobs. A job whose unique lock is held is not stored; the holder is the answer. */
  enqueue(params: EnqueueParams): Promise<EnqueueResult> {
    for (const job of params.jobs) checkNewJob(job);
    return this.run('enqueue', 'writes', params, () => this.performEnqueue(params));
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
    return this.run('claim', 'writes', params, () => this.performClaim(params));
  }

  /** Reads what a claim won whose answer was lost. Shows only what can no longer be rolled back. */
  readClaim(params: ReadClaimParams): Promise<readonly Job[]> {
    return this.run('readClaim', 'reads', params, () => this.performReadClaim(params));
  }

  /** Ends claims. Sending the same settlements again is safe and gives the same answers. */
  settle(params: SettleParams): Promise<SettleResult> {
    return this.run('settle', 'writes', params, async () => {
      const result = await this.performSettle(params);
      invariant(result.answers.length === params.settlements.length, 'a settlement has no answer');
      return result;
    });
  }

  /** Cancels a pending job, or asks for it while it is processing. */
  cancel(params: CancelParams): Promise<CancelResult> {
    return this.run('cancel', 'writes', params, () => this.performCancel(params));
  }

  /** Deletes a job that is not processing. */
  remove(params: JobParams): Promise<RemoveResult> {
    return this.run('remove', 'writes', params, () => this.performRemove(params));
  }

  /** Makes a failed or cancelled job pending again, with its unique key if that is free. */
  redrive(params: RedriveParams): Promise<RedriveResult> {
    return this.run('redrive', 'writes', params, () => this.performRedrive(params));
  }

  /** Changes a pending job. */
  amend(params: AmendParams): Promise<AmendResult> {
    return this.run('amend', 'writes', params, () => this.performAmend(params));
  }

  /** Gives the job of a series a new plan, while it is pending or processing. */
  replan(params: ReplanParams): Promise<SeriesResult> {
    return this.run('replan', 'writes', params, () => this.performReplan(params));
  }

  /** Ends a series: its pending job is cancelled, a job that is processing is its last run. */
  endSeries(params: EndSeriesParams): Promise<SeriesResult> {
    return this.run('endSeries', 'writes', params, () => this.performEndSeries(params));
  }

  /** The unfinished jobs that belong to a series, or hold the key of one. */
  findSeries(params: FindSeriesParams): Promise<readonly Job[]> {
    return this.run('findSeries', 'reads', params, () => this.performFindSeries(params));
  }

  /** Stores what a handler tells while it runs; false when the claim does not stand any more. */
  note(params: NoteParams): Promise<boolean> {
    return this.run('note', 'writes', params, () => this.performNote(params));
  }

  /**
   * Ends a claim inside the user's transaction; false when the claim does not stand any more. Errors are those of the
   * driver, as `withTransaction` needs them.
   */
  completeInSession(params: CompleteInSessionParams): Promise<boolean> {
    return this.run('completeInSession', 'writes', params, () =>
      this.performCompleteInSession(params),
    );
  }

  /** The job with this id, or null. */
  getJob(params: GetJobParams): Promise<Job | null> {
    return this.run('getJob', 'reads', params, () => this.performGetJob(params));
  }

  /** A page of jobs. */
  findJobs(params: FindJobsParams): Promise<readonly Job[]> {
    return this.run('findJobs', 'reads', params, () => this.performFindJobs(params));
  }

  /** Counts jobs by name and state, with their waiting and running times. */
  readStats(params: ReadStatsParams): Promise<readonly StatsRow[]> {
    return this.run('readStats', 'reads', params, () => this.performReadStats(params));
  }

  /** Pauses or resumes a name, for all instances. */
  setPaused(params: SetPausedParams): Promise<void> {
    return this.run('setPaused', 'writes', params, () => this.performSetPaused(params));
  }

  /** The names that are paused. */
  readPaused(params: Bounded = {}): Promise<readonly string[]> {
    return this.run('readPaused', 'reads', params, () => this.performReadPaused());
  }

  /** Gives back jobs that are processing for another tool, which keeps no lease, and were locked too long ago. */
  recover(params: RecoverParams): Promise<RecoverResult> {
    return this.run('recover', 'writes', params, () => this.performRecover(params));
  }

  /** Deletes or archives jobs that finished long ago; one step of a walk in the order of ids. */
  prune(params: PruneParams): Promise<PruneResult> {
    return this.run('prune', 'writes', params, () => this.performPrune(params));
  }

  /** An early time at which a job of these names becomes due within the window, or null when none does. */
  nextDue(params: NextDueParams): Promise<Date | null> {
    return this.run('nextDue', 'reads', params, () => this.performNextDue(params));
  }

  /** Writes the first proof of life of an instance. */
  openLease(params: OpenLeaseParams): Promise<void> {
    return this.run('openLease', 'writes', params, () => this.performOpenLease(params));
  }

  /** Raises the counter; false when the lease is dead or missing. */
  renewLease(params: InstanceParams): Promise<boolean> {
    return this.run('renewLease', 'writes', params, () => this.performRenewLease(params));
  }

  /** Every lease on record, dead ones too. */
  readLeases(params: Bounded = {}): Promise<readonly LeaseRecord[]> {
    return this.run('readLeases', 'reads', params, () => this.performReadLeases());
  }

  /** Marks a lease as dead if its counter is still the one that was seen; false when it is not, or was dead before. */
  declareDead(params: DeclareDeadParams): Promise<boolean> {
    return this.run('declareDead', 'writes', params, () => this.performDeclareDead(params));
  }

  /** Ends the instance's own lease: dead, and off the record once it owns nothing. */
  endLease(params: InstanceParams): Promise<void> {
    return this.run('endLease', 'writes', params, () => this.performEndLease(params));
  }

  /** Takes a dead lease off the record. The caller has seen that it owns nothing; live leases stay. */
  removeLease(params: InstanceParams): Promise<void> {
    return this.run('removeLease', 'writes', params, () => this.performRemoveLease(params));
  }

  /** Ids of instances that hold claims, without those the caller knows. */
  findClaimants(params: FindClaimantsParams): Promise<readonly string[]> {
    return this.run('findClaimants', 'reads', params, () => this.performFindClaimants(params));
  }

  /** The claims that stand under an instance's id. */
  readClaims(params: ReadClaimsParams): Promise<readonly StandingClaim[]> {
    return this.run('readClaims', 'reads', params, () => this.performReadClaims(params));
  }

  /** Gives back the jobs of an instance whose lease is not live: to pending, to cancelled, or to failed at the limit. */
  rescue(params: RescueParams): Promise<RescueResult> {
    return this.run('rescue', 'writes', params, () => this.performRescue(params));
  }

  /** Sends hints to the listener until the watch is closed. The listener must not throw. */
  async watch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch> {
    await this.open();
    return this.performWatch(listener);
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
