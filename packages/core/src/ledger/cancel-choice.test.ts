import { expect, test } from 'vitest';
import { makeJob } from '../testing/index.ts';
import { cancelsUnseen, chooseCancel } from './cancel-choice.ts';

const now = new Date('2026-01-01T00:00:00Z');
const scheduledFor = new Date('2026-01-01T01:00:00Z');
const params = { jobId: makeJob()._id, now, by: 'ann', reason: 'too late' };
const series = { repeatInterval: '0 * * * *', timezone: 'UTC', scheduledFor, seriesVersion: 3 };

test.each(['pending', 'blocked'] as const)('a %s job of no series is cancelled', (status) => {
  expect(chooseCancel(makeJob({ status }), params)).toEqual({
    verb: 'cancel',
    outcome: 'cancelled',
    params: { now, historyEntries: [{ verb: 'cancel', at: now, by: 'ann', reason: 'too late' }] },
  });
});

test('of a series the run that waits is skipped, under the plan that was read', () => {
  const next = new Date('2026-01-01T02:00:00Z');
  expect(chooseCancel(makeJob({ status: 'pending', ...series }), params)).toMatchObject({
    verb: 'skipRun',
    outcome: 'skipped',
    params: { seriesVersion: 3, cancelledRun: scheduledFor, nextRunAt: next, scheduledFor: next },
  });
});

test('a series without a next run ends, and its history says which run was cancelled', () => {
  const job = makeJob({ status: 'pending', ...series, endAt: scheduledFor });
  const choice = chooseCancel(job, params);
  expect(choice).toMatchObject({ verb: 'endSeries', outcome: 'cancelled' });
  expect(choice?.params).not.toHaveProperty('nextRunAt');
  expect(choice?.params.historyEntries).toMatchObject([{ verb: 'endSeries', scheduledFor }]);
});

test('a job that runs is asked to end, whether it belongs to a series or not', () => {
  const request = { verb: 'requestCancel', outcome: 'requested' };
  expect(chooseCancel(makeJob({ status: 'processing' }), params)).toMatchObject(request);
  expect(chooseCancel(makeJob({ status: 'processing', ...series }), params)).toMatchObject(request);
});

test.each(['completed', 'failed', 'cancelled'] as const)('for a %s job there is none', (status) => {
  expect(chooseCancel(makeJob({ status }), params)).toBeUndefined();
});

test('unseen, a job is cancelled or asked to end, in this order', () => {
  expect(cancelsUnseen(params).map(({ verb }) => verb)).toEqual(['cancel', 'requestCancel']);
  const [, request] = cancelsUnseen({ jobId: params.jobId, now });
  expect(request.params).toEqual({ now });
});
