import { describe, expect, test } from 'vitest';
import { makeOne, payloads } from './kit.ts';

describe('a job whose handler throws', () => {
  test('runs again after 2^failCount times the base interval, within 50 ms', async () => {
    const { monque, clock, events } = makeOne({ maxRetries: 6, baseRetryInterval: 1_000 });
    const startedAt: number[] = [];
    monque.worker('fails', () => {
      startedAt.push(clock.now());
      throw new Error('not yet');
    });
    await monque.start();
    await monque.enqueue('fails');
    await clock.advance(200_000);
    const gaps = startedAt.slice(1).map((at, index) => at - Number(startedAt[index]));
    expect(gaps).toHaveLength(5);
    for (const [index, gap] of gaps.entries()) {
      expect(Math.abs(gap - 2 ** (index + 1) * 1_000)).toBeLessThanOrEqual(50);
    }
    expect(payloads(events, 'job:fail').map(({ willRetry }) => willRetry)).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
    await monque.stop();
  });

  test('counts its failures and keeps the last reason', async () => {
    const { monque, clock } = makeOne();
    let run = 0;
    monque.worker('fails', () => {
      run += 1;
      throw new Error(`reason ${run}`);
    });
    await monque.start();
    const { _id } = await monque.enqueue('fails');
    await clock.advance(2_000);
    expect(await monque.getJob(_id)).toMatchObject({
      status: 'pending',
      failCount: 2,
      failReason: 'reason 2',
    });
    await monque.stop();
  });

  test('has failed for good when failCount reaches maxRetries', async () => {
    const { monque, clock, events } = makeOne({ maxRetries: 2 });
    monque.worker('fails', () => Promise.reject(new Error('no')));
    await monque.start();
    const { _id } = await monque.enqueue('fails', 1, { uniqueKey: 'k' });
    await clock.advance(60_000);
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'failed', failCount: 2, failReason: 'no' });
    expect(job?.uniqueLock).toBeUndefined();
    const [, last] = payloads(events, 'job:fail');
    expect(last).toMatchObject({ willRetry: false, error: { message: 'no' } });
    expect(last?.job).toMatchObject({ status: 'failed', failCount: 2 });
    await monque.stop();
  });

  test('with one try only fails at once', async () => {
    const { monque, clock } = makeOne({ maxRetries: 1 });
    monque.worker('fails', () => {
      throw new Error('no');
    });
    await monque.start();
    const { _id } = await monque.enqueue('fails');
    await clock.settle();
    expect(await monque.getJob(_id)).toMatchObject({ status: 'failed', failCount: 1 });
    await monque.stop();
  });

  test('succeeds later and keeps its fail count', async () => {
    const { monque, clock, events } = makeOne();
    let run = 0;
    monque.worker('flaky', () => {
      run += 1;
      if (run < 3) throw new Error('not yet');
    });
    await monque.start();
    const { _id } = await monque.enqueue('flaky');
    await clock.advance(10_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', failCount: 2, fence: 3 });
    expect(events.map(({ name }) => name).filter((name) => name !== 'job:start')).toEqual([
      'job:fail',
      'job:fail',
      'job:complete',
    ]);
    await monque.stop();
  });

  test('waits no longer than maxBackoffDelay', async () => {
    const { monque, clock } = makeOne({ maxBackoffDelay: 3_000 });
    let runs = 0;
    monque.worker('fails', () => {
      runs += 1;
      throw new Error('no');
    });
    await monque.start();
    await monque.enqueue('fails');
    await clock.advance(2_000 + 3_000 + 3_000);
    expect(runs).toBe(4);
    await monque.stop();
  });

  test('is not hurt by what is thrown: a long message is cut, a value becomes a message', async () => {
    const { monque, clock } = makeOne({ maxRetries: 1 });
    monque.worker('long', () => {
      throw new Error('x'.repeat(5_000));
    });
    monque.worker('odd', () => {
      throw undefined;
    });
    monque.worker('hostile', (job) => {
      throw job.data === 'object'
        ? Object.create(null)
        : Object.defineProperty(new Error('x'), 'message', {
            get: () => (job.data === 'getter' ? JSON.parse('{') : Object.create(null)),
          });
    });
    await monque.start();
    const [long, odd] = [await monque.enqueue('long'), await monque.enqueue('odd')];
    const hostile = await monque.enqueueMany(
      ['object', 'getter', 'message'].map((data) => ({ name: 'hostile', data })),
    );
    await clock.settle();
    for (const result of hostile) {
      const id = 'error' in result ? odd._id : result.job._id;
      expect(await monque.getJob(id)).toMatchObject({ status: 'failed' });
      expect((await monque.getJob(id))?.failReason).toMatch(/cannot be/);
    }
    expect((await monque.getJob(long._id))?.failReason).toHaveLength(1_000);
    expect((await monque.getJob(odd._id))?.failReason).toBe('undefined');
    await monque.stop();
  });
});
