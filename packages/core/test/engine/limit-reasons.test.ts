import { describe, expect, test } from 'vitest';
import { makeInstanceInfo } from '../../src/engine/instance-info.ts';
import { sleep } from '../../src/foundation/clock.ts';
import type { Job } from '../../src/index.ts';
import { makeOne, makeWorld, type TestWorld } from './kit.ts';

const many = (name: string, count: number) => Array.from({ length: count }, () => ({ name }));

/** One process works under a limit of two, another one asks. */
async function workAndAsk({ clock, makeInstance }: TestWorld) {
  const worker = makeInstance({ leaseDuration: 3_000 }).monque;
  const asking = makeInstance().monque;
  await worker.setLimit('api', { concurrency: 2 });
  worker.worker('a', () => sleep(clock, 60_000), { concurrency: 5, limits: ['api'] });
  await worker.start();
  await worker.enqueueMany(many('a', 2));
  await clock.advance(2_000);
  const waiting = await worker.enqueue('a');
  return { worker, asking, waiting };
}

describe('explain, of a name with limits,', () => {
  test('says in any process which limit is full, held by whom, and what to do', async () => {
    const world = makeWorld();
    const { worker, asking, waiting } = await workAndAsk(world);
    await world.clock.advance(2_000);
    const [limit] = await asking.limits();
    const holder = limit?.shares[0]?.instanceId;
    const explained = await asking.explain(waiting._id);
    expect(explained).toMatchObject({ reason: 'limitFull', details: { held: 2, concurrency: 2 } });
    expect(explained.message).toBe(
      `Its limit 'api' lets 2 jobs run at once, and 2 are held by ${holder} (2); one starts when one of them ends, or by setLimit('api', …) with a higher concurrency`,
    );
    expect(await worker.explain(waiting._id)).toMatchObject({ reason: 'limitFull' });
    expect((await asking.explainMany({ name: 'a' })).reasons).toMatchObject([
      { reason: 'running', count: 2 },
      { reason: 'limitFull', count: 1, message: explained.message },
    ]);
    await world.clock.advance(130_000);
    await worker.stop();
  });

  test('says until when a rate is used up, and until when a limit is backed off from', async () => {
    const { monque, clock } = makeOne();
    await monque.setLimit('api', { rate: { limit: 1, per: 60_000 } });
    monque.worker('a', () => undefined, { limits: ['api'] });
    monque.worker('b', (_job, context) => context.backOff('other', 30_000), { limits: ['other'] });
    await monque.setLimit('other', { concurrency: 5 });
    await monque.start();
    await monque.enqueueMany([...many('a', 1), ...many('b', 1)]);
    await clock.advance(1_000);
    const [a, b] = [await monque.enqueue('a'), await monque.enqueue('b')];
    await clock.advance(1_000);
    const rate = await monque.explain(a._id);
    expect(rate).toMatchObject({ reason: 'limitRate', details: { limit: 'api' } });
    expect(rate.message).toMatch(
      /^Its limit 'api' started .* starts at [\dT:.-]+Z, in 5\d seconds$/,
    );
    const backedOff = await monque.explain(b._id);
    expect(backedOff).toMatchObject({ reason: 'limitBackedOff', details: { limit: 'other' } });
    expect(backedOff.message).toMatch(/starts until [\dT:.-]+Z, for 2\d seconds more$/);
    await monque.stop();
  });

  test('names up to three of those who hold it, and the option of a limit of its own', async () => {
    const { monque, clock, ledger } = makeOne();
    monque.worker('a', () => undefined, { limit: { concurrency: 4 } });
    await monque.start();
    const key = 'worker:a';
    for (const instanceId of ['w', 'x', 'y', 'z']) {
      await ledger.takeShare({ key, instanceId, seq: 1, count: 1, wants: 0, starts: 0 });
    }
    await monque.pause('a');
    const job = await monque.enqueue('a');
    await clock.advance(100);
    const full = (await monque.explain(job._id)).others.map(({ message }) => message);
    expect(full).toEqual([
      "Its limit 'worker:a' lets 4 jobs run at once, and 4 are held by w (1), x (1), y (1) and others; one starts when one of them ends, or by the option limit of its worker with a higher concurrency",
    ]);
    const now = new Date(clock.now());
    await ledger.setLimit({ key, concurrency: 0, now });
    expect((await monque.explain(job._id)).others[0]?.message).toBe(
      "Its limit 'worker:a' lets no job start; the option limit of its worker with a higher concurrency ends that",
    );
    await monque.stop();
  });

  test('reads no limits where no worker of the name has one', async () => {
    const { monque, faulty } = makeOne();
    await monque.setLimit('api', { concurrency: 1 });
    monque.worker('a', () => undefined, { limits: ['api'] });
    monque.worker('b', () => undefined);
    await monque.start();
    const [a, b] = await pausedJobs();
    const before = faulty.calls('readLimits');
    await monque.explain((b as Job)._id);
    expect(faulty.calls('readLimits')).toBe(before);
    await monque.explain((a as Job)._id);
    expect(faulty.calls('readLimits')).toBe(before + 1);
    await monque.stop();

    async function pausedJobs(): Promise<Job[]> {
      await monque.pause('a');
      await monque.pause('b');
      return [await monque.enqueue('a'), await monque.enqueue('b')];
    }
  });
});

describe('inspect', () => {
  test('shows the limits with who holds them, and which worker is under them', async () => {
    const world = makeWorld();
    const { worker, asking } = await workAndAsk(world);
    await world.clock.advance(2_000);
    const { limits, instances } = await asking.inspect();
    expect(limits).toEqual(await asking.limits());
    expect(limits).toMatchObject([{ key: 'api', held: 2, free: 0, shares: [{ count: 2 }] }]);
    expect(instances[0]?.info?.workers).toMatchObject([{ name: 'a', limits: ['api'] }]);
    await world.clock.advance(130_000);
    await worker.stop();
  });

  test('names no more workers than there is room for with the keys of their limits', () => {
    const at = new Date(0);
    const limitKeys = Array.from({ length: 20 }, (_, index) => `${index}`.padEnd(256, 'x'));
    const workers = ['a', 'b', 'c', 'd'].map((name) => ({
      ...{ name, limitKeys, concurrency: 1, running: 0 },
      retry: { maxRetries: 1, backoff: () => 1, maxBackoffDelayMs: 1 },
    }));
    const vitals = { winRate: 1, loopDelayMs: 0, clockErrorMs: 0, queueLagMs: 0, alerts: [] };
    const info = makeInstanceInfo({
      ...{ workers, startedAt: at, reportedAt: at, runningJobs: 0, bufferedJobs: 0 },
      ...{ instanceConcurrency: Infinity, recoverStaleJobs: true },
      vitals: { ...vitals, violations: 0 },
    });
    expect(info.workers.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(info.unnamedWorkers).toBe(1);
  });
});
