import { describe, expect, test } from 'vitest';
import { MANUAL_CLOCK_START } from '../../src/testing/index.ts';
import { makeOne, makeWorld, payloads } from './kit.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** So that a week of nothing else is quickly over. */
const CALM = { leaseDuration: HOUR_MS, pollInterval: HOUR_MS };

describe('finished jobs', () => {
  test('leave after a day, failed ones after a week; what is not finished stays', async () => {
    const { monque, clock } = makeOne({ ...CALM, maxRetries: 1 });
    monque.worker('works', () => undefined);
    monque.worker('fails', () => Promise.reject(new Error('no')));
    await monque.start();
    const completed = await monque.enqueue('works');
    const failed = await monque.enqueue('fails');
    const cancelled = await monque.enqueue('idle');
    await monque.cancelJob(cancelled._id);
    const waiting = await monque.enqueue('idle');
    const isThere = async (): Promise<boolean[]> =>
      Promise.all(
        [completed, failed, cancelled, waiting].map(
          async ({ _id }) => (await monque.getJob(_id)) !== null,
        ),
      );
    await clock.advance(DAY_MS - HOUR_MS);
    expect(await isThere()).toEqual([true, true, true, true]);
    await clock.advance(3 * HOUR_MS);
    expect(await isThere()).toEqual([false, true, false, true]);
    await clock.advance(6 * DAY_MS);
    expect(await isThere()).toEqual([false, false, false, true]);
    await monque.stop();
  });

  test('stay for as long as the options say, for ever where they say so', async () => {
    const { monque, clock } = makeOne({
      ...CALM,
      jobRetention: { completed: HOUR_MS, cancelled: false, failed: undefined as never },
    });
    monque.worker('works', () => undefined);
    await monque.start();
    const completed = await monque.enqueue('works');
    const cancelled = await monque.enqueue('idle');
    await monque.cancelJob(cancelled._id);
    await clock.advance(3 * HOUR_MS);
    expect(await monque.getJob(completed._id)).toBeNull();
    await clock.advance(9 * DAY_MS);
    expect(await monque.getJob(cancelled._id)).toMatchObject({ status: 'cancelled' });
    await monque.stop();
  });

  test('are never looked for when all of them stay', async () => {
    const { monque, clock, faulty } = makeOne({
      jobRetention: { completed: false, cancelled: false, failed: false },
    });
    await monque.start();
    await clock.advance(HOUR_MS);
    expect(faulty.calls('prune')).toBe(0);
    await monque.stop();
  });

  test('leave no sooner than twice the resend limit, so that no late enqueue brings one back', async () => {
    const { monque, clock } = makeOne({ jobRetention: { completed: 0 }, resendLimit: 600_000 });
    monque.worker('works', () => undefined);
    await monque.start();
    const { _id } = await monque.enqueue('works');
    await clock.advance(1_190_000);
    expect(await monque.getJob(_id)).not.toBeNull();
    await clock.advance(HOUR_MS + 120_000);
    expect(await monque.getJob(_id)).toBeNull();
    await monque.stop();
  });

  test('move to the archive when that is wanted, which answers the same queries', async () => {
    const { monque, clock } = makeOne({ jobRetention: { completed: HOUR_MS, archive: true } });
    monque.worker('works', () => 'result');
    await monque.start();
    const { _id } = await monque.enqueue('works', { a: 1 });
    await clock.advance(4 * HOUR_MS);
    expect(await monque.getJobs()).toEqual([]);
    expect(await monque.getJob(_id)).toMatchObject({ data: { a: 1 }, result: 'result' });
    expect(await monque.getJobs({ archived: true, name: 'works' })).toMatchObject([{ _id }]);
    const page = await monque.getJobsWithCursor({ archived: true });
    expect(page.jobs).toMatchObject([{ _id }]);
    expect(await monque.waitFor(_id)).toBe('result');
    await monque.stop();
  });

  test('by the thousands leave in steps, and a lost answer only delays them', async () => {
    const { monque, clock, faulty, ledger, events } = makeOne({
      jobRetention: { cancelled: HOUR_MS },
      resendLimit: 1_000,
    });
    await monque.enqueueMany(Array.from({ length: 2_500 }, () => ({ name: 'idle' })));
    const kept = await monque.enqueue('kept');
    await monque.cancelJobs({ name: 'idle' });
    faulty.plan('prune', { fail: 'after' }, 2);
    await monque.start();
    await clock.advance(3 * HOUR_MS);
    expect(ledger.size).toBe(1);
    expect(await monque.getJob(kept._id)).not.toBeNull();
    expect(payloads(events, 'job:error')).not.toEqual([]);
    await monque.stop();
  });
});

describe('jobs of other tools', () => {
  test('that were locked too long ago are given back at start and later, and that is reported', async () => {
    const { clock, makeInstance } = makeWorld();
    const { monque, faulty, events } = makeInstance({ lockTimeout: 60_000 });
    const calls: Date[] = [];
    const answers = [1, 2, 0, 0, 3];
    faulty.recover = async ({ staleBefore }) => {
      calls.push(staleBefore);
      const count = answers.shift() ?? 0;
      return { pending: count, cancelled: 0 };
    };
    await monque.start();
    await clock.advance(1_000);
    expect(calls[0]).toEqual(new Date(MANUAL_CLOCK_START.getTime() - 60_000));
    expect(payloads(events, 'stale:recovered')).toEqual([{ count: 3 }]);
    await clock.advance(200_000);
    expect(payloads(events, 'stale:recovered')).toEqual([{ count: 3 }, { count: 3 }]);
    await monque.stop();
  });

  test('stay as they are with recoverStaleJobs false', async () => {
    const { monque, clock, faulty } = makeOne({ recoverStaleJobs: false });
    await monque.start();
    await clock.advance(200_000);
    expect(faulty.calls('recover')).toBe(0);
    await monque.stop();
  });

  test('of an instance that died are given back with its name', async () => {
    const { clock, ledger, makeInstance } = makeWorld();
    const [dead, other] = [
      makeInstance({ leaseDuration: 3_000 }),
      makeInstance({ leaseDuration: 3_000 }),
    ];
    dead.monque.worker('work', () => new Promise(() => undefined));
    await dead.monque.start();
    await dead.monque.enqueue('work');
    await clock.advance(100);
    dead.network.down = true;
    await other.monque.start();
    const [lease] = await ledger.readLeases();
    await clock.advance(10_000);
    expect(payloads(other.events, 'stale:recovered')).toEqual([
      { count: 1, instanceId: lease?.instanceId },
    ]);
    await other.monque.stop();
  });
});
