import { describe, expect, test } from 'vitest';
import { Claimer } from '../../src/engine/claiming/claimer.ts';
import { makeJob } from '../../src/testing/index.ts';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';
import { restingWorld } from './resting-kit.ts';

describe('hints during a backlog', () => {
  const BACKLOG = Array.from({ length: 6_000 }, () => ({ name: 'quick' }));

  /** A world with one instance that works off `jobs`, so many at once, each for a tenth of a second. */
  async function workingOff(jobs: readonly { readonly name: string }[], concurrency: number) {
    const world = restingWorld();
    const { clock, makeInstance } = world;
    const instance = makeInstance({ leaseDuration: 600_000 });
    const run = () => new Promise<void>((resolve) => clock.setTimer(resolve, 100));
    instance.monque.worker('quick', run, { concurrency });
    await instance.monque.enqueueMany(jobs);
    return { ...world, ...instance };
  }

  test('rest, and flow again when it is worked off', async () => {
    const { clock, makeInstance, monque, rests } = await workingOff(BACKLOG, 200);
    monque.worker('other', () => 'done');
    await monque.start();
    await clock.advance(1_000);
    expect(rests).toEqual([true]);
    expect(monque.health().hints).toBe('polling');
    await clock.advance(2_200);
    expect(rests).toEqual([true, false]);
    expect(monque.health().hints).toBe('flowing');
    const { _id } = await makeInstance().monque.enqueue('other');
    await clock.settle();
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed' });
    await monque.stop();
  });

  test('that rest keep no job of another name waiting', async () => {
    const { clock, makeInstance, monque, rests } = await workingOff(BACKLOG, 200);
    monque.worker('other', () => 'done');
    await monque.start();
    await clock.advance(1_000);
    expect(rests).toEqual([true]);
    const { _id } = await makeInstance().monque.enqueue('other');
    await clock.advance(100);
    expect(rests).toEqual([true]);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed' });
    await clock.advance(3_000);
    await monque.stop();
  });

  test('rest where a process works off its part slowly, once the backlog has stood for a second', async () => {
    const { clock, monque, rests } = await workingOff(BACKLOG.slice(0, 600), 20);
    await monque.start();
    await clock.advance(900);
    expect(rests).toEqual([]);
    await clock.advance(400);
    expect(rests).toEqual([true]);
    await clock.advance(3_000);
    expect(rests).toEqual([true, false]);
    await monque.stop();
  });

  test('flow on while a backlog is worked off by a few jobs a second', async () => {
    const { clock, monque, rests } = await workingOff(BACKLOG.slice(0, 200), 5);
    await monque.start();
    await clock.advance(3_500);
    expect(rests).toEqual([]);
    await clock.advance(1_000);
    await monque.stop();
  });

  test('that rest do not keep a request to cancel from a running job for a second', async () => {
    const { clock, makeInstance, rests } = restingWorld();
    const { monque, faulty } = makeInstance({ leaseDuration: 600_000 });
    const quick = () => new Promise<void>((resolve) => clock.setTimer(resolve, 100));
    monque.worker('quick', quick, { concurrency: 200 });
    monque.worker('long', (_job, { signal }) => {
      const aborted = deferred();
      signal.addEventListener('abort', () => aborted.reject(signal.reason));
      return aborted.promise;
    });
    const { _id } = await monque.enqueue('long');
    await monque.enqueueMany(BACKLOG);
    await monque.start();
    await clock.advance(500);
    expect(rests).toEqual([true]);
    await makeInstance().monque.cancelJob(_id);
    await clock.advance(900);
    expect(rests).toEqual([true]);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'cancelled' });
    await clock.advance(3_000);
    const asked = faulty.calls('readClaims');
    await clock.advance(5_000);
    expect(faulty.calls('readClaims')).toBe(asked);
    await monque.stop();
  });

  test('that rest are called for when all slots are taken by runs that take long', async () => {
    const { clock, makeInstance, rests } = restingWorld();
    const { monque } = makeInstance({ instanceConcurrency: 400 });
    const gate = deferred();
    let runs = 0;
    const work = () => {
      runs += 1;
      return runs > 4_000 ? gate.promise : new Promise<void>((r) => void clock.setTimer(r, 50));
    };
    monque.worker('quick', work, { concurrency: 400 });
    await monque.enqueueMany(BACKLOG.slice(0, 6_000));
    await monque.start();
    await clock.advance(400);
    expect(rests).toEqual([true]);
    await clock.advance(5_000);
    expect(rests).toEqual([true, false]);
    gate.resolve();
    await clock.advance(5_000);
    await monque.stop();
  });

  test('that rest when the instance stops leave no timer behind', async () => {
    const { clock, makeInstance, rests } = restingWorld();
    const { monque } = makeInstance();
    const quick = () => new Promise<void>((resolve) => clock.setTimer(resolve, 100));
    monque.worker('quick', quick, { concurrency: 200 });
    await monque.enqueueMany(BACKLOG);
    await monque.start();
    await clock.advance(500);
    expect(rests).toEqual([true]);
    const stopped = monque.stop();
    await clock.advance(100);
    await stopped;
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('waking', () => {
  test('is heard at every moment, also right at the end of a round', async () => {
    const { clock } = makeWorld();
    let rounds = 0;
    const hasRoom = () => {
      rounds += 1;
      return false;
    };
    const parts = {
      workers: new Map(),
      settler: { hasRoom },
      executor: { bufferedCount: () => 0, roomFor: () => 1, hasSuspect: () => false },
      permits: { allowed: () => [] },
      lease: { isHeld: () => true },
      pauses: { refresh: async () => undefined, wasPaused: () => false },
      onRound: () => undefined,
      hintsRest: () => false,
    };
    const claimer = new Claimer({} as never, parts as never);
    for (let microtasks = 0; microtasks < 30; microtasks += 1) {
      claimer.wake('hint');
      for (let turn = 0; turn < microtasks; turn += 1) await Promise.resolve();
      const before = rounds;
      claimer.wake('hint');
      await clock.settle();
      expect(rounds).toBeGreaterThan(before);
    }
  });

  test('a poll finds what no hint announced, and makes the hints suspect', async () => {
    const { clock, ledger, makeInstance } = makeWorld();
    const consumer = makeInstance({ leaseDuration: 600_000 });
    consumer.monque.worker('work', () => undefined);
    let silent = false;
    const watch = ledger.watch.bind(ledger);
    ledger.watch = (listener) => watch((hint) => (silent ? undefined : listener(hint)));
    await consumer.monque.start();
    await clock.advance(1_000);
    silent = true;
    const producer = makeInstance();
    await producer.monque.enqueue('work');
    await clock.advance(30_500);
    expect(payloads(consumer.events, 'job:complete')).toHaveLength(1);
    await clock.advance(3_300);
    await producer.monque.enqueue('work');
    await clock.advance(1_000);
    expect(payloads(consumer.events, 'job:complete')).toHaveLength(2);
    await consumer.monque.stop();
  });

  test('an interruption of the hints makes polling fast, a new opening makes it slow', async () => {
    const { clock, ledger, makeInstance } = makeWorld();
    const { monque, faulty, events } = makeInstance();
    monque.worker('work', () => undefined);
    const listeners: Parameters<typeof ledger.watch>[0][] = [];
    ledger.watch = async (listener) => {
      listeners.push(listener);
      return { close: async () => undefined };
    };
    await monque.start();
    const claimsIn = async (ms: number) => {
      const before = faulty.calls('claim');
      await clock.advance(ms);
      return faulty.calls('claim') - before;
    };
    listeners[0]?.({ kind: 'opened' });
    await clock.advance(1_500);
    await ledger.enqueue({ jobs: [makeJob({ name: 'work', nextRunAt: new Date(clock.now()) })] });
    listeners[0]?.({ kind: 'due' });
    await clock.settle();
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    expect(await claimsIn(20_000)).toBeLessThan(6);
    listeners[0]?.({ kind: 'interrupted', error: new Error('gone') });
    expect(await claimsIn(20_000)).toBeGreaterThan(15);
    expect(payloads(events, 'job:error').map(({ error }) => error.message)).toEqual(['gone']);
    await monque.stop();
    listeners[0]?.({ kind: 'opened' });
  });

  test('where the ledger gives no hints, polling does it, with one warning', async () => {
    const { clock, ledger, makeInstance } = makeWorld();
    const { monque, events } = makeInstance();
    ledger.watch = async () => ({ unsupported: 'it is deaf', close: async () => undefined });
    monque.worker('work', () => undefined);
    await monque.start();
    await makeInstance().monque.enqueue('work');
    await clock.advance(1_000);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    expect(payloads(events, 'job:error').map(({ error }) => error.message)).toEqual([
      'Jobs are found by polling only: it is deaf',
    ]);
    await monque.stop();
  });

  test('a retry runs at its time also where there are no hints', async () => {
    const { clock, ledger, makeInstance } = makeWorld();
    const { monque, events } = makeInstance({ pollInterval: 60_000 });
    ledger.watch = async () => ({ unsupported: 'it is deaf', close: async () => undefined });
    let runs = 0;
    monque.worker('work', () => {
      runs += 1;
      if (runs === 1) throw new Error('no');
    });
    await monque.start();
    await monque.enqueue('work');
    await clock.advance(2_000);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test('a job enqueued by another process runs at its time, not at the next poll', async () => {
    const { clock, makeInstance } = makeWorld();
    const { monque, events } = makeInstance();
    monque.worker('work', () => undefined);
    await monque.start();
    await clock.advance(5_000);
    const producer = makeInstance();
    const dueIn = (ms: number) => ({ runAt: new Date(clock.now() + ms) });
    await producer.monque.enqueue('work', 'later', dueIn(7_777));
    await producer.monque.enqueue('work', 'sooner', dueIn(3_333));
    await producer.monque.enqueue('work', 'much later', dueIn(50_000));
    await clock.advance(3_333);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await clock.advance(7_777 - 3_333);
    expect(payloads(events, 'job:complete')).toHaveLength(2);
    await clock.advance(50_000 - 7_777);
    expect(payloads(events, 'job:complete')).toHaveLength(3);
    await monque.stop();
  });

  test('a stream of delayed jobs runs on time, however closely they follow each other', async () => {
    const { clock, makeInstance } = makeWorld();
    const { monque, faulty, events } = makeInstance({ leaseDuration: 600_000 });
    const lateMs: number[] = [];
    monque.worker('work', ({ nextRunAt }) => lateMs.push(clock.now() - nextRunAt.getTime()));
    const producer = makeInstance();
    const start = clock.now();
    await producer.monque.enqueueMany(
      Array.from({ length: 500 }, (_, index) => {
        return { name: 'work', options: { runAt: new Date(start + 2_000 + index * 20) } };
      }),
    );
    faulty.plan('nextDue', { delayAfterMs: 30 }, 2_000);
    await monque.start();
    await clock.advance(20_000);
    expect(payloads(events, 'job:complete')).toHaveLength(500);
    expect(Math.max(...lateMs)).toBeLessThanOrEqual(100);
    await monque.stop();
  });

  test('a job stored before the start runs on time, whenever the hints begin to flow', async () => {
    const { clock, ledger, makeInstance } = makeWorld();
    const { monque, faulty, events } = makeInstance({ leaseDuration: 600_000 });
    const watch = ledger.watch.bind(ledger);
    ledger.watch = (listener) => watch(listener);
    monque.worker('work', () => undefined);
    await monque.enqueue('work', 1, { runAt: new Date(clock.now() + 6_000) });
    faulty.plan('nextDue', { delayAfterMs: 50 });
    await monque.start();
    await clock.advance(6_000);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test('a worker that is added later looks ahead for its own name', async () => {
    const { monque, clock, events } = makeOne({ leaseDuration: 600_000 });
    await monque.start();
    await monque.enqueue('late', 1, { runAt: new Date(clock.now() + 5_000) });
    await clock.advance(1_000);
    monque.worker('late', () => undefined);
    await clock.advance(4_000);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test('enqueues every 20 ms do not starve anything', async () => {
    const { monque, clock, events } = makeOne();
    monque.worker('work', () => undefined);
    monque.worker('other', () => undefined);
    await monque.start();
    await monque.enqueue('other', 1, { runAt: new Date(clock.now() + 500) });
    for (let count = 0; count < 50; count += 1) {
      await monque.enqueue('work');
      await clock.advance(20);
    }
    expect(payloads(events, 'job:complete')).toHaveLength(51);
    await monque.stop();
  });

  test('an error while looking ahead is reported, and the poll goes on', async () => {
    const { monque, clock, faulty, events } = makeOne();
    monque.worker('work', () => undefined);
    faulty.plan('nextDue', { fail: 'before' });
    await monque.start();
    await clock.advance(1_000);
    expect(payloads(events, 'job:error')).toHaveLength(1);
    await monque.enqueue('work', 1, { runAt: new Date(clock.now() + 100) });
    faulty.plan('nextDue', { fail: 'before' });
    await clock.advance(60_000);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });
});
