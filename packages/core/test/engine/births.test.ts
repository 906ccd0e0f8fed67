import { describe, expect, test } from 'vitest';
import type { Job, Monque } from '../../src/index.ts';
import { atRest, claiming, statusOf } from './births-kit.ts';
import { makeOne, makeWorld } from './kit.ts';

describe('a job that can start where it is enqueued', () => {
  test('is stored as processing and starts without a claim, and its caller gets it as it asked for it', async () => {
    const { monque, clock, started, gate, claims, claimsBefore, ledger, end } = await atRest();
    const asked = await monque.enqueue('work', { n: 1 }, { metadata: { by: 'ann' } });
    expect(asked).toMatchObject({ status: 'pending', fence: 0, data: { n: 1 } });
    expect(await ledger.getJob({ jobId: asked._id })).toMatchObject({
      ...{ status: 'processing', fence: 1, startedAt: asked.createdAt, lockedAt: asked.createdAt },
    });
    expect(started).toMatchObject([{ data: { n: 1 }, metadata: { by: 'ann' }, fence: 1 }]);
    gate.resolve();
    await clock.settle();
    expect(await statusOf(monque, asked)).toBe('completed');
    expect(claims()).toBe(claimsBefore);
    await end();
  });

  test('gives its handler data of its own', async () => {
    const { monque, started, end } = await atRest();
    const asked = await monque.enqueue('work', { list: [1] });
    const [{ data }] = started as [Job<{ list: number[] }>];
    data.list.push(2);
    expect(asked.data).toEqual({ list: [1] });
    await end();
  });

  test('shows in metrics and health as any other claim', async () => {
    const { monque, end } = await atRest();
    await monque.enqueue('work');
    expect(monque.metrics().counters.claimed).toMatchObject([
      { labels: { name: 'work' }, value: 1 },
    ]);
    expect(monque.health().lastClaimAt).toBeInstanceOf(Date);
    await end();
  });

  test('keeps the win rate a share: it is a candidate that was won', async () => {
    const { monque, clock, claims, claimsBefore, end } = await atRest();
    await monque.enqueue('work', 1, { delay: 1_000 });
    await clock.advance(2_000);
    expect(claims()).toBeGreaterThan(claimsBefore);
    await monque.enqueue('work', 2);
    await monque.enqueue('work', 3);
    const { counters, gauges } = monque.metrics();
    expect(counters.claimed).toMatchObject([{ labels: { name: 'work' }, value: 3 }]);
    expect(counters.claimCandidates).toMatchObject([{ value: 3 }]);
    expect(gauges.claimWinRate).toBe(1);
    await clock.advance(60_000);
    const [own] = (await monque.inspect()).instances;
    expect(own?.info?.vitals?.winRate).toBe(1);
    await end();
  });

  test('may hold a key until it is done', async () => {
    const { monque, started, end } = await atRest();
    const first = await monque.enqueue('work', 1, { uniqueKey: 'k' });
    const second = await monque.enqueue('work', 2, { uniqueKey: 'k' });
    expect(second._id).toEqual(first._id);
    expect(started).toHaveLength(1);
    await end();
  });

  test('is cancelled by the request that came before it was handed over', async () => {
    const { monque, faulty, makeInstance, signals, clock, end } = await atRest();
    const other = makeInstance().monque;
    faulty.plan('enqueue', {
      onReply: async () => {
        const [job] = await other.getJobs({ status: 'processing' });
        await other.cancelJob((job as Job)._id);
      },
    });
    await monque.enqueue('work');
    await clock.settle();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    await end();
  });
});

describe('a job goes the old way', () => {
  const ways: [string, (monque: Monque) => Promise<Job>][] = [
    ['that is due later', (monque) => monque.enqueue('work', 1, { delay: 60_000 })],
    [
      'that holds its key until it starts',
      (monque) => monque.enqueue('work', 1, { uniqueKey: 'k', uniqueHold: 'untilStarted' }),
    ],
    ['of a series', (monque) => monque.schedule('* * * * *', 'work', 1)],
    ['without a worker here', (monque) => monque.enqueue('other', 1)],
  ];
  test.each(ways)('%s', async (_, store) => {
    const { monque, ledger, end } = await atRest();
    const births: unknown[] = [];
    const enqueue = ledger.enqueue.bind(ledger);
    ledger.enqueue = (params) => {
      births.push(...params.jobs.filter(({ status }) => status === 'processing'));
      return enqueue(params);
    };
    const job = await store(monque);
    expect(births).toEqual([]);
    expect(job.status).toBe('pending');
    await end();
  });

  test('before the scheduler starts and after it stopped', async () => {
    const { monque, clock } = makeOne(claiming);
    monque.worker('work', () => undefined);
    expect(await statusOf(monque, await monque.enqueue('work'))).toBe('pending');
    await monque.start();
    await clock.settle();
    await monque.stop();
    expect(await statusOf(monque, await monque.enqueue('work'))).toBe('pending');
  });

  test('where the option is off, and from then on where it is turned off', async () => {
    const { monque, claims, claimsBefore, clock, end } = await atRest();
    monque.reconfigure({ claimOnEnqueue: false });
    await monque.enqueue('work');
    await clock.settle();
    expect(claims()).toBeGreaterThan(claimsBefore);
    await end();
  });

  test('while others of its name may be waiting, until a look finds none', async () => {
    const { monque, started, gate, clock, end } = await atRest({ defaultConcurrency: 1 });
    await monque.enqueue('work', 1);
    const waiting = await monque.enqueue('work', 2);
    expect(await statusOf(monque, waiting)).toBe('pending');
    const behind = await monque.enqueue('work', 3);
    expect(await statusOf(monque, behind)).toBe('pending');
    gate.resolve();
    await clock.settle();
    expect(started.map(({ data }) => data)).toEqual([1, 2, 3]);
    expect(await statusOf(monque, await monque.enqueue('work', 4))).not.toBe('pending');
    await end();
  });

  test('while its name is paused', async () => {
    const { monque, clock, end } = await atRest();
    await monque.pause('work');
    await clock.settle();
    expect(await statusOf(monque, await monque.enqueue('work'))).toBe('pending');
    await end();
  });

  test('from the moment on at which its pause is stored, though the ledger has not been asked since', async () => {
    const { monque, clock, faulty, started, end } = await atRest();
    faulty.plan('readPaused', { delayAfterMs: 500 }, 2);
    await monque.pause('work');
    const asked = await monque.enqueue('work');
    await clock.advance(400);
    expect({ status: await statusOf(monque, asked), started }).toEqual({
      ...{ status: 'pending', started: [] },
    });
    await monque.resume('work');
    await clock.advance(2_000);
    expect(started).toHaveLength(1);
    await end();
  });

  test('when it was paused after the ledger was asked for what it answers now', async () => {
    const { monque, clock, faulty, started, end } = await atRest();
    await clock.advance(10_000);
    faulty.plan('readPaused', { delayAfterMs: 500 }, 2);
    // This asks what is paused; the answer comes after the pause and is about the time before it.
    const before = await monque.enqueue('work');
    await monque.pause('work');
    await clock.advance(600);
    const after = await monque.enqueue('work');
    await clock.advance(200);
    expect(await statusOf(monque, before)).toBe('pending');
    expect(await statusOf(monque, after)).toBe('pending');
    expect(started).toEqual([]);
    await clock.advance(1_000);
    await end();
  });

  test('while the lease is not held', async () => {
    const { monque, clock, network, end } = await atRest({ leaseDuration: 3_000 });
    network.down = true;
    await clock.advance(10_000);
    network.down = false;
    const stored = monque.enqueue('work');
    expect(await statusOf(monque, await stored)).toBe('pending');
    await end();
  });
});

describe('of many jobs enqueued together', () => {
  test('as many are born claimed as there are slots, the most urgent', async () => {
    const { monque, started, end } = await atRest({ defaultConcurrency: 2 });
    const results = await monque.enqueueMany(
      [5, 1, 9, 3].map((priority) => ({ name: 'work', data: priority, options: { priority } })),
    );
    expect(results.map(({ status }) => status)).toEqual(Array(4).fill('enqueued'));
    expect(started.map(({ data }) => data)).toEqual([1, 3]);
    expect(await monque.getJobs({ status: 'pending' })).toHaveLength(2);
    await end();
  });

  test('no more are born than all names together may run', async () => {
    const { monque, started, end } = await atRest({ instanceConcurrency: 3 }, ['a', 'b']);
    await monque.enqueueMany(Array.from({ length: 8 }, (_, n) => ({ name: n < 4 ? 'a' : 'b' })));
    expect(started).toHaveLength(3);
    await end();
  });

  test('one whose key is taken frees the slot that was kept for it', async () => {
    const { monque, started, clock, gate, end } = await atRest({ defaultConcurrency: 1 });
    await monque.enqueue('work', 0, { uniqueKey: 'k', delay: 60_000 });
    await monque.enqueue('work', 1, { uniqueKey: 'k' });
    expect(started).toHaveLength(0);
    await monque.enqueue('work', 2);
    expect(started).toHaveLength(1);
    gate.resolve();
    await clock.settle();
    await end();
  });
});

describe('an insert of a job that is born claimed, when its answer is lost,', () => {
  test('is sent again as pending, and the job starts once, when its claim was found', async () => {
    const { monque, faulty, clock, started, end } = await atRest();
    faulty.plan('enqueue', { fail: 'after' });
    const enqueued = monque.enqueue('work', 1);
    await clock.settle();
    expect(started).toHaveLength(0);
    await clock.advance(1_000);
    await enqueued;
    await clock.settle();
    expect(started).toHaveLength(1);
    expect(faulty.calls('readClaim')).toBe(1);
    await end();
  });

  test('and it never came, stores the job as pending, which is claimed as any other', async () => {
    const { monque, faulty, clock, started, claims, claimsBefore, end } = await atRest();
    faulty.plan('enqueue', { fail: 'before' });
    const enqueued = monque.enqueue('work', 1);
    await clock.advance(1_000);
    await enqueued;
    await clock.settle();
    expect(started).toHaveLength(1);
    expect(claims()).toBeGreaterThan(claimsBefore);
    await end();
  });

  test('keeps no slot while it is sent again', async () => {
    const { monque, faulty, clock, started, end } = await atRest({ defaultConcurrency: 1 });
    faulty.plan('enqueue', { fail: 'before' });
    const enqueued = monque.enqueue('work', 'lost');
    await clock.settle();
    await monque.enqueueMany([{ name: 'work', data: 'other', options: { uniqueKey: 'k' } }]);
    await clock.settle();
    expect(started).toMatchObject([{ data: 'other' }]);
    await clock.advance(1_000);
    await enqueued;
    await end();
  });

  test('and the read by its token fails, has its job given back by the next comparison', async () => {
    const { monque, faulty, clock, started, end } = await atRest({ leaseDuration: 3_000 });
    faulty.plan('enqueue', { fail: 'after' });
    faulty.plan('readClaim', { fail: 'before' });
    const enqueued = monque.enqueue('work', 1);
    await clock.advance(1_000);
    await enqueued;
    expect(faulty.calls('readClaim')).toBe(1);
    await clock.advance(3_000);
    expect(started).toMatchObject([{ fence: 2 }]);
    await end();
  });

  test('for good, leaves a job that is given back and runs', async () => {
    const { monque, faulty, clock, started, end } = await atRest({
      leaseDuration: 3_000,
      resendLimit: 0,
    });
    faulty.plan('enqueue', { fail: 'after' });
    await expect(monque.enqueue('work', 1)).rejects.toMatchObject({ code: 'UNKNOWN_OUTCOME' });
    await clock.advance(5_000);
    expect(started).toHaveLength(1);
    await end();
  });

  test('starts nothing when the lease was lost before it was answered', async () => {
    const world = makeWorld();
    const one = world.makeInstance({ ...claiming, leaseDuration: 3_000 });
    const ran: string[] = [];
    one.monque.worker('work', () => void ran.push('one'));
    await one.monque.start();
    await world.clock.settle();
    const other = world.makeInstance({ leaseDuration: 3_000 });
    other.monque.worker('work', () => void ran.push('other'));
    await other.monque.start();
    one.faulty.plan('enqueue', { fail: 'after' });
    one.faulty.plan('enqueue', { delayBeforeMs: 100 });
    const enqueued = one.monque.enqueue('work', 1);
    one.network.down = true;
    await world.clock.advance(12_000);
    one.network.down = false;
    await world.clock.advance(12_000);
    await enqueued;
    expect(ran).toEqual(['other']);
    await one.monque.stop();
    await other.monque.stop();
  });
});

describe('a refused insert', () => {
  test('frees the slots that were kept for its jobs', async () => {
    const { monque, faulty, started, end } = await atRest({ defaultConcurrency: 1 });
    faulty.plan('enqueue', { onArrival: () => Promise.reject(new Error('no')) });
    await expect(monque.enqueue('work', 1)).rejects.toThrow('no');
    await monque.enqueue('work', 2);
    expect(started).toMatchObject([{ data: 2 }]);
    await end();
  });
});

describe('a stop', () => {
  test('waits for the answer of an insert that is under way, and gives its job back', async () => {
    const { monque, faulty, clock, started } = await atRest();
    faulty.plan('enqueue', { delayAfterMs: 500 });
    const enqueued = monque.enqueue('work', 1);
    await clock.advance(100);
    const stopped = monque.stop();
    await clock.advance(5_000);
    await stopped;
    expect(started).toHaveLength(0);
    expect(await statusOf(monque, await enqueued)).toBe('pending');
  });

  test('waits for the look after a lost insert, and gives its job back', async () => {
    const { monque, faulty, clock, started } = await atRest();
    faulty.plan('enqueue', { fail: 'after' });
    faulty.plan('readClaim', { delayAfterMs: 500 });
    const enqueued = monque.enqueue('work', 1);
    await clock.advance(400);
    const asked = await enqueued;
    expect(faulty.calls('readClaim')).toBe(1);
    let isStopped = false;
    const stopped = monque.stop().then(() => {
      isStopped = true;
    });
    await clock.advance(100);
    expect(isStopped).toBe(false);
    await clock.advance(5_000);
    await stopped;
    expect(started).toHaveLength(0);
    expect(await statusOf(monque, asked)).toBe('pending');
  });

  test('that comes before a lost insert was answered leaves its job to the next instance', async () => {
    const { monque, faulty, clock, started, end } = await atRest();
    faulty.plan('enqueue', { fail: 'after' });
    const enqueued = monque.enqueue('work', 1);
    await clock.settle();
    const stopped = monque.stop();
    await clock.advance(1_000);
    await stopped;
    await enqueued;
    expect(started).toHaveLength(0);
    await monque.start();
    await clock.advance(120_000);
    expect(started).toHaveLength(1);
    await end();
  });
});
