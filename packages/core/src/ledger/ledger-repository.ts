/**
 * The contract of a ledger: the record of all jobs, and the only thing that changes their state.
 *
 * What each verb promises stands in {@link LedgerVerbs}. The base class checks and bounds every call; an implementation
 * writes the `perform` methods and only stores.
 *
 * @module
 */
import { invariant } from '../foundation/errors.ts';
import { isClaimed, type Job } from '../job/job.ts';
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
import type { LedgerVerbs } from './verbs/verb-table.ts';
import { type Actor, boundTo, checkActor } from './views/actor-view.ts';

export {
  DEFAULT_OPERATION_TIMEOUT,
  type LedgerMetrics,
  type LedgerRepositoryOptions,
} from './ledger-base.ts';
export type { LedgerHealth } from './ledger-calls.ts';
export type * from './verbs/ledger-verbs.ts';
export type { LedgerVerb, LedgerVerbs, ParamsOf, ResultOf } from './verbs/verb-table.ts';
export type { Access, AccessQuestion, Actor } from './views/actor-view.ts';

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
export abstract class LedgerRepository extends LedgerStore implements LedgerVerbs {
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

  readTime(params: Bounded = {}): Promise<Date> {
    return this.run('readTime', params, () => this.performReadTime());
  }

  enqueue(params: EnqueueParams): Promise<EnqueueResult> {
    for (const job of params.jobs) checkNewJob(job);
    return this.run('enqueue', params, () =>
      this.invariants.enqueue(params, (part) => this.performEnqueue(part)),
    );
  }

  claim(params: ClaimParams): Promise<ClaimResult> {
    const names = new Set(params.demand.map((demand) => demand.name));
    invariant(names.size === params.demand.length, 'a claim demands a name twice');
    invariant(names.size <= MOST_NAMES_A_CLAIM, 'a claim demands too many names');
    invariant(
      params.demand.every(({ limit }) => limit > 0),
      'a claim demands no job of a name',
    );
    return this.run('claim', params, () => this.performClaim(params));
  }

  readClaim(params: ReadClaimParams): Promise<readonly Job[]> {
    return this.run('readClaim', params, () => this.performReadClaim(params));
  }

  settle(params: SettleParams): Promise<SettleResult> {
    return this.run('settle', params, async () => {
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

  cancel(params: CancelParams): Promise<CancelResult> {
    return this.run('cancel', params, () => this.performCancel(params));
  }

  remove(params: RemoveParams): Promise<RemoveResult> {
    return this.run('remove', params, () => this.performRemove(params));
  }

  redrive(params: RedriveParams): Promise<RedriveResult> {
    return this.run('redrive', params, () => this.performRedrive(params));
  }

  amend(params: AmendParams): Promise<AmendResult> {
    return this.run('amend', params, () => this.performAmend(params));
  }

  replan(params: ReplanParams): Promise<SeriesResult> {
    return this.run('replan', params, () => this.performReplan(params));
  }

  endSeries(params: EndSeriesParams): Promise<SeriesResult> {
    return this.run('endSeries', params, () => this.performEndSeries(params));
  }

  findSeries(params: FindSeriesParams): Promise<readonly Job[]> {
    return this.run('findSeries', params, () => this.performFindSeries(params));
  }

  note(params: NoteParams): Promise<boolean> {
    return this.run('note', params, () => this.performNote(params));
  }

  checkpoint(params: CheckpointParams): Promise<CheckpointResult> {
    const { record, stagesBefore } = params;
    invariant(!stagesBefore.includes(record.name), 'a stage comes before itself');
    return this.run('checkpoint', params, async () => {
      const result = await this.performCheckpoint(params);
      if (result.outcome === 'refused') {
        await tellRefusedStage(this.invariants, this.#read, 'checkpoint', params);
      }
      return result;
    });
  }

  openGate(params: OpenGateParams): Promise<OpenGateResult> {
    return this.run('openGate', params, () => this.performOpenGate(params));
  }

  expireGates(params: ExpireGatesParams): Promise<ExpireGatesResult> {
    return this.run('expireGates', params, () => this.performExpireGates(params));
  }

  completeInSession(params: CompleteInSessionParams): Promise<boolean> {
    return this.run('completeInSession', params, () => this.performCompleteInSession(params));
  }

  setMetadata(params: SetMetadataParams): Promise<SetMetadataResult> {
    return this.run('setMetadata', params, () => this.performSetMetadata(params));
  }

  mend(params: MendParams): Promise<MendResult> {
    return this.run('mend', params, () => this.performMend(params));
  }

  readHistory(params: ReadHistoryParams): Promise<readonly TransitionEntry[]> {
    return this.run('readHistory', params, () => this.performReadHistory(params));
  }

  getJob(params: GetJobParams): Promise<Job | null> {
    return this.run('getJob', params, () => this.performGetJob(params));
  }

  findJobs(params: FindJobsParams): Promise<readonly Job[]> {
    return this.run('findJobs', params, () => this.performFindJobs(params));
  }

  readStats(params: ReadStatsParams): Promise<readonly StatsRow[]> {
    return this.run('readStats', params, () => this.performReadStats(params));
  }

  setPaused(params: SetPausedParams): Promise<void> {
    return this.run('setPaused', params, () => this.performSetPaused(params));
  }

  readPaused(params: Bounded = {}): Promise<readonly string[]> {
    return this.run('readPaused', params, () => this.performReadPaused());
  }

  recover(params: RecoverParams): Promise<RecoverResult> {
    return this.run('recover', params, () => this.performRecover(params));
  }

  prune(params: PruneParams): Promise<PruneResult> {
    return this.run('prune', params, () => this.performPrune(params));
  }

  nextDue(params: NextDueParams): Promise<Date | null> {
    return this.run('nextDue', params, () => this.performNextDue(params));
  }

  openLease(params: OpenLeaseParams): Promise<void> {
    return this.run('openLease', params, () => this.performOpenLease(params));
  }

  renewLease(params: RenewLeaseParams): Promise<boolean> {
    return this.run('renewLease', params, () => this.performRenewLease(params));
  }

  readLeases(params: ReadLeasesParams = {}): Promise<readonly LeaseRecord[]> {
    return this.run('readLeases', params, () => this.performReadLeases(params));
  }

  declareDead(params: DeclareDeadParams): Promise<boolean> {
    return this.run('declareDead', params, () => this.performDeclareDead(params));
  }

  endLease(params: InstanceParams): Promise<void> {
    return this.run('endLease', params, () => this.performEndLease(params));
  }

  removeLease(params: InstanceParams): Promise<void> {
    return this.run('removeLease', params, () => this.performRemoveLease(params));
  }

  findClaimants(params: FindClaimantsParams): Promise<readonly string[]> {
    return this.run('findClaimants', params, () => this.performFindClaimants(params));
  }

  readClaims(params: ReadClaimsParams): Promise<readonly StandingClaim[]> {
    return this.run('readClaims', params, () => this.performReadClaims(params));
  }

  countClaims(params: CountClaimsParams): Promise<ClaimCounts> {
    return this.run('countClaims', params, () => this.performCountClaims(params));
  }

  countDue(params: CountDueParams): Promise<CountDueResult> {
    return this.run('countDue', params, () => this.performCountDue(params));
  }

  rescue(params: RescueParams): Promise<RescueResult> {
    return this.run('rescue', params, () => this.performRescue(params));
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
  const wasClaimed = isClaimed(job);
  const status = wasClaimed ? 'processing' : 'pending';
  invariant(job.status === status, 'a new job is pending, or claimed by who stores it');
  invariant(job.fence === (wasClaimed ? 1 : 0), 'a new job was never claimed before');
  invariant(job.failCount === 0, 'a new job never failed');
  invariant(Number.isInteger(job.priority), 'a priority is an integer');
  invariant(!Number.isNaN(job.nextRunAt.getTime()), 'a due time is a time');
}
