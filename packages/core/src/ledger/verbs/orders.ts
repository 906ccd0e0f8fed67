/**
 * Jobs that stand in an order: what the verbs are given and answer.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { JobStatus } from '../../job/job.ts';
import type { Bounded } from './call.ts';
import type { ClaimParams, ClaimResult, Demand } from './claims.ts';

/** How many jobs of one name are wanted, each of another order. */
export interface OrderDemand extends Demand {
  /** True when a failed job holds its order up until it is redriven or removed. */
  readonly halts: boolean;
}

export interface ClaimOrdersParams
  extends Pick<ClaimParams, 'instanceId' | 'claimToken' | 'now' | 'suspects' | 'deadlineMs'> {
  /** Different names, at most 200. */
  readonly demand: readonly OrderDemand[];
}

export interface ReadOrdersParams extends Bounded {
  readonly name: string;
  /** Those behind this key, in the order of lanes. */
  readonly after?: string;
  /** Only those that a failed job holds up. */
  readonly halted: boolean;
  readonly limit: number;
}

/** One order of which a job was started and holds it. */
export interface OrderRecord {
  /** The key. */
  readonly order: string;
  /** The job that holds it. */
  readonly jobId: ObjectId;
  /** Its state; `failed` when it holds the order up. */
  readonly status: JobStatus;
  /** How many jobs of the order are pending, up to 1,000; the one that holds it counts where it is one of them. */
  readonly waiting: number;
}

export interface SweepOrdersParams extends Bounded {
  /** Only what was not used since. */
  readonly usedBefore: Date;
  /** Where the last step of the walk ended. */
  readonly after?: string;
  readonly limit: number;
  /** True to find what is to be cancelled for jobs that supersede it, too. */
  readonly superseded?: boolean;
}

/** A job that holds its order while one waits that supersedes it. */
export interface SupersededJob {
  readonly jobId: ObjectId;
  /** The one that waits. */
  readonly by: ObjectId;
}

export interface SweepOrdersResult {
  /** How many were forgotten. */
  readonly swept: number;
  /**
   * Those that are to be asked to cancel and were not, since who enqueued the one that waits did not come to it. Where
   * many wait they may be those of a part, and the next call looks at the next part. Absent when there is none, or when
   * they were not asked for.
   */
  readonly superseded?: readonly SupersededJob[];
  /** Where to go on; absent when the walk has come to its end. */
  readonly position?: string;
}

export interface FindAheadParams extends Bounded {
  readonly name: string;
  readonly lane: string;
}

/** The job that goes first in its lane. */
export interface JobAhead {
  readonly jobId: ObjectId;
  readonly status: JobStatus;
}

/** The jobs that stand in an order, each behind those of its key. */
export interface LaneVerbs {
  /**
   * Takes due jobs with an order for an instance, at most one of each order: the one that was started and is not
   * finished, else the one that was stored first.
   */
  claimOrders(params: ClaimOrdersParams): Promise<ClaimResult>;

  /** The orders of a name of which a job was started and holds it. */
  readOrders(params: ReadOrdersParams): Promise<readonly OrderRecord[]>;

  /** The job that goes first in a lane: the one that holds it, else the first of those pending; null in an empty one. */
  findAhead(params: FindAheadParams): Promise<JobAhead | null>;

  /**
   * Forgets lanes of orders and groups that nobody holds any more and nothing was set for; one step of a walk. Where
   * `superseded` is asked for, it finds what is to be cancelled for jobs that supersede it, too.
   */
  sweepOrders(params: SweepOrdersParams): Promise<SweepOrdersResult>;
}
