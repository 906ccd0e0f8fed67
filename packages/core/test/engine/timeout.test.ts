import { describe, expect, test } from 'vitest';
import { deferred, makeOne, payloads } from './kit.ts';

describe('a timeout', () => {
  test('aborts the signal and counts as a failure, also when the handler then returns', async () => {
    const { monque, clock, events } = makeOne({ maxRetries: 1 });
    let reason: unknown;
    monque.worker(
      'slow',
      (_job, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            reason = signal.reason;
            resolve('late');
          });
        }),
    );
    await monque.start();
    const { _id } = await monque.enqueue('slow', undefined, { timeout: 5_000 });
    await clock.advance(4_000);
    expect(reason).toBeUndefined();
    await clock.advance(1_100);
    expect(reason).toMatchObject({ name: 'TimeoutError' });
    expect(await monque.getJob(_id)).toMatchObject({
      status: 'failed',
      failReason: 'The run took longer than its timeout of 5000 ms',
    });
    expect(payloads(events, 'job:fail')).toMatchObject([{ error: { name: 'TimeoutError' } }]);
    await monque.stop();
  });

  test('frees the slot of a handler that goes on all the same', async () => {
    const { monque, clock } = makeOne({ maxRetries: 1 });
    const never = deferred();
    monque.worker('stuck', (job) => (job.data === 'stuck' ? never.promise : undefined), {
      concurrency: 1,
      timeout: 1_000,
    });
    await monque.start();
    const stuck = await monque.enqueue('stuck', 'stuck');
    const next = await monque.enqueue('stuck', 'fine');
    await clock.advance(1_900);
    expect((await monque.getJob(next._id))?.status).toBe('pending');
    await clock.advance(500);
    expect((await monque.getJob(stuck._id))?.status).toBe('failed');
    expect((await monque.getJob(next._id))?.status).toBe('completed');
    await monque.stop();
  });

  test('that is not reached changes nothing and leaves no timer', async () => {
    const { monque, clock } = makeOne();
    monque.worker('quick', () => 'done', { timeout: 5_000 });
    monque.worker('fails', () => Promise.reject(new Error('own')), { timeout: 5_000 });
    await monque.start();
    const { _id } = await monque.enqueue('quick');
    const fails = await monque.enqueue('fails');
    await clock.advance(100);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', result: 'done' });
    expect(await monque.getJob(fails._id)).toMatchObject({ failReason: 'own' });
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('of a job that was cancelled first ends as cancelled', async () => {
    const { monque, clock } = makeOne();
    const never = deferred();
    monque.worker('stuck', () => never.promise, { timeout: 1_000 });
    await monque.start();
    const { _id } = await monque.enqueue('stuck');
    await clock.advance(100);
    await monque.cancelJob(_id);
    await clock.advance(3_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'cancelled' });
    await monque.stop();
  });
});
