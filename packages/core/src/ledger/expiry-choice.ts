/**
 * Which verb ends the wait of a job at a gate that was not opened in time.
 *
 * @module
 */
import type { Job } from '../job/job.ts';
import type { JobVerb } from '../job/job-lifecycle.ts';
import type { TransitionParams } from '../job/lifecycle.ts';
import { nextRunOf, type PlanOfRun } from '../job/next-run.ts';
import { historyEntries } from './settle-answers.ts';

/** What a choice needs to know of a job. */
export type ExpiredFields = PlanOfRun & Pick<Job, 'blockedBy' | 'seriesVersion'>;

/** One verb of the lifecycle table with its parameters. */
export interface ExpiryChoice {
  readonly verb: Extract<JobVerb, 'expireGate' | 'expireGateToNextRun'>;
  readonly params: TransitionParams;
}

/** Chooses the verb for one job as it was read; the guards of the verb decide in the write. */
export function chooseExpiry(job: ExpiredFields, now: Date): ExpiryChoice {
  const { seriesVersion, scheduledFor } = job;
  const next = nextRunOf(job, now);
  const verb = next === null ? 'expireGate' : 'expireGateToNextRun';
  const failReason = gateFailReason(job);
  const record = {
    reason: failReason,
    ...(scheduledFor && { scheduledFor }),
    ...(next && next.skipped > 0 && { skipped: next.skipped }),
  };
  return {
    verb,
    params: {
      now,
      seriesVersion,
      failReason,
      historyEntries: historyEntries(verb, now, record),
      ...(next && { nextRunAt: next.scheduledFor, scheduledFor: next.scheduledFor }),
    },
  };
}

/** Why a job failed that waited too long. */
function gateFailReason({ blockedBy }: ExpiredFields): string {
  return `The gate '${blockedBy}' was not opened in time`;
}
