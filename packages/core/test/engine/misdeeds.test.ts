/** What handlers and listeners do to what they are given harms nothing but themselves. */
import { describe, expect, test } from 'vitest';
import type { HandlerOutcome, Job } from '../../src/index.ts';
import { makeOne, payloads } from './kit.ts';

/** Changes every field of a job that the engine could need again. */
function spoil(job: Job): void {
  const fields = ['_id', 'name', 'status', 'fence', 'claimToken', 'claimedBy', 'history', 'data'];
  for (const field of fields) Reflect.set(job, field, 'spoilt');
}

describe('a job that is changed by', () => {
  test('its handler is recorded as it was, and so are the others', async () => {
    const { monque, clock, events } = makeOne();
    monque.worker('spoils', spoil);
    monque.worker('innocent', () => 'done');
    await monque.start();
    const spoilt = await monque.enqueue('spoils', 'data');
    const innocent = await monque.enqueue('innocent');
    await clock.advance(1_000);
    expect(await monque.getJob(spoilt._id)).toMatchObject({ status: 'completed', data: 'data' });
    expect(await monque.waitFor(innocent)).toBe('done');
    expect(payloads(events, 'job:error')).toEqual([]);
    await monque.stop();
    expect(monque.health().unsettledJobs).toBe(0);
  });

  test('listeners of every event is recorded as it was', async () => {
    const { monque, clock } = makeOne();
    for (const event of ['job:start', 'job:progress', 'job:complete', 'job:fail'] as const) {
      monque.on(event, ({ job }: { readonly job: Job }) => spoil(job));
    }
    monque.worker('work', async (_job, { progress }) => {
      await progress(1);
      return 'done';
    });
    monque.worker(
      'fails',
      () => {
        throw new Error('no');
      },
      { maxRetries: 1 },
    );
    await monque.start();
    const job = await monque.enqueue('work');
    const failing = await monque.enqueue('fails');
    const result = monque.waitFor(job);
    await clock.advance(2_000);
    expect(await result).toBe('done');
    expect(await monque.getJob(failing._id)).toMatchObject({ status: 'failed', name: 'fails' });
    await monque.stop();
  });
});

describe('what a handler returns', () => {
  test('is a result when it only looks like an outcome, as JSON from elsewhere may', async () => {
    const { monque, clock } = makeOne();
    const outcome = { kind: 'snoozed', delayMs: 9e15 };
    const looksLike = { brand: 'monque.HandlerOutcome', outcome };
    monque.worker('work', () => looksLike as unknown as HandlerOutcome);
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', result: looksLike });
    await monque.stop();
  });
});

/** What answers to nothing any more. */
function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('a revoked proxy', () => {
  test('that a handler throws, rejects with or returns harms no other job', async () => {
    const { monque, clock, events } = makeOne();
    const misdeeds = [
      () => {
        throw revoked();
      },
      () => Promise.reject(revoked()),
      () => revoked(),
      () => ({ nested: revoked() }),
    ];
    misdeeds.forEach((misdeed, index) => {
      monque.worker(`misdeed-${index}`, misdeed, { maxRetries: 1 });
    });
    monque.on('job:start', () => {
      throw revoked();
    });
    monque.worker('innocent', () => 'done');
    await monque.start();
    const jobs = await monque.enqueueMany(
      misdeeds.map((_, index) => ({ name: `misdeed-${index}` })),
    );
    const innocent = await monque.enqueue('innocent');
    await clock.advance(2_000);
    expect(await monque.waitFor(innocent)).toBe('done');
    const ends = await monque.getJobs({ status: ['failed', 'completed'] });
    expect(ends).toHaveLength(jobs.length + 1);
    expect(payloads(events, 'job:error').every(({ error }) => error instanceof Error)).toBe(true);
    await monque.stop();
    expect(monque.health().unsettledJobs).toBe(0);
  });

  test('as data is refused by its path', async () => {
    const { monque } = makeOne();
    const enqueued = monque.enqueue('work', { deep: [revoked()] });
    await expect(enqueued).rejects.toMatchObject({ field: 'data.deep[0]' });
    const trap = {
      get price(): number {
        throw new RangeError('no price');
      },
    };
    await expect(monque.enqueue('work', { trap })).rejects.toThrow(/`data\.trap`.*no price/);
    await monque.stop();
  });
});
