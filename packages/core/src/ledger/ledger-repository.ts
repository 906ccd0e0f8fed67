/**
 * The contract of a ledger: the record of all jobs, and the only thing that changes their state.
 *
 * Verbs are batch first. Each takes one params object and gives one named result; the ledger's time is always passed
 * in, times are absolute. A verb that does not apply changes nothing and says so. The base class checks and bounds
 * every call; an implementation writes the `perform` methods and only stores.
 *
 * @module
 */
import { invariant } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import { LEDGER_BRAND, LedgerStore } from './ledger-base.ts';
import { tellRefusedSettlements, tellRefusedStage } from './rules/guard-refusals.ts';
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
import { type Actor, boundTo, checkActor } from './views/actor-view.ts';

export {
  DEFAULT_OPERATION_TIMEOUT,
  type LedgerMetrics,
  type LedgerRepositoryOptions,
} from './ledger-base.ts';
export type { LedgerHealth } from './ledger-calls.ts';
export type * from './verbs/ledger-verbs.ts';
export type { Access, AccessQuestion, Actor } from './views/actor-view.ts';
export type { LedgerVerb } from './views/ledger-view.ts';

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
  readonly #read = (params: GetJobParams): Promise<Job | null> => this.performGetJob(params);

  /**
   * This ledger as an actor may use it: the hook `access.may` is asked before each verb, and what is done by hand bears
   * the id of the actor in the history. A view of a view asks for both actors, and the first is the one that stands in
   * the history.
   *
   * @throws InvalidArgumentError when it is no actor; the verbs throw AccessDeniedError
   */
  as(actor: Actor): LedgerRepository {
    return boundTo(this, checkActor('actor', actor), this.access);
  }

  /** The ledger's clock, which all stamps and due times refer to. */
  readTime(params: Bounded = {}): Promise<Date> {
    return this.run('readTime', 'reads', params, () => this.performReadTime());
  }

  /** Stores new jobs. A job whose unique lock is held is not stored; the holder is the answer. */
  enqueue(params: EnqueueParams): Promise<EnqueueResult> {
    for (const job of params.jobs) checkNewJob(job);
    return this.run('enqueue', 'writes', params, () =>
      this.invariants.enqueue(params, (part) => this.performEnqueue(part)),
    );
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
      const { answers, refusals } = await this.invariants.settle(params, (part) =>
        this.performSettle(part),
      );
      const { settlements } = params;
      invariant(answers.length === settlements.length, 'a settlement has no answer');
      if (answers.includes('refused')) {
        const ofGuards = settlements.filter(
          (_, index) => answers[index] === 'refused' && !refusals?.has(index),
        );
        await tellRefusedSettlements(this.invariants, this.#read, ofGuards);
      }
      return { answers };
    });
  }

  /** Cancels a pending job, or asks for it while it is processing. */
  cancel(params: CancelParams): Promise<CancelResult> {
    return this.run('cancel', 'writes', params, () => this.performCancel(params));
  }

  /** Deletes a job that is not processing. */
  remove(params: RemoveParams): Promise<RemoveResult> {
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
   * Records a finished stage under the claim it ran under, if the stages before it and no others are recorded and the
   * gates before it are open. Sending the same record again is safe and gives the same answer.
   */
  checkpoint(params: CheckpointParams): Promise<CheckpointResult> {
    const { record, stagesBefore } = params;
    invariant(!stagesBefore.includes(record.name), 'a stage comes before itself');
    return this.run('checkpoint', 'writes', params, async () => {
      const result = await this.performCheckpoint(params);
      if (result.outcome === 'refused') {
        await tellRefusedStage(this.invariants, this.#read, 'checkpoint', params);
      }
      return result;
    });
  }

  /** Opens a gate of a job that is not finished; the job becomes pending if it waits there. The first evidence stays. */
  openGate(params: OpenGateParams): Promise<OpenGateResult> {
    return this.run('openGate', 'writes', params, () => this.performOpenGate(params));
  }

  /** Fails jobs that wait at a gate which was not opened in time; the job of a series goes on with its next run. */
  expireGates(params: ExpireGatesParams): Promise<ExpireGatesResult> {
    return this.run('expireGates', 'writes', params, () => this.performExpireGates(params));
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

  /** Changes keys of the metadata of a job, whatever state it is in; the others stay. */
  setMetadata(params: SetMetadataParams): Promise<SetMetadataResult> {
    return this.run('setMetadata', 'writes', params, () => this.performSetMetadata(params));
  }

  /** Changes fields of a job that break a rule, if the job is still as it was seen; its state stays. */
  mend(params: MendParams): Promise<MendResult> {
    return this.run('mend', 'writes', params, () => this.performMend(params));
  }

  /**
   * What happened to a job, the oldest first: every transition where the ledger keeps a log of them, else what stands
   * in the job itself, also in the archive. Nothing for a job that is not known.
   */
  readHistory(params: ReadHistoryParams): Promise<readonly TransitionEntry[]> {
    return this.run('readHistory', 'reads', params, () => this.performReadHistory(params));
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

  /** Raises the counter, and notes what the instance says of itself; false when the lease is dead or missing. */
  renewLease(params: RenewLeaseParams): Promise<boolean> {
    return this.run('renewLease', 'writes', params, () => this.performRenewLease(params));
  }

  /** Every lease on record, dead ones too; without what the instances say of themselves, unless that is asked for. */
  readLeases(params: ReadLeasesParams = {}): Promise<readonly LeaseRecord[]> {
    return this.run('readLeases', 'reads', params, () => this.performReadLeases(params));
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

  /** Counts the claims that stand under an instance's id, up to a limit. */
  countClaims(params: CountClaimsParams): Promise<ClaimCounts> {
    return this.run('countClaims', 'reads', params, () => this.performCountClaims(params));
  }

  /** Counts the due jobs of each name that has pending ones, up to a bound. */
  countDue(params: CountDueParams): Promise<CountDueResult> {
    return this.run('countDue', 'reads', params, () => this.performCountDue(params));
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
