import { expect, test } from 'vitest';
import { BatchPlan } from '../../workers/batches.ts';
import type { BufferedJob } from '../../workers/worker.ts';
import { takeBatch } from './batch-choice.ts';

const plan = new BatchPlan({ batch: () => undefined, size: 2, wait: 100, by: 'group' });

function buffered(key: string, group: string, sinceMs: number): BufferedJob {
  return { key, sinceMs, job: { group } as BufferedJob['job'] };
}

const keysOf = (jobs: readonly BufferedJob[]): readonly string[] => jobs.map(({ key }) => key);

test('of the batches that are ready, the one whose first job came first goes first', () => {
  const buffer = [
    ...[buffered('1', 'a', 0), buffered('2', 'b', 0), buffered('3', 'c', 0)],
    ...[buffered('4', 'c', 0), buffered('5', 'b', 0), buffered('6', 'b', 0)],
  ];
  const taken = [50, 50, 50, 100].map((nowMs) => takeBatch(buffer, plan, nowMs, () => true));
  const [first, second, third, fourth] = taken as [BufferedJob[], BufferedJob[], number, unknown];
  expect([keysOf(first), keysOf(second), third]).toEqual([['2', '5'], ['3', '4'], 50]);
  expect(keysOf(fourth as BufferedJob[])).toEqual(['1']);
  expect(keysOf(buffer)).toEqual(['6']);
});

test('a job that may not start now stays where it is', () => {
  const buffer = [buffered('1', 'a', 0), buffered('2', 'a', 0), buffered('3', 'a', 20)];
  const mayStart = (job: unknown): boolean => job !== buffer[1]?.job;
  expect(takeBatch(buffer, plan, 50, mayStart)).toMatchObject([{ key: '1' }, { key: '3' }]);
  expect(keysOf(buffer)).toEqual(['2']);
});
