import { describe, expect, test } from 'vitest';
import { JOB_LIFECYCLE } from '../job/job-lifecycle.ts';
import { makeJob } from '../testing/index.ts';
import { chooseRescue } from './rescue-choice.ts';
import { rescueFailReason } from './settle-answers.ts';

const now = new Date('2026-03-02T12:00:00Z');
const scheduledFor = new Date('2026-03-02T00:00:00Z');
const nextMidnight = new Date('2026-03-03T00:00:00Z');
const params = { deadInstanceId: 'dead', rescueLimit: 3, now, limit: 10 };
const held = { status: 'processing', claimedBy: 'dead', claimToken: 'token' } as const;
const series = { repeatInterval: '0 0 * * *', seriesVersion: 4, scheduledFor };
const asked = { cancelRequestedAt: now };

describe('chooseRescue', () => {
  test.each([
    ['a job goes back', {}, 'rescue'],
    ['a job goes back one time before the limit', { rescueCount: 1 }, 'rescue'],
    ['a job that was rescued up to the limit fails', { rescueCount: 2 }, 'rescueToFailed'],
    ['a job past the limit fails', { rescueCount: 9 }, 'rescueToFailed'],
    ['a job that was to be cancelled is cancelled', asked, 'rescueToCancelled'],
    [
      'a request to cancel comes before the limit',
      { ...asked, rescueCount: 2 },
      'rescueToCancelled',
    ],
    ['a run of a series goes back', series, 'rescue'],
    ['a run at the limit gives way', { ...series, rescueCount: 2 }, 'rescueToNextRun'],
    ['a run that was to be cancelled gives way', { ...series, ...asked }, 'rescueToNextRun'],
    [
      'the last run of a series at the limit fails',
      { ...series, endAt: now, rescueCount: 2 },
      'rescueToFailed',
    ],
    [
      'the last run of a series that was to be cancelled is cancelled',
      { ...series, ...asked, endAt: now },
      'rescueToCancelled',
    ],
    [
      'a series whose plan this process cannot read goes on where it can be read',
      { ...series, repeatInterval: 'no plan', rescueCount: 2 },
      'rescueToNextRun',
    ],
  ] as const)('%s', (_name, fields, verb) => {
    const job = makeJob({ ...held, ...fields });
    const choice = chooseRescue(job, params);
    expect(choice.verb).toBe(verb);
    const record = { ...job } as typeof job & Record<string, unknown>;
    expect(JOB_LIFECYCLE.applies(choice.verb, record, choice.params)).toBe(true);
  });

  test('the next run is that of the plan', () => {
    const choice = chooseRescue(makeJob({ ...held, ...series, ...asked }), params);
    expect(choice.params).toMatchObject({
      nextRunAt: nextMidnight,
      scheduledFor: nextMidnight,
      seriesVersion: 4,
    });
  });

  test('the history says who died, which run it was, and how many were passed over', () => {
    const late = new Date('2026-02-27T00:00:00Z');
    const job = makeJob({ ...held, ...series, ...asked, missed: 'skip', scheduledFor: late });
    expect(chooseRescue(job, params).params.historyEntries).toEqual([
      { verb: 'rescueToNextRun', at: now, by: 'dead', scheduledFor: late, skipped: 3 },
    ]);
  });

  test('a rescue that fails a job says why, in the job and in its history', () => {
    const choice = chooseRescue(makeJob({ ...held, rescueCount: 2 }), params);
    const reason = rescueFailReason(3);
    expect(choice.params).toMatchObject({ failReason: reason, lastRescueCount: 2 });
    expect(choice.params.historyEntries).toEqual([
      { verb: 'rescueToFailed', at: now, by: 'dead', reason },
    ]);
  });

  test('a rescue that fails no job states no reason', () => {
    for (const fields of [{}, { ...asked, rescueCount: 2 }]) {
      const { failReason, historyEntries } = chooseRescue(
        makeJob({ ...held, ...fields }),
        params,
      ).params;
      expect(failReason).toBeUndefined();
      expect(historyEntries).toEqual([expect.not.objectContaining({ reason: expect.anything() })]);
    }
  });
});
