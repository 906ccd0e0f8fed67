import { describe, expect, test } from 'vitest';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';

describe('a paused name', () => {
  test('starts no job in any process, while others go on', async () => {
    const { clock, makeInstance } = makeWorld();
    const [runner, other] = [makeInstance(), makeInstance()];
    runner.monque.worker('mail', () => undefined);
    runner.monque.worker('image', () => undefined);
    await runner.monque.start();
    await other.monque.pause('mail');
    await clock.advance(100);
    const mail = await other.monque.enqueue('mail');
    const image = await other.monque.enqueue('image');
    await clock.advance(120_000);
    expect((await other.monque.getJob(mail._id))?.status).toBe('pending');
    expect((await other.monque.getJob(image._id))?.status).toBe('completed');
    expect(runner.monque.health().pausedNames).toEqual(['mail']);
    await other.monque.resume('mail');
    await clock.advance(1_000);
    expect((await other.monque.getJob(mail._id))?.status).toBe('completed');
    await runner.monque.stop();
  });

  test('lets what runs go on, and gives back what was claimed and did not start', async () => {
    const { monque, clock, events } = makeOne();
    const gate = deferred();
    let started = 0;
    monque.worker(
      'work',
      () => {
        started += 1;
        return started <= 40 ? undefined : gate.promise;
      },
      { concurrency: 2 },
    );
    await monque.enqueueMany(Array.from({ length: 100 }, () => ({ name: 'work' })));
    await monque.start();
    await clock.advance(100);
    const before = started;
    expect(monque.health().runningJobs).toBe(2);
    await monque.pause('work');
    gate.resolve();
    await clock.advance(5_000);
    expect(started).toBe(before);
    const stats = await monque.getQueueStats();
    expect(stats.counts).toMatchObject({ pending: 100 - before, completed: before, processing: 0 });
    expect(payloads(events, 'job:fail')).toEqual([]);
    await monque.resume('work');
    await clock.advance(1_000);
    expect(started).toBe(100);
    await monque.stop();
  });

  test('stays paused for a process that starts later, and is idempotent', async () => {
    const { clock, makeInstance } = makeWorld();
    const first = makeInstance();
    await first.monque.pause('work');
    await first.monque.pause('work');
    await first.monque.enqueue('work');
    const second = makeInstance();
    second.monque.worker('work', () => undefined);
    await second.monque.start();
    await clock.advance(60_000);
    expect(payloads(second.events, 'job:start')).toEqual([]);
    await second.monque.resume('work');
    await second.monque.resume('work');
    await clock.advance(1_000);
    expect(payloads(second.events, 'job:complete')).toHaveLength(1);
    await second.monque.stop();
  });

  test('is heard of by polling where hints are lost', async () => {
    const { clock, makeInstance } = makeWorld();
    const [runner, other] = [makeInstance(), makeInstance()];
    runner.monque.worker('work', () => undefined);
    runner.faulty.plan('hint', { fail: 'before' }, 1_000);
    await runner.monque.start();
    await other.monque.pause('work');
    await clock.advance(2_000);
    const { _id } = await other.monque.enqueue('work');
    await clock.advance(60_000);
    expect((await other.monque.getJob(_id))?.status).toBe('pending');
    await other.monque.resume('work');
    await clock.advance(35_000);
    expect((await other.monque.getJob(_id))?.status).toBe('completed');
    await runner.monque.stop();
  });

  test('that is not known well enough starts nothing until the ledger has said so', async () => {
    const { monque, clock, faulty, events } = makeOne();
    monque.worker('work', () => undefined);
    faulty.plan('readPaused', { fail: 'before' }, 2);
    faulty.plan('readPaused', { delayAfterMs: 800 });
    await monque.enqueue('work');
    await monque.start();
    await clock.advance(700);
    expect(payloads(events, 'job:start')).toEqual([]);
    await clock.advance(5_000);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test('that changes while the ledger is asked is asked for again', async () => {
    const { monque, clock, faulty, events } = makeOne();
    monque.worker('work', () => undefined);
    faulty.plan('readPaused', { delayAfterMs: 500 });
    await monque.start();
    await clock.advance(100);
    await monque.pause('work');
    await clock.advance(1_000);
    await monque.enqueue('work');
    await clock.advance(5_000);
    expect(payloads(events, 'job:start')).toEqual([]);
    await monque.stop();
  });
});

describe('instanceConcurrency', () => {
  test('bounds the handlers of all workers together, and no name starves', async () => {
    const { monque, clock } = makeOne({ instanceConcurrency: 3 });
    const ended: string[] = [];
    let running = 0;
    let most = 0;
    const work = (name: string) => async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => clock.setTimer(resolve, 100));
      running -= 1;
      ended.push(name);
    };
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      monque.worker(name, work(name), { concurrency: 10 });
    await monque.enqueueMany(Array.from({ length: 60 }, () => ({ name: 'a' })));
    for (const name of ['b', 'c', 'd', 'e']) await monque.enqueue(name);
    await monque.start();
    await clock.advance(1_500);
    expect(most).toBe(3);
    expect(new Set(ended)).toEqual(new Set(['a', 'b', 'c', 'd', 'e']));
    await clock.advance(10_000);
    expect(ended).toHaveLength(64);
    await monque.stop();
  });

  test('claims nothing for other names while all slots are taken by runs that take long', async () => {
    const { clock, ledger, makeInstance } = makeWorld();
    const { monque, faulty } = makeInstance({ instanceConcurrency: 2 });
    const gate = deferred();
    monque.worker('slow', () => gate.promise);
    monque.worker('quick', () => undefined);
    await monque.enqueueMany([{ name: 'slow' }, { name: 'slow' }]);
    await monque.start();
    await clock.advance(100);
    const waiting = await monque.enqueue('quick', 1, {
      uniqueKey: 'once',
      uniqueHold: 'untilStarted',
    });
    const claims = faulty.calls('settle');
    await clock.advance(20_000);
    expect(await monque.getJob(waiting._id)).toMatchObject({ status: 'pending', fence: 0 });
    expect(faulty.calls('settle')).toBe(claims);
    // Another process can take it at once.
    const other = makeInstance();
    other.monque.worker('quick', () => undefined);
    await other.monque.start();
    await clock.advance(1_000);
    expect(await ledger.getJob({ jobId: waiting._id })).toMatchObject({ status: 'completed' });
    gate.resolve();
    await other.monque.stop();
    await monque.stop();
  });

  test('a freed slot goes to what waits, whatever its name', async () => {
    const { monque, clock } = makeOne({ instanceConcurrency: 1 });
    const gate = deferred();
    monque.worker('slow', () => gate.promise);
    monque.worker('quick', () => undefined);
    await monque.enqueue('slow');
    await monque.start();
    await clock.advance(100);
    const { _id } = await monque.enqueue('quick');
    await clock.advance(10);
    gate.resolve();
    await clock.settle();
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', fence: 1 });
    await monque.stop();
  });

  test('keeps little more claimed than it can run', async () => {
    const { monque, clock, ledger } = makeOne({ instanceConcurrency: 2 });
    monque.worker('work', () => new Promise<void>((resolve) => clock.setTimer(resolve, 5)), {
      concurrency: 50,
    });
    await monque.enqueueMany(Array.from({ length: 500 }, () => ({ name: 'work' })));
    await monque.start();
    await clock.advance(50);
    const [lease] = await ledger.readLeases();
    const claims = await ledger.readClaims({ instanceId: String(lease?.instanceId), limit: 1_000 });
    expect(claims.length).toBeLessThanOrEqual(4);
    const stopped = monque.stop();
    await clock.advance(100);
    await stopped;
  });
});
