import { describe, expect, test } from 'vitest';
import { MANUAL_CLOCK_START } from '../../src/testing/index.ts';
import { MINUTE_MS, makeOne, payloads } from './kit.ts';

describe('retries as the job and the worker want them', () => {
  async function gaps(worker: object, job: object, runs = 4): Promise<number[]> {
    const { monque, clock } = makeOne();
    const startedAt: number[] = [];
    monque.worker(
      'fails',
      () => {
        startedAt.push(clock.now());
        throw new Error(`failure ${startedAt.length}`);
      },
      worker,
    );
    await monque.start();
    await monque.enqueue('fails', undefined, job);
    await clock.advance(10 * MINUTE_MS);
    await monque.stop();
    return startedAt
      .slice(1, runs)
      .map((at, index) => Math.round((at - Number(startedAt[index])) / 10) * 10);
  }

  test('a fixed backoff waits the same each time', async () => {
    expect(await gaps({ backoff: { type: 'fixed', delay: 3_000 } }, {})).toEqual([
      3_000, 3_000, 3_000,
    ]);
  });

  test('an exponential backoff doubles up to its cap', async () => {
    const backoff = { type: 'exponential', delay: 1_000, maxDelay: 5_000 };
    expect(await gaps({}, { backoff })).toEqual([2_000, 4_000, 5_000]);
  });

  test('a function gets the failures and the error', async () => {
    const seen: unknown[] = [];
    const backoff = (failCount: number, error: Error): number => {
      seen.push([failCount, error.message]);
      return failCount * 1_000;
    };
    expect(await gaps({ backoff, maxRetries: 3 }, {})).toEqual([1_000, 2_000]);
    expect(seen).toEqual([
      [1, 'failure 1'],
      [2, 'failure 2'],
    ]);
  });

  test('a function that fails is reported, and the delay doubles from one second', async () => {
    const { monque, clock, events } = makeOne();
    const backoff = (): number => Number.NaN;
    monque.worker('fails', () => Promise.reject(new Error('no')), { backoff });
    await monque.start();
    const { _id } = await monque.enqueue('fails');
    await clock.advance(10);
    const job = await monque.getJob(_id);
    expect(Number(job?.nextRunAt.getTime()) - MANUAL_CLOCK_START.getTime()).toBe(2_000);
    expect(
      payloads(events, 'job:error')
        .map(({ error }) => error.message)
        .join(),
    ).toContain('backoff()');
    await monque.stop();
  });

  test('what the job states goes before the worker, and the worker before the scheduler', async () => {
    const { monque, clock } = makeOne({ maxRetries: 5, baseRetryInterval: 1 });
    const fails = () => Promise.reject(new Error('no'));
    monque.worker('three', fails, { maxRetries: 3 });
    monque.worker('five', fails);
    await monque.start();
    const jobs = [
      await monque.enqueue('three', 1, { maxRetries: 2 }),
      await monque.enqueue('three'),
      await monque.enqueue('five'),
    ];
    await clock.advance(MINUTE_MS);
    const counts = await Promise.all(
      jobs.map(async ({ _id }) => (await monque.getJob(_id))?.failCount),
    );
    expect(counts).toEqual([2, 3, 5]);
    await monque.stop();
  });

  test('jitter shortens delays by chance, within its part', async () => {
    const { monque, clock } = makeOne({ retryJitter: 0.5 });
    monque.worker('fails', () => Promise.reject(new Error('no')));
    await monque.start();
    const jobs = await Promise.all(Array.from({ length: 20 }, () => monque.enqueue('fails')));
    await clock.advance(50);
    const delays = await Promise.all(
      jobs.map(async ({ _id }) => {
        const job = await monque.getJob(_id);
        return Number(job?.nextRunAt.getTime()) - MANUAL_CLOCK_START.getTime();
      }),
    );
    expect(new Set(delays).size).toBeGreaterThan(10);
    for (const delay of delays) expect(delay).toBeGreaterThanOrEqual(1_000);
    for (const delay of delays) expect(delay).toBeLessThanOrEqual(2_050);
    await monque.stop();
  });
});

test('a function for the delay that rejects is reported, and ends neither the process nor the retries', async () => {
  const { monque, clock, events } = makeOne();
  const backoff = (() => Promise.reject(new Error('late'))) as unknown as () => number;
  monque.worker('fails', () => Promise.reject(new Error('no')), { backoff, maxRetries: 2 });
  await monque.start();
  const { _id } = await monque.enqueue('fails');
  await clock.advance(10_000);
  expect(await monque.getJob(_id)).toMatchObject({ status: 'failed', failCount: 2 });
  expect(String(payloads(events, 'job:error')[0]?.error)).toContain('backoff()');
  await monque.stop();
});
