import { expect, test } from 'vitest';
import { deferred, makeOne, makeWorld } from './kit.ts';

test('while a job with the key is pending, every caller gets that job', async () => {
  const { monque, ledger } = makeOne();
  const first = await monque.enqueue('sync', 1, { uniqueKey: 'user-1' });
  const second = await monque.enqueue('sync', 2, { uniqueKey: 'user-1' });
  expect(second).toEqual(first);
  expect(ledger.size).toBe(1);
});

test('while a job with the key is processing, every caller gets that job', async () => {
  const { monque, clock, ledger } = makeOne();
  const gate = deferred();
  monque.worker('sync', () => gate.promise);
  await monque.start();
  const first = await monque.enqueue('sync', 1, { uniqueKey: 'user-1' });
  await clock.settle();
  const second = await monque.enqueue('sync', 2, { uniqueKey: 'user-1' });
  expect(second).toMatchObject({ _id: first._id, status: 'processing' });
  expect(ledger.size).toBe(1);
  gate.resolve();
  await monque.stop();
});

test('while a job with the key waits for a retry, every caller gets that job', async () => {
  const { monque, clock } = makeOne();
  monque.worker('sync', () => {
    throw new Error('no');
  });
  await monque.start();
  const first = await monque.enqueue('sync', 1, { uniqueKey: 'user-1' });
  await clock.settle();
  const second = await monque.enqueue('sync', 2, { uniqueKey: 'user-1' });
  expect(second).toMatchObject({ _id: first._id, failCount: 1 });
  await monque.stop();
});

test.each([
  ['completed', () => undefined],
  [
    'failed',
    () => {
      throw new Error('no');
    },
  ],
])('after the job has %s, the key is free', async (_, handler) => {
  const { monque, clock } = makeOne({ maxRetries: 1 });
  monque.worker('sync', handler);
  await monque.start();
  const first = await monque.enqueue('sync', 1, { uniqueKey: 'user-1' });
  await clock.settle();
  const second = await monque.enqueue('sync', 2, { uniqueKey: 'user-1' });
  expect(second._id).not.toEqual(first._id);
  await monque.stop();
});

test('the same key under another name is another key', async () => {
  const { monque, ledger } = makeOne();
  await monque.enqueue('sync', 1, { uniqueKey: 'user-1' });
  await monque.enqueue('mail', 1, { uniqueKey: 'user-1' });
  expect(ledger.size).toBe(2);
});

test('1,000 concurrent calls from two instances give one job, and every caller gets it', async () => {
  const { makeInstance, ledger } = makeWorld();
  const [one, other] = [makeInstance().monque, makeInstance().monque];
  const calls = Array.from({ length: 1000 }, (_, index) =>
    (index % 2 ? one : other).enqueue('sync', index, { uniqueKey: 'user-1' }),
  );
  const ids = (await Promise.all(calls)).map(({ _id }) => _id.toHexString());
  expect(new Set(ids).size).toBe(1);
  expect(ledger.size).toBe(1);
});
