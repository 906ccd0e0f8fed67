import { describe, expect, test } from 'vitest';
import { makeJob } from '../../testing/index.ts';
import { FinishedJobs } from './finished-jobs.ts';
import { copyIn, type StoredJob } from './stored-job.ts';

const finished = (): StoredJob => copyIn(makeJob({ status: 'completed' }));

describe('FinishedJobs', () => {
  test('the job that finished first leaves first', () => {
    const [a, b, c, d] = [finished(), finished(), finished(), finished()];
    const jobs = new FinishedJobs(2);
    expect([a, b, c, d].map((job) => jobs.add(job))).toEqual([undefined, undefined, a, b]);
    expect(jobs.size).toBe(2);
    expect([a, b, c, d].map(({ id }) => jobs.wasEvicted(id))).toEqual([true, true, false, false]);
  });

  test('a job that was removed makes room and was not evicted', () => {
    const [a, b, c, d] = [finished(), finished(), finished(), finished()];
    const jobs = new FinishedJobs(2);
    jobs.add(a);
    jobs.add(b);
    jobs.delete(a.id);
    expect(jobs.add(c)).toBeUndefined();
    expect(jobs.add(d)).toBe(b);
    expect(jobs.wasEvicted(a.id)).toBe(false);
  });

  test('without room every job leaves at once', () => {
    const jobs = new FinishedJobs(0);
    const job = finished();
    expect(jobs.add(job)).toBe(job);
  });

  test('the ids of the jobs that left are remembered up to a bound', () => {
    const jobs = new FinishedJobs(0);
    const all = Array.from({ length: 10_002 }, finished);
    for (const job of all) jobs.add(job);
    const remembered = all.map(({ id }) => jobs.wasEvicted(id));
    expect(remembered.slice(0, 3)).toEqual([false, false, true]);
    expect(remembered.filter(Boolean)).toHaveLength(10_000);
  });
});
