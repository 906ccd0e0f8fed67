import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, type Job } from '../../src/index.ts';
import { makeOne, payloads } from './kit.ts';

/** A little longer than the time between two polls while change streams work. */
const POLL_MS = 31_000;

/** A scheduler whose runs take ten seconds, unless their signal aborts and they heed it. */
async function rendering({ heeds = true, runMs = 10_000 } = {}) {
  const one = makeOne({ maxRetries: 3 });
  const runs: string[] = [];
  one.monque.worker<number>(
    'render',
    ({ data }, { signal }) => {
      runs.push(`start ${data}`);
      return new Promise((resolve, reject) => {
        const timer = one.clock.setTimer(() => {
          runs.push(`end ${data}`);
          resolve(data);
        }, runMs);
        if (!heeds) return;
        signal.addEventListener('abort', () => {
          timer.cancel();
          runs.push(`cancel ${data}`);
          reject(signal.reason);
        });
      });
    },
    { order: {}, concurrency: 5 },
  );
  await one.monque.start();
  const put = (data: number, running?: 'cancel' | 'finish'): Promise<Job<number>> =>
    one.monque.enqueue('render', data, {
      supersede: { key: 'doc-9', ...(running && { running }) },
    });
  return { ...one, runs, put };
}

describe('an enqueue that supersedes', () => {
  test('cancels the one that runs, and starts when that has ended', async () => {
    const { monque, clock, runs, put } = await rendering();
    const first = await put(1);
    await clock.advance(1_000);
    const second = await put(2);
    await clock.advance(1_000);
    expect(runs).toEqual(['start 1', 'cancel 1', 'start 2']);
    await clock.advance(10_000);
    expect(runs.at(-1)).toBe('end 2');
    const cancelled = await monque.getJob(first._id);
    expect(cancelled?.status).toBe('cancelled');
    const reasons = cancelled?.history?.map(({ reason }) => reason);
    expect(reasons).toContain(`Superseded by job ${second._id.toHexString()}`);
    expect((await monque.getJob(second._id))?.status).toBe('completed');
    await monque.stop();
  });

  test('leaves the one that runs to finish where that is wanted', async () => {
    const { monque, clock, runs, put } = await rendering();
    await put(1);
    await clock.advance(1_000);
    await put(2, 'finish');
    await clock.advance(25_000);
    expect(runs).toEqual(['start 1', 'end 1', 'start 2', 'end 2']);
    await monque.stop();
  });

  test('takes the place of the one that waits, so that one waits and one runs at most', async () => {
    const { monque, clock, runs, put } = await rendering({ heeds: false });
    await put(1);
    await clock.advance(1_000);
    const waiting = await put(2);
    const ids = [await put(3), await put(4)].map(({ _id }) => _id.toHexString());
    expect(new Set(ids)).toEqual(new Set([waiting._id.toHexString()]));
    expect((await monque.getJobs({ status: ['pending', 'processing'] })).length).toBe(2);
    await clock.advance(30_000);
    expect(runs).toEqual(['start 1', 'end 1', 'start 4', 'end 4']);
    await monque.stop();
  });

  test('cancels one at once that waits for its retry', async () => {
    const { monque, clock, events } = makeOne({ maxRetries: 3, baseRetryInterval: 60_000 });
    const done: unknown[] = [];
    monque.worker(
      'render',
      ({ data }) => {
        if (data === 1) throw new Error('no');
        done.push(data);
      },
      { order: {} },
    );
    await monque.start();
    await monque.enqueue('render', 1, { supersede: { key: 'k' } });
    await clock.advance(500);
    await monque.enqueue('render', 2, { supersede: { key: 'k' } });
    await clock.advance(500);
    expect(done).toEqual([2]);
    expect(payloads(events, 'job:cancelled')).toHaveLength(1);
    await monque.stop();
  });

  test('of another key, or another name, does not touch it', async () => {
    const { monque, clock, runs, put } = await rendering();
    await put(1);
    await clock.advance(500);
    await monque.enqueue('render', 2, { supersede: { key: 'doc-8' } });
    await monque.enqueue('other', 3, { supersede: { key: 'doc-9' } });
    await clock.advance(500);
    expect(runs).toEqual(['start 1', 'start 2']);
    await clock.advance(20_000);
    await monque.stop();
  });

  test('that is called again asks once', async () => {
    const { monque, clock, put } = await rendering({ heeds: false });
    const first = await put(1);
    await clock.advance(1_000);
    for (const data of [2, 3, 3]) await put(data);
    const asked = (await monque.getJob(first._id))?.history?.map(({ verb }) => verb);
    expect(asked).toEqual(['requestCancel']);
    await clock.advance(30_000);
    await monque.stop();
  });

  test.each([
    ['supersede.key', { supersede: {} }],
    ['supersede.key', { supersede: { key: '' } }],
    ['supersede.key', { supersede: { key: 'k'.repeat(257) } }],
    ['supersede.running', { supersede: { key: 'k', running: 'stop' } }],
    ['order', { supersede: { key: 'k' }, order: 'k' }],
    ['group', { supersede: { key: 'k' }, group: 'acme' }],
    ['priority', { supersede: { key: 'k' }, priority: 1 }],
    ['uniqueKey', { supersede: { key: 'k' }, uniqueKey: 'k' }],
    ['whenTaken', { supersede: { key: 'k' }, whenTaken: 'keep' }],
    ['delay', { supersede: { key: 'k' }, delay: 1, runAt: new Date(0) }],
  ])('names what is wrong: %s', async (field, options) => {
    const { monque, faulty } = makeOne();
    const error = await monque.enqueue('render', 1, options as never).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ field: `options.${field}` });
    expect(faulty.calls('enqueue')).toBe(0);
  });

  test('is refused where the worker runs no orders, and among many', async () => {
    const { monque } = makeOne();
    monque.worker('render', () => 1);
    const options = { supersede: { key: 'k' } };
    await expect(monque.enqueue('render', 1, options)).rejects.toMatchObject({
      field: 'options.supersede',
    });
    const entries = [{ name: 'other', options: options as never }];
    await expect(monque.enqueueMany(entries)).rejects.toMatchObject({
      field: 'entries[0].options.supersede',
    });
  });
});

describe('the job that is superseded', () => {
  test('may have ended meanwhile', async () => {
    const { monque, ledger, faulty, clock, put } = await rendering();
    const first = await put(1);
    await clock.advance(1_000);
    faulty.plan('cancel', {
      onArrival: async () => {
        const { claimToken = '', fence } = (await ledger.getJob({ jobId: first._id })) as Job;
        const settlement = { verb: 'complete', jobId: first._id, claimToken, fence } as const;
        await ledger.settle({ settlements: [settlement], now: new Date(clock.now()) });
      },
    });
    const second = await put(2);
    expect((await monque.getJob(first._id))?.status).toBe('completed');
    await clock.advance(30_000);
    expect((await monque.getJob(second._id))?.status).toBe('completed');
    await monque.stop();
  });

  test('is asked by whoever sweeps, where who enqueued died before it asked', async () => {
    const { monque, faulty, clock, runs, put } = await rendering({ runMs: POLL_MS * 3 });
    await put(1);
    await clock.advance(1_000);
    faulty.plan('findAhead', { onArrival: () => Promise.reject(new Error('gone')) });
    await put(2);
    expect(runs).toEqual(['start 1']);
    await clock.advance(POLL_MS);
    expect(runs).toEqual(['start 1', 'cancel 1', 'start 2']);
    await clock.advance(POLL_MS * 3);
    await monque.stop();
  });

  test('is asked so when the one that waits was replaced, and was to let it finish before', async () => {
    const { monque, faulty, clock, runs, put } = await rendering({ runMs: POLL_MS * 3 });
    await put(1);
    await clock.advance(500);
    await put(2, 'finish');
    await clock.advance(POLL_MS);
    expect(runs).toEqual(['start 1']);
    faulty.plan('findAhead', { onArrival: () => Promise.reject(new Error('gone')) });
    await put(3);
    await clock.advance(POLL_MS);
    expect(runs.slice(0, 3)).toEqual(['start 1', 'cancel 1', 'start 3']);
    await clock.advance(POLL_MS * 3);
    await monque.stop();
  });

  test('may not be reached, which is reported, and no error of the enqueue: the new job is stored', async () => {
    const { monque, ledger, faulty, clock, events, put } = await rendering();
    const first = await put(1);
    await clock.advance(1_000);
    const failed = new Error('no answer');
    faulty.plan('cancel', { onArrival: () => Promise.reject(failed) });
    const second = await put(2);
    expect(payloads(events, 'job:error')).toMatchObject([{ error: failed }]);
    expect(await ledger.getJob({ jobId: second._id })).toMatchObject({
      status: 'pending',
      data: 2,
    });
    const running = await ledger.getJob({ jobId: first._id });
    expect(running).toMatchObject({ status: 'processing' });
    expect(running?.cancelRequestedAt).toBeUndefined();
    await clock.advance(30_000);
    await monque.stop();
  });
});

test('an enqueue that supersedes nothing costs no call more', async () => {
  const { monque, faulty } = makeOne();
  await monque.enqueue('render', 1, { order: 'k' });
  expect([faulty.calls('findAhead'), faulty.calls('cancel')]).toEqual([0, 0]);
});
