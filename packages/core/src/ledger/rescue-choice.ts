/**
 * Which verb takes a claim from a dead instance.
 *
 * A job of a series that may not be given back as it is, since somebody asked to cancel it or its instances died too
 * often, goes on with its next run; one of a series that is over ends like any other.
 *
 * @module
 */
import type { Job } from '../job/job.ts';
import type { JobVerb } from '../job/job-lifecycle.ts';
import type { TransitionParams } from '../job/lifecycle.ts';
import { nextRunOf, type PlanOfRun } from '../job/next-run.ts';
import { historyEntries, rescueFailReason } from './settle-answers.ts';
import type { RescueParams } from './verbs/upkeep.ts';

/** What a choice needs to know of a job. */
export type RescuedFields = PlanOfRun &
  Pick<Job, 'claimToken' | 'rescueCount' | 'cancelRequestedAt' | 'seriesVersion'>;

/** One verb of the lifecycle table with its parameters. */
export interface RescueChoice {
  readonly verb: Extract<
    JobVerb,
    'rescue' | 'rescueToFailed' | 'rescueToCancelled' | 'rescueToNextRun'
  >;
  readonly params: TransitionParams;
}

/** Chooses the verb for one claim as it was read; the guards of the verb decide in the write. */
export function chooseRescue(
  job: RescuedFields,
  { now, deadInstanceId, rescueLimit }: RescueParams,
): RescueChoice {
  const { claimToken, seriesVersion, rescueCount = 0 } = job;
  const lastRescueCount = rescueLimit - 1;
  const isLast = rescueCount >= lastRescueCount;
  const isCancelled = job.cancelRequestedAt !== undefined;
  const next = isLast || isCancelled ? nextRunOf(job, now) : null;
  const verb = verbFor(isCancelled, isLast, next !== null);
  const failReason = isLast && !isCancelled ? rescueFailReason(rescueLimit) : undefined;
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
      historyEntries: historyEntries(verb, now, record),
      ...(next && { nextRunAt: next.scheduledFor, scheduledFor: next.scheduledFor }),
    },
  };
}

function verbFor(isCancelled: boolean, isLast: boolean, goesOn: boolean): RescueChoice['verb'] {
  if (goesOn) return 'rescueToNextRun';
  if (isCancelled) return 'rescueToCancelled';
  return isLast ? 'rescueToFailed' : 'rescue';
}
