/**
 * Reading jobs, their history and their counts: what the verbs are given and answer.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { HistoryEntry, JobStatus } from '../../job/job.ts';
import type { MetadataFilter } from '../../job/metadata.ts';
import type { Bounded, JobParams } from './call.ts';

export interface GetJobParams extends JobParams {
  /** Look in the archive too when it is not among the jobs. */
  readonly archived?: boolean;
}

/** Metadata that jobs are filtered by. */
export interface ByMetadata {
  /** Jobs whose metadata holds each of these values. */
  readonly metadata?: MetadataFilter;
}

/** Which jobs; a field that is left out does not restrict them. */
export interface JobFilter extends ByMetadata {
  readonly jobIds?: readonly ObjectId[];
  readonly names?: readonly string[];
  readonly statuses?: readonly JobStatus[];
  readonly uniqueKey?: string;
  readonly order?: string;
  /** The group that they take their turns in. */
  readonly group?: string;
  readonly flow?: ObjectId;
  /** Only jobs that feed one of these tokens: the parents of some job of a flow. */
  readonly feeds?: readonly string[];
  /** Only jobs created at or after this time. */
  readonly createdFrom?: Date;
  /** Only jobs created before this time. */
  readonly createdBefore?: Date;
  /** Only jobs finished at or after this time. */
  readonly finishedFrom?: Date;
  /** Only jobs finished before this time. */
  readonly finishedBefore?: Date;
  /** Only jobs whose last failure has a message that begins with this text. */
  readonly failReason?: string;
  /** Only dead letters of jobs that failed under these names; an empty list: all dead letters. */
  readonly deadLettersOf?: readonly string[];
  /** Only jobs that this instance holds. */
  readonly claimedBy?: string;
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

/** What {@link CountVerbs.countJobs} is given. */
export interface CountJobsParams extends Bounded {
  readonly filter: JobFilter;
  /** How many are counted, at most. */
  readonly limit: number;
  /** Count the archive instead of the jobs. */
  readonly archived?: boolean;
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
  readonly queueLagMs: number;
  /** Of finished jobs that were run: from when the last run was due until it was claimed; 0 when there is none. */
  readonly meanWaitMs: number;
  /** Of finished jobs that were run: from the claim of the last run to its end; 0 when there is none. */
  readonly meanRunMs: number;
  /** The longest of those runs. */
  readonly longestRunMs: number;
}

export interface ReadHistoryParams extends JobParams {
  /** The most entries; of more the newest are read. */
  readonly limit: number;
}

/** One entry of the history of a job. Beside what its own history has, a log of all transitions knows these. */
export interface TransitionEntry extends HistoryEntry {
  /** The state before, where the verb says it. */
  readonly from?: string;
  /** The state after; `gone` for a job that left the ledger. */
  readonly to?: string;
  /** The claim it happened under, or that it made. */
  readonly claimToken?: string;
  /** How many times the job had been claimed. */
  readonly fence?: number;
}
