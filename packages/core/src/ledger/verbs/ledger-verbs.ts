/**
 * What the verbs of a ledger are given and what they answer: a params object and a named result each.
 *
 * @module
 */
import type { ClientSession, ObjectId } from 'mongodb';
import type { Job, JobStatus } from '../../job/job.ts';
import type { SettleAnswer, Settlement } from '../settle-answers.ts';
import type { Informed } from './inspection.ts';
import type { ByHand, ByMetadata, WithMetadata } from './record-verbs.ts';

export type * from './inspection.ts';
export type * from './record-verbs.ts';
export type * from './stages.ts';
export type * from './watch.ts';

/** A bound on the time of one call, for calls that need another than the ledger's own. */
export interface Bounded {
  /** Milliseconds until the call counts as unanswered. */
  readonly deadlineMs?: number;
}

export interface EnqueueParams extends Bounded {
  /** Complete documents in state pending, with ids made by the caller. */
  readonly jobs: readonly Job[];
  /** Store the jobs inside this transaction of the user's. */
  readonly session?: ClientSession;
}

/** What happened to one job of an enqueue. */
export type EnqueueAnswer =
  /** It is stored, by this call or by an earlier try with the same id. */
  | { readonly outcome: 'enqueued'; readonly job: Job }
  /** Not stored: `job` holds one of the unique locks. */
  | { readonly outcome: 'existing'; readonly job: Job }
  /** Not stored, for a reason of its own. */
  | { readonly outcome: 'refused'; readonly error: Error };

export interface EnqueueResult {
  /** One answer a job, in order. */
  readonly answers: readonly EnqueueAnswer[];
}

/** How many jobs of one name are wanted. */
export interface Demand {
  readonly name: string;
  readonly limit: number;
}

export interface ClaimParams extends Bounded {
  /** Different names, at most 200. */
  readonly demand: readonly Demand[];
  readonly instanceId: string;
  /** A fresh token that the caller has noted down before. */
  readonly claimToken: string;
  readonly now: Date;
  /** Claim one suspect, the most urgent of the demanded names, instead of everything but suspects. */
  readonly suspects: boolean;
  /**
   * From 1: take jobs from so many times the demanded number, at a place or in a part left to chance, and of fewer only
   * a part: for when rivals win too often.
   */
  readonly widening: number;
}

export interface ClaimResult {
  /** The claimed jobs as they were read after the claim, the most urgent first. */
  readonly jobs: readonly Job[];
  /** How many jobs the claim tried to win. */
  readonly attempted: number;
  /** Names that had at least as many due jobs as were demanded of them. */
  readonly saturated: readonly string[];
  /** Names that are known to have no more due jobs; of a name in neither list nothing is known. */
  readonly drained: readonly string[];
}

export interface ReadClaimParams extends Bounded {
  readonly instanceId: string;
  readonly claimToken: string;
}

export interface SettleParams extends Bounded {
  readonly settlements: readonly Settlement[];
  readonly now: Date;
}

export interface SettleResult {
  /** One answer a settlement, in order. */
  readonly answers: readonly SettleAnswer[];
}

export interface JobParams extends Bounded, ByHand {
  readonly jobId: ObjectId;
}

export interface GetJobParams extends JobParams {
  /** Look in the archive too when it is not among the jobs. */
  readonly archived?: boolean;
}

export interface CancelParams extends JobParams {
  readonly now: Date;
  /** Why, for the history. */
  readonly reason?: string;
}

export interface CancelResult {
  /**
   * `cancelled`, `skipped` and `requested` were written by this call, or the last before it; `skipped`: the job is the
   * pending run of a series, which goes on with its next run; `refused`: the job is finished; `missing`: there is none.
   */
  readonly outcome: 'cancelled' | 'skipped' | 'requested' | 'refused' | 'missing';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
}

export interface RedriveParams extends JobParams {
  readonly now: Date;
  /** When it runs again. */
  readonly nextRunAt: Date;
}

export interface RedriveResult {
  /** `taken`: another job holds the unique key of this one; nothing was changed. */
  readonly outcome: 'redriven' | 'refused' | 'missing' | 'taken';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
  /** For `taken`: who holds the key, unless it was gone again when it was looked for. */
  readonly holder?: Job;
}

/** What is changed of a pending job; what is left out stays as it is. */
export interface Amendment extends WithMetadata {
  readonly nextRunAt?: Date;
  readonly priority?: number;
  readonly data?: unknown;
}

export interface AmendParams extends JobParams {
  readonly changes: Amendment;
  readonly now: Date;
  /** Only while the job's fence is still this: it was not claimed since it was read, so it holds the key it held. */
  readonly fence?: number;
  /** Amend inside this transaction of the user's. */
  readonly session?: ClientSession;
}

export interface AmendResult {
  /** `refused`: the job is not pending. */
  readonly outcome: 'amended' | 'refused' | 'missing';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
}

/** The plan of a series with what its runs are given. */
export type SeriesFields = Pick<
  Job,
  | 'repeatInterval'
  | 'timezone'
  | 'startAt'
  | 'endAt'
  | 'missed'
  | 'maxRetries'
  | 'backoff'
  | 'timeout'
> & {
  /** Left out, it stays. */
  readonly priority?: number;
  readonly data?: unknown;
};

export interface ReplanParams extends JobParams {
  /** The version that was read; the call changes nothing when the series has another by now. */
  readonly seriesVersion?: number;
  /** All of the plan: what is left out is removed. */
  readonly series: SeriesFields;
  /** The next run by the new plan, written only while the job is pending; left out, the waiting run stays. */
  readonly nextRun?: { readonly scheduledFor: Date; readonly nextRunAt: Date };
  readonly now: Date;
}

export interface EndSeriesParams extends JobParams {
  /** The version that was read; the call changes nothing when the series has another by now. */
  readonly seriesVersion?: number;
  readonly now: Date;
}

export interface SeriesResult {
  /** `stale`: the series was changed meanwhile, or its job is finished; nothing was written. */
  readonly outcome: 'written' | 'stale' | 'missing';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
}

export interface FindSeriesParams extends Bounded {
  readonly name?: string;
  /** The unique key of the series. */
  readonly key?: string;
  readonly limit: number;
}

export interface NoteParams extends JobParams {
  readonly claimToken: string;
  readonly progress?: unknown;
  readonly logLines?: readonly string[];
  readonly now: Date;
}

export interface CompleteInSessionParams extends Bounded {
  readonly settlement: Settlement;
  readonly now: Date;
  /** The user's transaction, in which the claim ends. */
  readonly session: ClientSession;
}

/** Which jobs; a field that is left out does not restrict them. */
export interface JobFilter extends ByMetadata {
  readonly jobIds?: readonly ObjectId[];
  readonly names?: readonly string[];
  readonly statuses?: readonly JobStatus[];
  readonly uniqueKey?: string;
  /** Only jobs created at or after this time. */
  readonly createdFrom?: Date;
  /** Only jobs created before this time. */
  readonly createdBefore?: Date;
}

/** What jobs are listed by; jobs of the same value are listed by their ids. */
export type JobOrder = '_id' | 'createdAt' | 'updatedAt' | 'nextRunAt';

/** A place in a list: behind the job that showed these values. */
export interface JobPlace {
  /** Undefined for the order by id. */
  readonly at?: Date;
  readonly jobId: ObjectId;
}

export interface FindJobsParams extends Bounded {
  readonly filter: JobFilter;
  readonly orderBy: JobOrder;
  readonly direction: 'ascending' | 'descending';
  /** Only jobs behind this place, in the direction of the list. */
  readonly after?: JobPlace;
  readonly skip?: number;
  readonly limit: number;
  /** List the archive instead of the jobs. */
  readonly archived?: boolean;
  /** Give values as they are stored: through a codec, encoded. A ledger itself gives no others. */
  readonly asStored?: boolean;
}

export interface ReadStatsParams extends Bounded {
  /** The name to count; all of them when left out. */
  readonly name?: string;
  readonly now: Date;
}

/** The jobs of one name and state. Times are milliseconds. */
export interface StatsRow {
  readonly name: string;
  readonly status: JobStatus;
  readonly count: number;
  /** Of pending jobs: how many are due. */
  readonly due: number;
  /** Of due jobs: how long the one that waits longest has been due; 0 when none is. */
  readonly longestWaitMs: number;
  /** Of finished jobs that were run: from when the last run was due until it was claimed; 0 when there is none. */
  readonly meanWaitMs: number;
  /** Of finished jobs that were run: from the claim of the last run to its end; 0 when there is none. */
  readonly meanRunMs: number;
  /** The longest of those runs. */
  readonly longestRunMs: number;
}

export interface SetPausedParams extends Bounded, ByHand {
  readonly name: string;
  readonly paused: boolean;
  readonly now: Date;
}

export interface RecoverParams extends Bounded {
  /** Jobs that were locked at this time or before, by another tool that keeps no lease. */
  readonly staleBefore: Date;
  readonly now: Date;
  readonly limit: number;
}

export interface RecoverResult {
  readonly pending: number;
  readonly cancelled: number;
}

export interface PruneParams extends Bounded {
  /** Jobs of each state that finished at this time or before leave; a state that is left out is kept. */
  readonly finishedBefore: Readonly<Partial<Record<JobStatus, Date>>>;
  /** Where the walk in the order of ids goes on; from the start when left out. */
  readonly after?: ObjectId;
  /** Jobs created at or after this time are not looked at. */
  readonly createdBefore: Date;
  /** How many jobs are looked at, at most. */
  readonly limit: number;
  /** Move the jobs to the archive instead of deleting them. */
  readonly archive: boolean;
  readonly now: Date;
}

export interface PruneResult {
  /** How many jobs left. */
  readonly pruned: number;
  /** Where the next call goes on; undefined when the walk has come to its end. */
  readonly position?: ObjectId;
}

export interface RemoveResult {
  readonly outcome: 'removed' | 'refused' | 'missing';
  /** The job as it was; null when it is missing. */
  readonly job: Job | null;
}

export interface NextDueParams extends Bounded {
  readonly names: readonly string[];
  /** Due later than this, and not later than `until`. */
  readonly after: Date;
  readonly until: Date;
}

/** One instance's proof of life. */
export interface LeaseRecord extends Informed {
  readonly instanceId: string;
  /** Grows with every renewal. Observers compare it with itself, never with a time. */
  readonly counter: number;
  /** Dead is for ever: a dead instance goes on under a new id. */
  readonly status: 'live' | 'dead';
  readonly leaseDurationMs: number;
}

export interface OpenLeaseParams extends Bounded, Informed {
  readonly instanceId: string;
  readonly leaseDurationMs: number;
}

export interface InstanceParams extends Bounded {
  readonly instanceId: string;
}

export interface DeclareDeadParams extends InstanceParams {
  /** The counter as it was seen unchanged. */
  readonly counter: number;
}

export interface FindClaimantsParams extends Bounded {
  /** Instances that are known already and not looked for. */
  readonly except: readonly string[];
}

export interface ReadClaimsParams extends InstanceParams {
  readonly limit: number;
}

/** One claim that stands in the ledger. */
export interface StandingClaim {
  readonly jobId: ObjectId;
  readonly claimToken: string;
  readonly fence: number;
  readonly cancelRequestedAt?: Date;
}

export interface RescueParams extends Bounded {
  readonly deadInstanceId: string;
  /** The rescue that reaches this count ends the job as failed. */
  readonly rescueLimit: number;
  readonly now: Date;
  /** How many claims to look at in one call. */
  readonly limit: number;
}

export interface RescueResult {
  /** How many jobs went where. */
  readonly pending: number;
  readonly failed: number;
  readonly cancelled: number;
  /** True when the instance may hold more claims. */
  readonly more: boolean;
  /** True when nothing was done since the lease is live. */
  readonly refused: boolean;
}
