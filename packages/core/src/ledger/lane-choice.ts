/**
 * Whether a job holds its lane, and which job goes next in one.
 *
 * What always holds: nothing is ever given back. Who is named stands in the lane, and whether the name still counts is
 * read off the job itself.
 *
 * @module
 */
import type { Timestamp } from 'mongodb';
import type { Job } from '../job/job.ts';
import { JOB_LIFECYCLE } from '../job/job-lifecycle.ts';
import { SUSPECT_RESCUE_COUNT } from './suspects.ts';

/** What is known of a job that stands in a lane. */
export type LaneJob = Pick<
  Job,
  '_id' | 'status' | 'fence' | 'nextRunAt' | 'rescueCount' | 'rank' | 'cancelRequestedAt'
>;

/**
 * True while a job that is named holds its lane: until it is finished.
 *
 * @param job - undefined when it is gone
 * @param halts - true when it holds the lane after it has failed, too
 */
export function holdsLane(
  job: Pick<Job, 'status'> | undefined,
  halts: boolean,
): job is Pick<Job, 'status'> {
  if (job === undefined) return false;
  return job.status === 'failed' ? halts : !JOB_LIFECYCLE.terminal.includes(job.status);
}

/**
 * True when the holder of a lane is to be asked to cancel for one that waits and supersedes it: it was stored before
 * that one, has not come to its end, and was not asked. One that was put back behind a newer one does not supersede it.
 */
export function isSuperseded(
  holder: Pick<Job, 'status' | 'rank' | 'cancelRequestedAt'>,
  waiting: Pick<Job, 'rank'>,
): boolean {
  const { status, rank, cancelRequestedAt } = holder;
  if (cancelRequestedAt !== undefined || JOB_LIFECYCLE.terminal.includes(status)) return false;
  return isTimestamp(rank) && isTimestamp(waiting.rank) && rank.lessThan(waiting.rank);
}

function isTimestamp(rank: Job['rank']): rank is Timestamp {
  return rank !== undefined && typeof rank !== 'number';
}

/** The job that may be claimed in a lane: who holds it, else the first that waits; undefined when it is not its time. */
export function nextInLane<T extends LaneJob>(
  head: T,
  holder: T | undefined,
  {
    now,
    suspects,
    halts,
  }: { readonly now: Date; readonly suspects: boolean; readonly halts: boolean },
): T | undefined {
  const next = holdsLane(holder, halts) ? (holder as T) : head;
  if (next.status !== 'pending' || !(next.nextRunAt <= now)) return undefined;
  return (next.rescueCount ?? 0) >= SUSPECT_RESCUE_COUNT === suspects ? next : undefined;
}
