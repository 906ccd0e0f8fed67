import { describe, expect, test } from 'vitest';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';

describe('a lease', () => {
  test('is renewed every third of its duration', async () => {
    const { monque, faulty, clock } = makeOne({ leaseDuration: 3_000 });
    await monque.start();
    await clock.advance(10_000);
    expect(faulty.calls('renewLease')).toBe(10);
    await monque.stop();
  });

  test('whose renewal failed is renewed again at once', async () => {
    const { monque, faulty, clock, events } = makeOne({ leaseDuration: 3_000 });
    await monque.start();
    faulty.plan('renewLease', { fail: 'before' });
    await clock.advance(1_100);
    expect(faulty.calls('renewLease')).toBe(2);
    expect(payloads(events, 'job:error')[0]?.error.message).toContain('renewLease');
    await monque.stop();
  });

  test('that has lapsed starts no handler and claims nothing until a renewal is acknowledged', async () => {
    const { monque, faulty, clock, events } = makeOne({ leaseDuration: 3_000 });
    monque.worker('work', () => undefined);
    await monque.start();
    faulty.plan('renewLease', { fail: 'before' }, 200);
    await clock.advance(3_500);
    const claims = faulty.calls('claim');
    await monque.enqueue('work');
    await clock.advance(1_000);
    expect(faulty.calls('claim')).toBe(claims);
    expect(payloads(events, 'job:start')).toHaveLength(0);
    await clock.advance(120_000);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test('that has lapsed keeps jobs that were claimed ahead from starting', async () => {
    const { monque, clock, network, events } = makeOne({ leaseDuration: 1_000 });
    const gate = deferred();
    let slow = false;
    monque.worker('work', () => (slow ? gate.promise : undefined), { concurrency: 1 });
    await monque.start();
    await monque.enqueueMany(Array.from({ length: 50 }, () => ({ name: 'work' })));
    await clock.settle();
    slow = true;
    await monque.enqueueMany(Array.from({ length: 50 }, () => ({ name: 'work' })));
    await clock.settle();
    network.down = true;
    const started = payloads(events, 'job:start').length;
    await clock.advance(999);
    gate.resolve();
    clock.jumpWall(5_000);
    await clock.settle();
    expect(payloads(events, 'job:start')).toHaveLength(started);
    network.down = false;
    slow = false;
    await clock.advance(60_000);
    expect(payloads(events, 'job:complete')).toHaveLength(100);
    await monque.stop();
  });

  test('that has lapsed aborts nothing', async () => {
    const { monque, faulty, clock, events } = makeOne({ leaseDuration: 3_000 });
    const gate = deferred();
    let aborted = false;
    monque.worker('work', async (_, { signal }) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      await gate.promise;
    });
    await monque.start();
    await monque.enqueue('work');
    await clock.settle();
    faulty.plan('renewLease', { fail: 'before' }, 100);
    await clock.advance(20_000);
    gate.resolve();
    await clock.advance(60_000);
    expect(aborted).toBe(false);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test('ends by wall time too, since a suspended machine does not count monotonic time', async () => {
    const { monque, faulty, clock } = makeOne({ leaseDuration: 3_000 });
    monque.worker('work', () => undefined);
    await monque.start();
    await monque.enqueue('work', 1, { runAt: new Date(clock.now() + 500) });
    faulty.plan('renewLease', { fail: 'before' }, 5);
    clock.jumpWall(60_000);
    const claims = faulty.calls('claim');
    await clock.advance(200);
    expect(faulty.calls('claim')).toBe(claims);
    await clock.advance(3_000);
    expect(faulty.calls('claim')).toBeGreaterThan(claims);
    await monque.stop();
  });

  test('that others declared dead aborts running handlers and goes on under a new id', async () => {
    const { monque, ledger, clock, events } = makeOne({ leaseDuration: 3_000, shutdownTimeout: 0 });
    const aborts: unknown[] = [];
    monque.worker('work', (_, { signal }) => {
      const ended = deferred();
      signal.addEventListener('abort', () => {
        aborts.push(signal.reason);
        ended.reject(signal.reason);
      });
      return ended.promise;
    });
    await monque.start();
    await monque.enqueue('work');
    await clock.settle();
    const [lease] = await ledger.readLeases();
    expect(
      await ledger.declareDead({
        instanceId: String(lease?.instanceId),
        counter: Number(lease?.counter),
      }),
    ).toBe(true);
    await clock.advance(1_500);
    expect(String(aborts[0])).toContain('The claim was lost');
    const live = (await ledger.readLeases()).filter(({ status }) => status === 'live');
    expect(live).toHaveLength(1);
    expect(live[0]?.instanceId).not.toBe(lease?.instanceId);
    await clock.advance(3_000);
    expect(payloads(events, 'job:start').length).toBeGreaterThan(1);
    await monque.stop();
  });

  test('jobs that were claimed ahead are given back when the lease is refused', async () => {
    const { monque, ledger, clock } = makeOne({ leaseDuration: 3_000, recoverStaleJobs: false });
    const gate = deferred();
    let blocked = false;
    monque.worker('work', () => (blocked ? gate.promise : undefined), { concurrency: 1 });
    await monque.start();
    await monque.enqueueMany(Array.from({ length: 50 }, () => ({ name: 'work' })));
    await clock.settle();
    blocked = true;
    await monque.enqueueMany(Array.from({ length: 50 }, () => ({ name: 'work' })));
    await clock.settle();
    const [lease] = await ledger.readLeases();
    const instanceId = String(lease?.instanceId);
    const before = (await ledger.readClaims({ instanceId, limit: 100 })).length;
    expect(before).toBeGreaterThan(1);
    await ledger.declareDead({ instanceId, counter: Number(lease?.counter) });
    await clock.advance(1_000);
    const after = await ledger.readClaims({ instanceId, limit: 100 });
    expect(after).toHaveLength(1);
    gate.resolve();
    await clock.settle();
    await monque.stop();
  });

  test('a new lease that cannot be opened at once is tried again', async () => {
    const { monque, ledger, clock, faulty } = makeOne({ leaseDuration: 3_000 });
    await monque.start();
    const [lease] = await ledger.readLeases();
    await ledger.declareDead({ instanceId: String(lease?.instanceId), counter: 0 });
    faulty.plan('openLease', { fail: 'before' }, 3);
    await clock.advance(3_000);
    const live = (await ledger.readLeases()).filter(({ status }) => status === 'live');
    expect(live).toHaveLength(1);
    await monque.stop();
  });

  test('that cannot be opened makes start fail, and start may be called again', async () => {
    const { monque, faulty, clock } = makeOne();
    faulty.plan('openLease', { fail: 'before' });
    await expect(monque.start()).rejects.toMatchObject({ code: 'UNKNOWN_OUTCOME' });
    await monque.start();
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('is off the record after a stop', async () => {
    const { monque, ledger } = makeOne();
    await monque.start();
    expect(await ledger.readLeases()).toHaveLength(1);
    await monque.stop();
    expect(await ledger.readLeases()).toHaveLength(0);
  });
});

describe('reconciliation', () => {
  test('gives back a claim that arrived late and that nobody here knows', async () => {
    const world = makeWorld();
    const { monque, faulty, events } = world.makeInstance({ leaseDuration: 3_000 });
    monque.worker('work', () => undefined);
    await monque.start();
    await world.clock.settle();
    faulty.plan('claim', { delayBeforeMs: 11_000 });
    faulty.plan('claim', { fail: 'before' }, 3);
    await monque.enqueue('work');
    await world.clock.advance(30_000);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test.each([
    [false, 'completed'],
    [true, 'cancelled'],
  ])(
    'gives back what stands under its id and nobody here knows (cancel asked: %s)',
    async (asked, status) => {
      const { monque, ledger, clock } = makeOne({ leaseDuration: 3_000 });
      await monque.start();
      const { _id } = await monque.enqueue('work');
      const [lease] = await ledger.readLeases();
      await ledger.claim({
        demand: [{ name: 'work', limit: 1 }],
        instanceId: String(lease?.instanceId),
        claimToken: 'stray',
        now: new Date(clock.now()),
        suspects: false,
        widening: 1,
      });
      if (asked) await monque.cancelJob(_id);
      monque.worker('work', () => undefined);
      await clock.advance(2_000);
      expect(await monque.getJob(_id)).toMatchObject({ status });
      await monque.stop();
    },
  );

  test('leaves what others ended before it could be cancelled', async () => {
    const { monque, ledger, faulty, clock, events } = makeOne({ leaseDuration: 3_000 });
    await monque.start();
    const { _id, fence } = await monque.enqueue('work');
    const [lease] = await ledger.readLeases();
    const now = new Date(clock.now());
    await ledger.claim({
      demand: [{ name: 'work', limit: 1 }],
      instanceId: String(lease?.instanceId),
      claimToken: 'stray',
      now,
      suspects: false,
      widening: 1,
    });
    await monque.cancelJob(_id);
    const settlement = {
      verb: 'complete',
      jobId: _id,
      claimToken: 'stray',
      fence: fence + 1,
    } as const;
    faulty.plan('getJob', { onArrival: () => ledger.settle({ settlements: [settlement], now }) });
    await clock.advance(2_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed' });
    expect(payloads(events, 'job:error')).toEqual([]);
    await monque.stop();
  });

  test('takes up a request to cancel that no hint announced', async () => {
    const { monque, ledger, clock, events } = makeOne({ leaseDuration: 3_000 });
    const watch = ledger.watch.bind(ledger);
    ledger.watch = (listener) =>
      watch((hint) => (hint.kind === 'cancelRequested' ? undefined : listener(hint)));
    monque.worker('work', (_, { signal }) => {
      const ended = deferred();
      signal.addEventListener('abort', () => ended.reject(signal.reason));
      return ended.promise;
    });
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.settle();
    const job = await ledger.getJob({ jobId: _id });
    expect(job?.status).toBe('processing');
    await ledger.cancel({ jobId: _id, now: new Date(clock.now()) });
    await clock.settle();
    expect(payloads(events, 'job:cancelled')).toHaveLength(0);
    await clock.advance(1_000);
    expect(payloads(events, 'job:cancelled')).toHaveLength(1);
    await monque.stop();
  });

  test('an error is reported, and the next renewal compares again', async () => {
    const { monque, faulty, clock, events } = makeOne({ leaseDuration: 3_000 });
    await monque.start();
    faulty.plan('readClaims', { fail: 'before' });
    await clock.advance(2_500);
    expect(faulty.calls('readClaims')).toBe(2);
    expect(payloads(events, 'job:error')).toHaveLength(1);
    await monque.stop();
  });
});
