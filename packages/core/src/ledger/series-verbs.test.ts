import { expect, test } from 'vitest';
import { makeJob } from '../testing/index.ts';
import { endSeriesChanges, replanChanges } from './series-verbs.ts';

const now = new Date('2026-01-01T00:00:00Z');
const scheduledFor = new Date('2026-01-01T01:00:00Z');
const given = { jobId: makeJob()._id, seriesVersion: 2, now, by: 'ann' };

test('a plan is changed where the job waits, else where it runs, and the history says the next time', () => {
  const nextRun = { nextRunAt: scheduledFor, scheduledFor };
  const series = { repeatInterval: '0 * * * *', priority: 1 };
  const entry = { at: now, by: 'ann', scheduledFor };
  const plan = { ...series, ...nextRun, seriesVersion: 2, now };
  expect(replanChanges({ ...given, series, nextRun })).toEqual([
    { verb: 'replan', params: { ...plan, historyEntries: [{ verb: 'replan', ...entry }] } },
    {
      verb: 'replanRunning',
      params: { ...plan, historyEntries: [{ verb: 'replanRunning', ...entry }] },
    },
  ]);
});

test('a series ends at once, else with the run that is on', () => {
  const entry = { at: now, by: 'ann' };
  expect(endSeriesChanges(given)).toEqual(
    (['endSeries', 'endSeriesAfterRun'] as const).map((verb) => ({
      verb,
      params: { seriesVersion: 2, now, historyEntries: [{ verb, ...entry }] },
    })),
  );
});
