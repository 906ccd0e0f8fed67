import { describe, expect, test } from 'vitest';
import type { Job } from '../../job/job.ts';
import { makeJob } from '../../testing/index.ts';
import { DueQueue, inClaimOrder } from './due-queue.ts';
import { copyIn, type StoredJob } from './stored-job.ts';

function jobDue(ms: number, overrides: Partial<Job> = {}): StoredJob {
  return copyIn(makeJob({ nextRunAt: new Date(ms), ...overrides }));
}

function queueOf(...jobs: readonly StoredJob[]): DueQueue {
  const queue = new DueQueue();
  for (const job of jobs) queue.add(job);
  return queue;
}

function take(queue: DueQueue, nowMs: number, limit = 100): readonly StoredJob[] {
  return queue.take(limit, nowMs, (job) => job.nextRunAt.getTime() <= nowMs);
}

describe('DueQueue', () => {
  test('takes the most urgent of the due jobs, up to the limit', () => {
    const [later, sooner, urgent] = [jobDue(20), jobDue(10), jobDue(30, { priority: -1 })];
    const queue = queueOf(later, sooner, urgent, jobDue(31));
    expect(take(queue, 30, 2)).toEqual([urgent, sooner]);
    expect(take(queue, 30, 2)).toEqual([later]);
    expect(queue.size).toBe(1);
  });

  test('a job that was reached by a clock ahead waits for a clock behind, and is not lost', () => {
    const ahead = jobDue(100, { priority: -1 });
    const behind = jobDue(50);
    const queue = queueOf(ahead, behind);
    take(queue, 100, 0);
    expect(take(queue, 60)).toEqual([behind]);
    expect(take(queue, 99)).toEqual([]);
    expect(take(queue, 100)).toEqual([ahead]);
  });

  test('a deleted job is never taken, due or not', () => {
    const [due, future] = [jobDue(10), jobDue(100)];
    const queue = queueOf(due, future);
    take(queue, 10, 0);
    queue.delete(due.id);
    queue.delete(future.id);
    queue.delete('unknown');
    expect(queue.size).toBe(0);
    expect(take(queue, 1000)).toEqual([]);
  });

  test('a job may come back after it was taken or deleted', () => {
    const job = jobDue(10);
    const queue = queueOf(job);
    expect(take(queue, 10)).toEqual([job]);
    queue.add(job);
    queue.delete(job.id);
    queue.add(job);
    expect(take(queue, 10)).toEqual([job]);
    expect(take(queue, 10)).toEqual([]);
  });

  test('the jobs that stay are untouched when the deleted ones are swept out', () => {
    const jobs = Array.from({ length: 400 }, (_, index) => jobDue(index));
    const queue = queueOf(...jobs);
    take(queue, 199, 0);
    for (const [index, job] of jobs.entries()) if (index % 10 !== 0) queue.delete(job.id);
    expect(queue.size).toBe(40);
    expect(take(queue, 400)).toEqual(jobs.filter((_, index) => index % 10 === 0));
  });

  test('the next due time is the earliest that is later', () => {
    const queue = queueOf(jobDue(10), jobDue(20), jobDue(30));
    expect([0, 9, 10, 25, 30].map((ms) => queue.nextDueMs(ms))).toEqual([10, 10, 20, 30, Infinity]);
  });

  test('the next due time is right for a clock behind the one that asked before', () => {
    const deleted = jobDue(15);
    const queue = queueOf(jobDue(10), deleted, jobDue(20, { priority: -5 }), jobDue(40));
    take(queue, 30, 0);
    queue.delete(deleted.id);
    expect([12, 5, 25, 19].map((ms) => queue.nextDueMs(ms))).toEqual([20, 10, 40, 20]);
  });

  test('deleted jobs have no due time', () => {
    const job = jobDue(10);
    const queue = queueOf(job, jobDue(20));
    queue.delete(job.id);
    expect(queue.nextDueMs(0)).toBe(20);
  });
});

describe('inClaimOrder', () => {
  test('sorts by priority, then due time, then id', () => {
    const [first, second] = [jobDue(5), jobDue(5)].sort((a, b) => (a.id < b.id ? -1 : 1));
    const [urgent, early] = [jobDue(9, { priority: -1 }), jobDue(1)];
    const ordered = [urgent, early, first, second];
    expect(inClaimOrder([second, early, first, urgent] as StoredJob[])).toEqual(ordered);
  });
});
