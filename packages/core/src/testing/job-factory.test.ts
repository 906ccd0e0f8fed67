import { describe, expect, test } from 'vitest';
import { JobStatus } from '../job/job.ts';
import { JOB_LIFECYCLE } from '../job/job-lifecycle.ts';
import { makeJob } from './job-factory.ts';
import { MANUAL_CLOCK_START } from './manual-clock.ts';

describe('makeJob', () => {
  test('makes a pending job that was never claimed', () => {
    const job = makeJob();
    expect(job).toMatchObject({ status: 'pending', fence: 0, failCount: 0, priority: 0 });
    expect(job.nextRunAt).toEqual(MANUAL_CLOCK_START);
    expect(job._id.getTimestamp()).toEqual(MANUAL_CLOCK_START);
  });

  test('no two jobs have one id', () => {
    expect(makeJob()._id.equals(makeJob()._id)).toBe(false);
  });

  test('a given field wins, and a creation time moves the times with it', () => {
    const createdAt = new Date(9_000);
    const job = makeJob({ name: 'mine', data: { a: 1 }, createdAt, updatedAt: new Date(10_000) });
    expect(job).toMatchObject({ name: 'mine', data: { a: 1 }, nextRunAt: createdAt });
    expect(job.updatedAt).toEqual(new Date(10_000));
  });

  test.each(Object.values(JobStatus))(
    'changing the times of a %s job changes nothing else',
    (status) => {
      const [start, job] = [MANUAL_CLOCK_START.getTime(), makeJob({ status })];
      const times = Object.values(job).filter((value) => value instanceof Date);
      for (const [index, time] of times.entries()) time.setTime(index);
      expect(times.map((time) => time.getTime())).toEqual([...times.keys()]);
      expect(MANUAL_CLOCK_START.getTime()).toBe(start);
    },
  );

  test.each(Object.values(JobStatus))('a %s job has the fields of its state', (status) => {
    const job = makeJob({ status });
    const isFinished = JOB_LIFECYCLE.terminal.includes(status);
    const isClaimed = status === 'processing';
    expect(job.status).toBe(status);
    expect(job.finishedAt !== undefined).toBe(isFinished);
    expect(
      [job.claimToken, job.claimedBy, job.lockedAt].map((value) => value !== undefined),
    ).toEqual([isClaimed, isClaimed, isClaimed]);
    // One that is cancelled before it is claimed has no start.
    expect(job.startedAt !== undefined).toBe(job.fence > 0);
    expect(job.failReason !== undefined).toBe(status === 'failed');
  });
});
