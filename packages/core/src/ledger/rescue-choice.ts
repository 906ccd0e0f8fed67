/**
 * Which verb takes a claim from a dead instance.
 *
 * A job of a series that may not be given back as it is, since somebody asked to cancel it or its instances died too
 * often, goes on with its next run; one of a series that is over ends like any other. Where the instance had said that
 * the worker has a place for dead letters, a job that failed for good goes there.
 *
 * @module
 */
import { mayBeBuried } from '../job/dead-letters.ts';
import type { DeadLetterSource, Job } from '../job/job.ts';
import type { JobVerb } from '../job/job-lifecycle.ts';
import type { TransitionParams } from '../job/lifecycle.ts';
import { nextRunOf, type PlanOfRun } from '../job/next-run.ts';
import { historyEntries, rescueFailReason } from './settle-answers.ts';
import type { WorkerInfo } from './verbs/leases.ts';
import type { RescueParams } from './verbs/upkeep.ts';

/** What a choice needs to know of a job. */
export type RescuedFields = PlanOfRun &
  Pick<
    Job,
    | 'claimToken'
    | 'rescueCount'
    | 'cancelRequestedAt'
    | 'seriesVersion'
    | 'name'
    | 'failCount'
    | 'lane'
    | 'source'
  >;

/** What the dead instance had said of its workers, by which its jobs become dead letters; nothing if it said nothing. */
export type RescuedWorkers = readonly Pick<WorkerInfo, 'name' | 'deadLetter'>[];

/** One verb of the lifecycle table with its parameters. */
export interface RescueChoice {
  readonly verb: Extract<
    JobVerb,
    'rescue' | 'rescueToFailed' | 'rescueToDeadLetter' | 'rescueToCancelled' | 'rescueToNextRun'
  >;
  readonly params: TransitionParams;
}

/** Chooses the verb for one claim as it was read; the guards of the verb decide in the write. */
export function chooseRescue(
  job: RescuedFields,
  { now, deadInstanceId, rescueLimit }: RescueParams,
  workers: RescuedWorkers = [],
): RescueChoice {
  const { claimToken, seriesVersion, rescueCount = 0 } = job;
  const lastRescueCount = rescueLimit - 1;
  const isLast = rescueCount >= lastRescueCount;
  const isCancelled = job.cancelRequestedAt !== undefined;
  const next = isLast || isCancelled ? nextRunOf(job, now) : null;
  const failReason = isLast && !isCancelled ? rescueFailReason(rescueLimit) : undefined;
  const letter =
    failReason === undefined ? undefined : deadLetterOf(job, workers, { now, failReason });
  const verb = letter ? 'rescueToDeadLetter' : verbFor(isCancelled, isLast, next !== null);
  const record = {
    by: deadInstanceId,
    ...(failReason !== undefined && { reason: failReason }),
    ...(next && next.skipped > 0 && { skipped: next.skipped }),
    ...(job.scheduledFor && { scheduledFor: job.scheduledFor }),
  };
  return {
    verb,
    params: {
      now,
      deadInstanceId,
      claimToken,
      seriesVersion,
      lastRescueCount,
      failReason,
      ...letter,
      historyEntries: historyEntries(verb, now, record),
      ...(next && { nextRunAt: next.scheduledFor, scheduledFor: next.scheduledFor }),
    },
  };
}

function deadLetterOf(
  job: RescuedFields,
  workers: RescuedWorkers,
  { now, failReason: reason }: { readonly now: Date; readonly failReason: string },
): { readonly deadLetter: string; readonly source: DeadLetterSource } | undefined {
  const { name, failCount } = job;
  const deadLetter = workers.find((worker) => worker.name === name)?.deadLetter;
  if (deadLetter === undefined || !mayBeBuried(job)) return undefined;
  return { deadLetter, source: { name, failedAt: now, failCount, reason } };
}

function verbFor(
  isCancelled: boolean,
  isLast: boolean,
  goesOn: boolean,
): Exclude<RescueChoice['verb'], 'rescueToDeadLetter'> {
  if (goesOn) return 'rescueToNextRun';
  if (isCancelled) return 'rescueToCancelled';
  return isLast ? 'rescueToFailed' : 'rescue';
}
