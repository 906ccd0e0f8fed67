import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { BatchPlan } from '../../workers/batches.ts';
import type { BufferedJob } from '../../workers/worker.ts';
import { gatheringOf, takeBatch } from './batch-choice.ts';

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

test('a job gathers in the batch that it will start in, until that is full or has waited', () => {
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'].map((digit) => digit.repeat(24));
  const [a, b, c, d, e, elsewhere] = ids as [string, string, string, string, string, string];
  const inGroup = (id: string, group: string, sinceMs: number, rescueCount = 0): BufferedJob => ({
    ...{ key: id, sinceMs },
    job: { _id: new ObjectId(id), group, rescueCount } as BufferedJob['job'],
  });
  const buffer = [
    ...[inGroup(a, 'x', 0), inGroup(b, 'y', 10), inGroup(c, 'x', 20), inGroup(d, 'x', 30)],
    inGroup(e, 'y', 40, 99),
  ];
  const alone = { handler: () => undefined, buffer: [inGroup(elsewhere, 'x', 0)] };
  const workers = [alone, { handler: plan, buffer }];
  const at = (nowMs: number, id: string): unknown => gatheringOf(id, workers, nowMs, () => true);
  expect(at(50, b)).toEqual({ jobs: 1, size: 2, leftMs: 60 });
  expect(at(50, d)).toEqual({ jobs: 1, size: 2, leftMs: 80 });
  expect([at(50, a), at(50, c), at(50, e), at(50, elsewhere), at(110, b)]).toEqual([
    ...[undefined, undefined, undefined, undefined, undefined],
  ]);
  expect(gatheringOf(b, workers, 50, ({ group }) => group !== 'y')).toBeUndefined();
});
