/**
 * Which verbs change a series: one where its job waits, another where the job runs. Of each pair the first that applies
 * is the one.
 *
 * @module
 */
import type { HistoryEntry } from '../job/job.ts';
import type { JobVerb } from '../job/job-lifecycle.ts';
import type { TransitionParams } from '../job/lifecycle.ts';
import { historyEntries, manualRecord } from './settle-answers.ts';
import type { EndSeriesParams, ReplanParams } from './verbs/series.ts';

/** One verb of the lifecycle table with its parameters. */
export interface SeriesChange {
  readonly verb: Extract<JobVerb, 'replan' | 'replanRunning' | 'endSeries' | 'endSeriesAfterRun'>;
  readonly params: TransitionParams;
}

/** The verbs that give a series a new plan. */
export function replanChanges(params: ReplanParams): readonly SeriesChange[] {
  const { series, nextRun } = params;
  // That the times are others now counts for the run after the one that is on.
  const record = nextRun ? { scheduledFor: nextRun.scheduledFor } : {};
  const plan = { ...series, ...nextRun };
  return (['replan', 'replanRunning'] as const).map((verb) => change(verb, params, record, plan));
}

/** The verbs that end a series, at once or with the run that is on. */
export function endSeriesChanges(params: EndSeriesParams): readonly SeriesChange[] {
  return (['endSeries', 'endSeriesAfterRun'] as const).map((verb) => change(verb, params, {}, {}));
}

function change(
  verb: SeriesChange['verb'],
  { seriesVersion, now, ...given }: EndSeriesParams,
  record: Pick<HistoryEntry, 'scheduledFor'>,
  plan: TransitionParams,
): SeriesChange {
  const entries = historyEntries(verb, now, { ...manualRecord(given), ...record });
  return { verb, params: { ...plan, seriesVersion, now, historyEntries: entries } };
}
