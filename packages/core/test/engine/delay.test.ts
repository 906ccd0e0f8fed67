import { expect, test } from 'vitest';
import { makeOne } from './kit.ts';

test('a job with a delay is due so long after it was enqueued, by the clock of the ledger', async () => {
  const { monque, clock } = makeOne();
  const started: number[] = [];
  monque.worker('work', () => void started.push(clock.now()));
  await monque.start();
  const enqueuedMs = clock.now();
  const job = await monque.enqueue('work', 1, { delay: 60_000 });
  expect(job.nextRunAt.getTime()).toBe(enqueuedMs + 60_000);
  await clock.advance(59_000);
  expect(started).toEqual([]);
  await clock.advance(2_000);
  expect(started).toHaveLength(1);
  await monque.stop();
});

test('a delay of 0 is due at once, and each of many may have its own', async () => {
  const { monque, clock } = makeOne();
  const results = await monque.enqueueMany(
    [0, 5, 10].map((delay) => ({ name: 'work', options: { delay } })),
  );
  const dueMs = results.map((result) => 'job' in result && result.job.nextRunAt.getTime());
  expect(dueMs).toEqual([0, 5, 10].map((delay) => clock.now() + delay));
});

test.each([
  [{ delay: -1 }, 'options.delay'],
  [{ delay: 0.5 }, 'options.delay'],
  [{ delay: 400 * 86_400_000 }, 'options.delay'],
  [{ delay: 1, runAt: new Date(0) }, 'options.delay'],
  [{ delay: 1, uniqueKey: 'k', whenTaken: { debounce: 1 } }, 'options.delay'],
])('%j is refused, and nothing is stored', async (options, field) => {
  const { monque } = makeOne();
  await expect(monque.enqueue('work', 1, options)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field,
  });
  expect(await monque.getJobs()).toEqual([]);
});
