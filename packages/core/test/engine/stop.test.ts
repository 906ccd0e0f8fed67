import { describe, expect, test } from 'vitest';
import { ShutdownTimeoutError } from '../../src/index.ts';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';

describe('stop', () => {
  test('waits for running handlers, and what they did is recorded', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred();
    monque.worker('work', () => gate.promise);
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.settle();
    let stopped = false;
    const stopping = monque.stop().then(() => {
      stopped = true;
    });
    await clock.advance(10_000);
    expect(stopped).toBe(false);
    gate.resolve();
    await clock.settle();
    await stopping;
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('claims nothing more', async () => {
    const { monque, clock } = makeOne();
    monque.worker('work', () => undefined);
    await monque.start();
    await monque.stop();
    const { _id } = await monque.enqueue('work');
    await clock.advance(60_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending' });
  });

  test('gives back what never started, at once', async () => {
    const { monque, clock } = makeOne({ defaultConcurrency: 1 });
    const gate = deferred();
    let slow = false;
    monque.worker('work', () => (slow ? gate.promise : undefined));
    await monque.start();
    await monque.enqueueMany(Array.from({ length: 50 }, () => ({ name: 'work' })));
    await clock.settle();
    slow = true;
    const results = await monque.enqueueMany(Array.from({ length: 20 }, () => ({ name: 'work' })));
    await clock.settle();
    const stopping = monque.stop();
    await clock.settle();
    const statuses = await Promise.all(
      results.map(async (result) => {
        return 'error' in result ? 'failed' : (await monque.getJob(result.job._id))?.status;
      }),
    );
    expect(statuses.filter((status) => status === 'processing')).toHaveLength(1);
    expect(statuses.filter((status) => status === 'pending')).toHaveLength(19);
    gate.resolve();
    await stopping;
  });

  test('aborts handlers after shutdownTimeout; one that heeds it gives its job back unharmed', async () => {
    const { monque, clock, events } = makeOne({ shutdownTimeout: 2_000 });
    monque.worker('work', (_, { signal }) => {
      const ended = deferred();
      signal.addEventListener('abort', () => ended.reject(signal.reason));
      return ended.promise;
    });
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.settle();
    const stopping = monque.stop();
    await clock.advance(2_000);
    await stopping;
    const [reported] = payloads(events, 'job:error');
    expect(reported?.error).toBeInstanceOf(ShutdownTimeoutError);
    expect(reported?.error).toMatchObject({
      incompleteJobs: [{ _id, name: 'work', status: 'processing' }],
    });
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending', failCount: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  test('does not abort again what was aborted for another reason', async () => {
    const { monque, clock } = makeOne({ shutdownTimeout: 100 });
    const reasons: string[] = [];
    const gate = deferred();
    monque.worker('work', (_, { signal }) => {
      signal.addEventListener('abort', () => reasons.push(String(signal.reason)));
      return gate.promise;
    });
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.settle();
    await monque.cancelJob(_id);
    await clock.settle();
    const stopping = monque.stop();
    await clock.advance(100);
    gate.reject(new Error('told to'));
    await stopping;
    expect(reasons).toEqual(['AbortError: The job was cancelled']);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'cancelled' });
  });

  test('does not wait for ever for a handler that ignores its signal; the job is rescued later', async () => {
    const world = makeWorld();
    const { monque } = world.makeInstance({ shutdownTimeout: 0, leaseDuration: 3_000 });
    monque.worker('work', () => deferred().promise);
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await world.clock.settle();
    const stopping = monque.stop();
    await world.clock.advance(500);
    await stopping;
    expect(await monque.getJob(_id)).toMatchObject({ status: 'processing' });
    expect(world.clock.pendingTimers).toBe(0);
    const other = world.makeInstance({ leaseDuration: 3_000 });
    other.monque.worker('work', () => undefined);
    await other.monque.start();
    await world.clock.advance(3_000);
    expect(payloads(other.events, 'job:complete')).toHaveLength(1);
    await other.monque.stop();
  });

  test('a handler that ends after the stop is still recorded when its claim stands', async () => {
    const { monque, clock } = makeOne({ shutdownTimeout: 0 });
    const gate = deferred();
    monque.worker('work', () => gate.promise);
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.settle();
    const stopping = monque.stop();
    await clock.advance(500);
    await stopping;
    gate.resolve();
    await clock.settle();
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed' });
  });

  test('ends also while the ledger does not answer, within bounds', async () => {
    const { monque, clock, network, events } = makeOne();
    monque.worker('work', () => undefined);
    await monque.start();
    await monque.enqueue('work');
    await clock.settle();
    const { _id } = await monque.enqueue('work');
    network.down = true;
    await clock.advance(100);
    const stopping = monque.stop();
    await clock.advance(60_000);
    await stopping;
    expect(payloads(events, 'job:error').length).toBeGreaterThan(0);
    expect(clock.pendingTimers).toBe(0);
    network.down = false;
    expect(['processing', 'completed']).toContain((await monque.getJob(_id))?.status);
  });

  test('a look ahead that is under way when it comes wakes nobody afterwards', async () => {
    const { monque, clock, faulty, events } = makeOne();
    monque.worker('work', () => undefined);
    await monque.enqueue('work', 1, { runAt: new Date(clock.now() + 800) });
    faulty.plan('nextDue', { delayAfterMs: 5_000 });
    await monque.start();
    await clock.advance(500);
    const stopping = monque.stop();
    await clock.advance(10_000);
    await stopping;
    expect(payloads(events, 'job:start')).toHaveLength(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a renewal that is under way when it comes changes nothing afterwards', async () => {
    const { monque, clock, faulty, ledger } = makeOne({ leaseDuration: 3_000 });
    await monque.start();
    faulty.plan('renewLease', { delayAfterMs: 400 });
    await clock.advance(1_000);
    const reconciled = faulty.calls('readClaims');
    const stopping = monque.stop();
    await clock.advance(10_000);
    await stopping;
    expect(faulty.calls('readClaims')).toBe(reconciled);
    expect(await ledger.readLeases()).toHaveLength(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test('what a claim under way still wins is given back', async () => {
    const { monque, clock, faulty } = makeOne();
    let runs = 0;
    monque.worker('work', () => {
      runs += 1;
    });
    await monque.start();
    await clock.settle();
    faulty.plan('claim', { delayBeforeMs: 1_000 });
    const { _id } = await monque.enqueue('work');
    const stopping = monque.stop();
    await clock.advance(10_000);
    await stopping;
    expect(runs).toBe(0);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending', fence: 1 });
  });

  test('is shared by concurrent callers, and nothing to do when nothing runs', async () => {
    const { monque, clock } = makeOne();
    await monque.stop();
    await monque.start();
    await Promise.all([monque.stop(), monque.stop()]);
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('may be followed by another start, which waits for the stop', async () => {
    const { monque, clock, events } = makeOne();
    monque.worker('work', () => undefined);
    await monque.start();
    await monque.start();
    const stopping = monque.stop();
    const starting = monque.start();
    await stopping;
    await starting;
    await monque.enqueue('work');
    await clock.settle();
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test('called right after start ends what the start began', async () => {
    const { monque, clock, ledger } = makeOne();
    const starting = monque.start();
    await monque.stop();
    await starting;
    expect(await ledger.readLeases()).toHaveLength(0);
    expect(clock.pendingTimers).toBe(0);
    const last = [monque.stop(), monque.start(), monque.stop()];
    await Promise.all(last);
    expect(await ledger.readLeases()).toHaveLength(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test('after a start whose watch failed leaves nothing behind', async () => {
    const { monque, clock, ledger } = makeOne();
    const watch = ledger.watch.bind(ledger);
    ledger.watch = () => Promise.reject(new Error('no watch'));
    await expect(monque.start()).rejects.toThrow('no watch');
    expect(await ledger.readLeases()).toHaveLength(0);
    expect(clock.pendingTimers).toBe(0);
    ledger.watch = watch;
    await monque.start();
    await monque.stop();
  });

  test('during a start that fails ends too', async () => {
    const { monque, faulty, clock } = makeOne();
    faulty.plan('openLease', { delayBeforeMs: 100, fail: 'before' });
    const starting = monque.start().catch((error: unknown) => error);
    await clock.settle();
    const stopping = monque.stop();
    await clock.advance(1_000);
    expect(await starting).toMatchObject({ code: 'UNKNOWN_OUTCOME' });
    await stopping;
    expect(clock.pendingTimers).toBe(0);
  });
});
