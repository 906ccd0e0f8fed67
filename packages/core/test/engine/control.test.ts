import { describe, expect, test } from 'vitest';
import {
  gate,
  InvalidArgumentError,
  JobStateError,
  stage,
  UniqueKeyTakenError,
} from '../../src/index.ts';
import { MANUAL_CLOCK_START } from '../../src/testing/index.ts';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';

function at(ms: number): Date {
  return new Date(MANUAL_CLOCK_START.getTime() + ms);
}

describe('retryJob', () => {
  test('makes a failed job pending again, at once and without failures', async () => {
    const { monque, clock, events } = makeOne({ maxRetries: 1 });
    let isDown = true;
    monque.worker('work', () => {
      if (isDown) throw new Error('down');
    });
    await monque.start();
    const { _id } = await monque.enqueue('work', 1, { uniqueKey: 'k' });
    await clock.advance(100);
    isDown = false;
    const job = await monque.retryJob(_id);
    expect(job).toMatchObject({ status: 'pending', failCount: 0, uniqueLock: 'key:k' });
    expect(job?.failReason).toBeUndefined();
    expect(job?.finishedAt).toBeUndefined();
    await clock.advance(100);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', fence: 3 });
    expect(payloads(events, 'job:retried')).toMatchObject([{ job: { _id } }]);
    await monque.stop();
  });

  test('does not collide with a live unique twin: it names the holder and changes nothing', async () => {
    const { monque } = makeOne();
    const first = await monque.enqueue('work', 1, { uniqueKey: 'k' });
    await monque.cancelJob(first._id);
    const twin = await monque.enqueue('work', 2, { uniqueKey: 'k' });
    const error = await monque.retryJob(first._id).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UniqueKeyTakenError);
    expect(error).toMatchObject({ jobId: first._id, holderId: twin._id });
    expect((error as Error).message).toContain(twin._id.toHexString());
    expect((await monque.getJob(first._id))?.status).toBe('cancelled');
  });

  test('is refused for a job that is not over, and answers null for none', async () => {
    const { monque } = makeOne();
    const { _id } = await monque.enqueue('work');
    await expect(monque.retryJob(_id)).rejects.toBeInstanceOf(JobStateError);
    expect(await monque.retryJob('0'.repeat(24))).toBeNull();
    await expect(monque.retryJob('x')).rejects.toBeInstanceOf(InvalidArgumentError);
  });
});

describe('rescheduleJob', () => {
  test('moves a pending job, earlier or later, and wakes its worker', async () => {
    const { monque, clock } = makeOne();
    monque.worker('work', () => undefined);
    await monque.start();
    const { _id } = await monque.enqueue('work', 1, { runAt: at(3_600_000) });
    expect(await monque.rescheduleJob(_id, at(5_000))).toMatchObject({ nextRunAt: at(5_000) });
    await clock.advance(5_100);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', nextRunAt: at(5_000) });
    await expect(monque.rescheduleJob(_id, at(0))).rejects.toBeInstanceOf(JobStateError);
    expect(await monque.rescheduleJob('0'.repeat(24), at(0))).toBeNull();
    await expect(monque.rescheduleJob(_id, new Date(Number.NaN))).rejects.toMatchObject({
      field: 'runAt',
    });
    await monque.stop();
  });
});

describe('cancelJob', () => {
  test('in another process aborts the signal of a running job within a second', async () => {
    const { clock, makeInstance } = makeWorld();
    const [runner, other] = [makeInstance(), makeInstance()];
    let abortedAt = 0;
    runner.monque.worker(
      'long',
      (_job, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            abortedAt = clock.now();
            reject(signal.reason);
          });
        }),
    );
    await runner.monque.start();
    const { _id } = await other.monque.enqueue('long');
    await clock.advance(2_000);
    const askedAt = clock.now();
    await other.monque.cancelJob(_id);
    await clock.advance(1_000);
    expect(abortedAt - askedAt).toBeLessThanOrEqual(1_000);
    expect(abortedAt).toBeGreaterThan(0);
    expect(await other.monque.getJob(_id)).toMatchObject({ status: 'cancelled' });
    await runner.monque.stop();
  });

  test.each([
    ['pending', 'cancelled'],
    ['blocked', 'cancelled'],
    ['processing', 'processing'],
    ['cancelled', 'cancelled'],
    ['completed', undefined],
    ['failed', undefined],
  ] as const)(
    'of a %s job names the state it is in where it cannot be done',
    async (status, after) => {
      const { monque, clock } = makeOne();
      const ended = deferred();
      monque.worker<string>('work', ({ data }) => {
        if (data === 'failed') throw new Error('no');
        return data === 'processing' ? ended.promise : undefined;
      });
      monque.worker('gated', { stages: [gate('ok'), stage('rest', () => 1)] });
      await monque.start();
      const name = status === 'blocked' ? 'gated' : 'work';
      const delay = status === 'pending' || status === 'cancelled' ? 3_600_000 : 0;
      const { _id } = await monque.enqueue(name, status, { delay, maxRetries: 1 });
      if (status === 'cancelled') await monque.cancelJob(_id);
      await clock.advance(1_000);
      expect(await monque.getJob(_id)).toMatchObject({ status });
      const answer = await monque.cancelJob(_id).catch((error: unknown) => error);
      if (after === undefined) {
        expect(answer).toBeInstanceOf(JobStateError);
        expect(answer).toMatchObject({ status, verb: 'cancelJob' });
        const allowed = 'cancelJob is allowed from: pending, blocked, processing';
        expect(String(answer)).toContain(`it is ${status}, and ${allowed}`);
      } else {
        expect(answer).toMatchObject({ _id, status: after });
        expect('cancelRequestedAt' in Object(answer)).toBe(status === 'processing');
      }
      ended.resolve();
      await monque.stop();
    },
  );

  test('of a job that was deleted answers null', async () => {
    const { monque } = makeOne();
    const { _id } = await monque.enqueue('work');
    await monque.deleteJob(_id);
    expect(await monque.cancelJob(_id)).toBeNull();
  });

  test('keeps the reason, and refuses a wrong one', async () => {
    const { monque } = makeOne();
    const { _id } = await monque.enqueue('work');
    await expect(monque.cancelJob(_id, { reason: 5 as never })).rejects.toMatchObject({
      field: 'options.reason',
    });
    const job = await monque.cancelJob(_id, { reason: 'sold out' });
    expect(job?.history).toMatchObject([{ verb: 'cancel', reason: 'sold out' }]);
  });
});

describe('deleteJob', () => {
  test('reports the job as it was', async () => {
    const { monque, events } = makeOne();
    const { _id } = await monque.enqueue('work', 'data');
    expect(await monque.deleteJob(_id)).toBe(true);
    expect(await monque.deleteJob(_id)).toBe(false);
    expect(payloads(events, 'job:deleted')).toMatchObject([{ job: { _id, data: 'data' } }]);
  });
});
