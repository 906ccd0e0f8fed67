/**
 * What keeps a ledger in order while nobody looks: what the verbs are given and answer.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { Job, JobStatus } from '../../job/job.ts';
import type { Bounded } from './call.ts';

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
  /** Those of the failed ones that hold their orders up by that; absent when there is none. */
  readonly halted?: readonly Job[];
  /** True when the instance may hold more claims. */
  readonly more: boolean;
  /** True when nothing was done since the lease is live. */
  readonly refused: boolean;
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

export interface NextDueParams extends Bounded {
  readonly names: readonly string[];
  /** Due later than this, and not later than `until`. */
  readonly after: Date;
  readonly until: Date;
}
