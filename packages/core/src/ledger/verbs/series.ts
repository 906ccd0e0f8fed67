/**
 * The jobs of a series: what the verbs are given and answer.
 *
 * @module
 */
import type { Session } from '../../foundation/driver-shapes.ts';
import type { Job } from '../../job/job.ts';
import type { Bounded, JobParams } from './call.ts';

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
  /** Write it inside this transaction of the user's. */
  readonly session?: Session;
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
