/**
 * The verbs of a ledger: what can be done to its jobs and its leases, each with what it takes and gives. What stands
 * before a ledger or measures it is written once for all of them, by this list.
 *
 * Each verb takes one params object and gives one named result; the ledger's time is always passed in, times are
 * absolute. A verb that does not apply changes nothing and says so.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import {
  all,
  type Concern,
  jobAndName,
  nameOrAll,
  namesOf,
  namesOfDemand,
  namesOrAll,
  oneJob,
} from './concerns.ts';
import type { AnyPlaces, JobPlaces } from './job-places.ts';
import type {
  AmendParams,
  AmendResult,
  BackOffParams,
  Bounded,
  CancelParams,
  CancelResult,
  CheckpointParams,
  CheckpointResult,
  ClaimCounts,
  ClaimParams,
  ClaimResult,
  CompleteInSessionParams,
  CountClaimsParams,
  CountDueParams,
  CountDueResult,
  CountJobsParams,
  DeclareDeadParams,
  EndSeriesParams,
  EnqueueParams,
  EnqueueResult,
  ExpireGatesParams,
  ExpireGatesResult,
  FindClaimantsParams,
  FindJobsParams,
  FindSeriesParams,
  FlowVerbs,
  GetJobParams,
  GroupVerbs,
  InstanceParams,
  LaneVerbs,
  LeaseRecord,
  LimitRecord,
  NextDueParams,
  NoteParams,
  OpenGateParams,
  OpenGateResult,
  OpenLeaseParams,
  PauseVerbs,
  PruneParams,
  PruneResult,
  ReadClaimParams,
  ReadClaimsParams,
  ReadHistoryParams,
  ReadLeasesParams,
  ReadStatsParams,
  RecoverParams,
  RecoverResult,
  RedriveParams,
  RedriveResult,
  RemoveParams,
  RemoveResult,
  RenewLeaseParams,
  RepairParams,
  RepairResult,
  ReplanParams,
  RescueParams,
  RescueResult,
  SeriesResult,
  SetLimitParams,
  SetMetadataParams,
  SetMetadataResult,
  SettleParams,
  SettleResult,
  StandingClaim,
  StatsRow,
  TakeShareParams,
  TakeShareResult,
  ThroughputVerbs,
  TransitionEntry,
} from './params-and-answers.ts';

/** The verbs on the jobs themselves: what the author of a ledger writes first. */
export interface JobVerbs {
  /** Stores new jobs. A job whose unique lock is held is not stored; the holder is the answer. */
  enqueue(params: EnqueueParams): Promise<EnqueueResult>;

  /** Takes due jobs for an instance: those of the lowest priority number first, of these the earliest due. */
  claim(params: ClaimParams): Promise<ClaimResult>;

  /** Ends claims. Sending the same settlements again is safe and gives the same answers. */
  settle(params: SettleParams): Promise<SettleResult>;

  /** Stores what a handler reports while it runs; false when the claim does not stand any more. */
  note(params: NoteParams): Promise<boolean>;

  /**
   * Ends a claim inside the user's transaction; false when the claim does not stand any more. Errors are those of the
   * driver, as `withTransaction` needs them.
   */
  completeInSession(params: CompleteInSessionParams): Promise<boolean>;

  /** Cancels a pending job, or asks for it while it is processing. */
  cancel(params: CancelParams): Promise<CancelResult>;

  /** Deletes a job that is not processing. */
  remove(params: RemoveParams): Promise<RemoveResult>;

  /** Makes a failed or cancelled job pending again, with its unique key if that is free. */
  redrive(params: RedriveParams): Promise<RedriveResult>;

  /** Changes a pending job. */
  amend(params: AmendParams): Promise<AmendResult>;

  /** Gives the job of a series a new plan, while it is pending or processing. */
  replan(params: ReplanParams): Promise<SeriesResult>;

  /** Ends a series: its pending job is cancelled, a job that is processing is its last run. */
  endSeries(params: EndSeriesParams): Promise<SeriesResult>;

  /** The unfinished jobs that belong to a series, or hold the key of one. */
  findSeries(params: FindSeriesParams): Promise<readonly Job[]>;

  /**
   * Records a finished stage under the claim it ran under, if the stages before it and no others are recorded and the
   * gates before it are open. Sending the same record again is safe and gives the same answer.
   */
  checkpoint(params: CheckpointParams): Promise<CheckpointResult>;

  /** Opens a gate of a job that is not finished; the job becomes pending if it waits there. The first evidence stays. */
  openGate(params: OpenGateParams): Promise<OpenGateResult>;

  /** Fails jobs that wait at a gate which was not opened in time; the job of a series goes on with its next run. */
  expireGates(params: ExpireGatesParams): Promise<ExpireGatesResult>;

  /** Changes keys of the metadata of a job, whatever state it is in; the others stay. */
  setMetadata(params: SetMetadataParams): Promise<SetMetadataResult>;

  /** Changes fields of a job that break a rule, if the job is still as it was seen; its state stays. */
  repair(params: RepairParams): Promise<RepairResult>;

  /**
   * What happened to a job, the oldest first: every transition where the ledger keeps a log of them, else what stands
   * in the job itself, also in the archive. Nothing for a job that is not known.
   */
  readHistory(params: ReadHistoryParams): Promise<readonly TransitionEntry[]>;

  /** The job with this id, or null. */
  getJob(params: GetJobParams): Promise<Job | null>;

  /** A page of jobs. */
  findJobs(params: FindJobsParams): Promise<readonly Job[]>;

  /** An early time at which a job of these names becomes due within the window, or null when none does. */
  nextDue(params: NextDueParams): Promise<Date | null>;

  /** Deletes or archives jobs that finished long ago; one step of a walk in the order of ids. */
  prune(params: PruneParams): Promise<PruneResult>;

  /** Gives back the jobs of an instance whose lease is not live: to pending, to cancelled, or to failed at the limit. */
  rescue(params: RescueParams): Promise<RescueResult>;

  /** Gives back jobs that are processing for another tool, which keeps no lease, and were locked too long ago. */
  recover(params: RecoverParams): Promise<RecoverResult>;
}

/** The claims that stand, as those read them who lost an answer or take claims from the dead. */
export interface ClaimVerbs {
  /** Reads what a claim won whose answer was lost. Shows only what can no longer be rolled back. */
  readClaim(params: ReadClaimParams): Promise<readonly Job[]>;

  /** The claims that stand under an instance's id. */
  readClaims(params: ReadClaimsParams): Promise<readonly StandingClaim[]>;

  /** Counts the claims that stand under an instance's id, up to a limit. */
  countClaims(params: CountClaimsParams): Promise<ClaimCounts>;

  /** Ids of instances that hold claims, without those the caller knows. */
  findClaimants(params: FindClaimantsParams): Promise<readonly string[]>;
}

/** What people count, whatever the engine does. */
export interface CountVerbs {
  /** Counts jobs by name and state, with their waiting and running times. */
  readStats(params: ReadStatsParams): Promise<readonly StatsRow[]>;

  /** Counts the jobs of a filter, up to a limit. */
  countJobs(params: CountJobsParams): Promise<number>;

  /** Counts the due jobs of each name that has pending ones, up to a bound. */
  countDue(params: CountDueParams): Promise<CountDueResult>;
}

/** The proofs of life of the instances. */
export interface LeaseVerbs {
  /** Writes the first proof of life of an instance. */
  openLease(params: OpenLeaseParams): Promise<void>;

  /** Raises the counter, and notes what the instance says of itself; false when the lease is dead or missing. */
  renewLease(params: RenewLeaseParams): Promise<boolean>;

  /** Every lease on record, dead ones too; without what the instances say of themselves, unless that is asked for. */
  readLeases(params?: ReadLeasesParams): Promise<readonly LeaseRecord[]>;

  /** Marks a lease as dead if its counter is still the one that was seen; false when it is not, or was dead before. */
  declareDead(params: DeclareDeadParams): Promise<boolean>;

  /** Ends the instance's own lease: dead, and off the record once it owns nothing. */
  endLease(params: InstanceParams): Promise<void>;

  /** Takes a dead lease off the record. The caller has seen that it owns nothing; live leases stay. */
  removeLease(params: InstanceParams): Promise<void>;
}

/** The limits that names share, and the shares that instances hold of them. */
export interface LimitVerbs {
  /** Makes a limit, or changes what it allows, for all instances. Shares stay as they are, also those beyond it. */
  setLimit(params: SetLimitParams): Promise<void>;

  /** Every limit with its shares, by key. */
  readLimits(params?: Bounded): Promise<readonly LimitRecord[]>;

  /**
   * Sets what an instance holds of a limit: less is given back, and of more it gets what is free; with it come starts of
   * the rate, by the ledger's clock. Only the newest call of an instance counts.
   */
  takeShare(params: TakeShareParams): Promise<TakeShareResult>;

  /** Takes all shares of an instance back whose lease is not live and which holds no claim; false when that is not so. */
  freeShares(params: InstanceParams): Promise<boolean>;

  /** Lets nothing under a limit start before a time; false when there is no such limit. */
  backOff(params: BackOffParams): Promise<boolean>;
}

/** The clock. */
export interface ClockVerbs {
  /** The ledger's clock, which all stamps and due times refer to. */
  readTime(params?: Bounded): Promise<Date>;
}

/** Every verb of a ledger. */
export interface LedgerVerbs
  extends JobVerbs,
    ClaimVerbs,
    CountVerbs,
    LeaseVerbs,
    LaneVerbs,
    GroupVerbs,
    FlowVerbs,
    PauseVerbs,
    LimitVerbs,
    ThroughputVerbs,
    ClockVerbs {}

/** The name of a verb. */
export type LedgerVerb = keyof LedgerVerbs;

/** What a verb is given. */
export type ParamsOf<V extends LedgerVerb> = NonNullable<Parameters<LedgerVerbs[V]>[0]>;

/** What a verb answers. */
export type AnswerOf<V extends LedgerVerb> = Awaited<ReturnType<LedgerVerbs[V]>>;

/** Sends a verb on, with the parameters that were given or others. */
export type Next<V extends LedgerVerb> = (params: ParamsOf<V>) => Promise<AnswerOf<V>>;

/** What is said of a verb. */
export interface VerbRow<V extends LedgerVerb> {
  /** Late, a read is answered with a connection error, and a write with an unknown outcome. */
  readonly effect: 'reads' | 'writes';
  /** The names or the jobs that whoever acts is asked about. */
  readonly concerns: (params: ParamsOf<V>) => Concern;
  /** Where the answer holds jobs. */
  readonly jobs: JobPlaces<AnswerOf<V>>;
}

const LIST = { each: 'job' } as const;
const JOB_FIELD = { fields: { job: 'job' } } as const;
const HALTED = { fields: { halted: LIST } } as const;

/** Every verb, with all that stands around it needs to know. */
export const VERB_ROWS: { readonly [V in LedgerVerb]: VerbRow<V> } = {
  enqueue: {
    effect: 'writes',
    concerns: ({ jobs }) => namesOf(jobs),
    jobs: { fields: { answers: { each: JOB_FIELD } } },
  },
  claim: {
    effect: 'writes',
    concerns: namesOfDemand,
    jobs: { fields: { jobs: LIST } },
  },
  settle: {
    effect: 'writes',
    concerns: ({ settlements }) => ({ jobIds: settlements.map(({ jobId }) => jobId) }),
    jobs: 'none',
  },
  note: { effect: 'writes', concerns: oneJob, jobs: 'none' },
  completeInSession: {
    effect: 'writes',
    concerns: ({ settlement }) => oneJob(settlement),
    jobs: 'none',
  },
  cancel: { effect: 'writes', concerns: oneJob, jobs: JOB_FIELD },
  remove: { effect: 'writes', concerns: oneJob, jobs: JOB_FIELD },
  redrive: { effect: 'writes', concerns: oneJob, jobs: { fields: { job: 'job', holder: 'job' } } },
  amend: { effect: 'writes', concerns: oneJob, jobs: JOB_FIELD },
  replan: { effect: 'writes', concerns: oneJob, jobs: JOB_FIELD },
  endSeries: { effect: 'writes', concerns: oneJob, jobs: JOB_FIELD },
  findSeries: { effect: 'reads', concerns: nameOrAll, jobs: LIST },
  checkpoint: { effect: 'writes', concerns: jobAndName, jobs: 'none' },
  openGate: { effect: 'writes', concerns: jobAndName, jobs: JOB_FIELD },
  expireGates: { effect: 'writes', concerns: all, jobs: HALTED },
  setMetadata: { effect: 'writes', concerns: oneJob, jobs: JOB_FIELD },
  repair: { effect: 'writes', concerns: oneJob, jobs: JOB_FIELD },
  readHistory: { effect: 'reads', concerns: oneJob, jobs: 'none' },
  getJob: { effect: 'reads', concerns: oneJob, jobs: 'job' },
  findJobs: {
    effect: 'reads',
    concerns: ({ filter }) => namesOrAll(filter),
    jobs: LIST,
  },
  nextDue: { effect: 'reads', concerns: ({ names }) => ({ names }), jobs: 'none' },
  prune: { effect: 'writes', concerns: all, jobs: 'none' },
  rescue: { effect: 'writes', concerns: all, jobs: HALTED },
  recover: { effect: 'writes', concerns: all, jobs: 'none' },
  readClaim: { effect: 'reads', concerns: all, jobs: LIST },
  readClaims: { effect: 'reads', concerns: all, jobs: 'none' },
  countClaims: { effect: 'reads', concerns: all, jobs: 'none' },
  findClaimants: { effect: 'reads', concerns: all, jobs: 'none' },
  readStats: { effect: 'reads', concerns: nameOrAll, jobs: 'none' },
  countJobs: { effect: 'reads', concerns: ({ filter }) => namesOrAll(filter), jobs: 'none' },
  countDue: { effect: 'reads', concerns: namesOrAll, jobs: 'none' },
  openLease: { effect: 'writes', concerns: all, jobs: 'none' },
  renewLease: { effect: 'writes', concerns: all, jobs: 'none' },
  readLeases: { effect: 'reads', concerns: all, jobs: 'none' },
  declareDead: { effect: 'writes', concerns: all, jobs: 'none' },
  endLease: { effect: 'writes', concerns: all, jobs: 'none' },
  removeLease: { effect: 'writes', concerns: all, jobs: 'none' },
  claimOrders: {
    effect: 'writes',
    concerns: namesOfDemand,
    jobs: { fields: { jobs: LIST } },
  },
  readOrders: { effect: 'reads', concerns: nameOrAll, jobs: 'none' },
  findAhead: { effect: 'reads', concerns: nameOrAll, jobs: 'none' },
  sweepOrders: { effect: 'writes', concerns: all, jobs: 'none' },
  claimGroups: {
    effect: 'writes',
    concerns: namesOfDemand,
    jobs: { fields: { jobs: LIST } },
  },
  setGroup: { effect: 'writes', concerns: nameOrAll, jobs: 'none' },
  readGroups: { effect: 'reads', concerns: nameOrAll, jobs: 'none' },
  openFlow: { effect: 'writes', concerns: all, jobs: 'none' },
  closeFlow: { effect: 'writes', concerns: all, jobs: 'none' },
  readFlow: { effect: 'reads', concerns: all, jobs: 'none' },
  readFlows: { effect: 'reads', concerns: all, jobs: 'none' },
  releaseWaiting: { effect: 'writes', concerns: all, jobs: 'none' },
  sweepFlows: { effect: 'writes', concerns: all, jobs: 'none' },
  setPaused: { effect: 'writes', concerns: nameOrAll, jobs: 'none' },
  readPaused: { effect: 'reads', concerns: all, jobs: 'none' },
  setLimit: { effect: 'writes', concerns: all, jobs: 'none' },
  readLimits: { effect: 'reads', concerns: all, jobs: 'none' },
  takeShare: { effect: 'writes', concerns: all, jobs: 'none' },
  freeShares: { effect: 'writes', concerns: all, jobs: 'none' },
  backOff: { effect: 'writes', concerns: all, jobs: 'none' },
  addThroughput: { effect: 'writes', concerns: all, jobs: 'none' },
  readThroughput: { effect: 'reads', concerns: namesOrAll, jobs: 'none' },
  readTime: { effect: 'reads', concerns: () => 'nothing', jobs: 'none' },
};

/** The names of all verbs. */
export const LEDGER_VERBS: readonly LedgerVerb[] = Object.keys(VERB_ROWS) as LedgerVerb[];

/** True for a verb that changes what is stored, or may. */
export function isWrite(verb: LedgerVerb): boolean {
  return VERB_ROWS[verb].effect === 'writes';
}

/** Where the answer of a verb holds jobs. */
export function placesOf(verb: LedgerVerb): AnyPlaces {
  return VERB_ROWS[verb].jobs;
}
