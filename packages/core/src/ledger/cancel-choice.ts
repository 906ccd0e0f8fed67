/**
 * Which verb cancels a job: one that waits is cancelled, of a series only the run that waits, and one that runs is
 * asked to end.
 *
 * @module
 */
import type { Job } from '../job/job.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../job/job-lifecycle.ts';
import type { TransitionParams } from '../job/lifecycle.ts';
import { nextRunOf, type PlanOfRun } from '../job/next-run.ts';
import { historyEntries, manualRecord, requestEntries } from './settle-answers.ts';
import type { CancelParams, CancelResult } from './verbs/manual-verbs.ts';

/** What a choice needs to know of a job. */
export type CancelledFields = PlanOfRun & Pick<Job, 'status' | 'seriesVersion'>;

/** One verb of the lifecycle table with its parameters, and what it means that it was carried out. */
export interface CancelChoice {
  readonly verb: Extract<JobVerb, 'cancel' | 'requestCancel' | 'skipRun' | 'endSeries'>;
  readonly params: TransitionParams;
  readonly outcome: Extract<CancelResult['outcome'], 'cancelled' | 'requested' | 'skipped'>;
}

/** Chooses the verb for a job as it was read; undefined when none can apply, since the job is finished. */
export function chooseCancel(job: CancelledFields, params: CancelParams): CancelChoice | undefined {
  const [cancel, request] = cancelsUnseen(params);
  if (JOB_LIFECYCLE.allowsFrom('requestCancel', job.status)) return request;
  if (!JOB_LIFECYCLE.allowsFrom('cancel', job.status)) return undefined;
  return job.repeatInterval === undefined ? cancel : cancelOfRun(job, params);
}

/**
 * The verbs that need no look at the job: where the guards are part of the write, they are tried in this order first.
 * For a job of a series that waits neither applies.
 */
export function cancelsUnseen(params: CancelParams): readonly [CancelChoice, CancelChoice] {
  const { now } = params;
  const entries = historyEntries('cancel', now, manualRecord(params));
  return [
    { verb: 'cancel', outcome: 'cancelled', params: { now, historyEntries: entries } },
    {
      verb: 'requestCancel',
      outcome: 'requested',
      params: { now, ...requestEntries(params, now) },
    },
  ];
}

/** The next run takes the place of the one that waits; without one the series ends. */
function cancelOfRun(job: CancelledFields, params: CancelParams): CancelChoice {
  const { now } = params;
  const { scheduledFor, seriesVersion } = job;
  const next = nextRunOf(job, now);
  const verb = next === null ? 'endSeries' : 'skipRun';
  const record = { ...manualRecord(params), ...(scheduledFor && { scheduledFor }) };
  return {
    verb,
    outcome: next === null ? 'cancelled' : 'skipped',
    params: {
      now,
      seriesVersion,
      historyEntries: historyEntries(verb, now, record),
      ...(next && {
        cancelledRun: scheduledFor,
        nextRunAt: next.scheduledFor,
        scheduledFor: next.scheduledFor,
      }),
    },
  };
}
