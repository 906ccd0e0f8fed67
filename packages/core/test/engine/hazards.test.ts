/** What goes wrong in other schedulers that keep their jobs in a database, and must not here. */
import { describe, expect, test } from 'vitest';
import type { Clock, Job, JobContext } from '../../src/index.ts';
import { Monque } from '../../src/index.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { deferred, makeOne, makeWorld, payloads, recordEvents } from './kit.ts';

const MINUTE_MS = 60_000;

describe('a hazard of recurring jobs:', () => {
  test('a recurring job whose process died in a run goes on after the restart', async () => {
    const { clock, makeInstance } = makeWorld();
    const options = { leaseDuration: 3_000 };
    const [dead, restarted] = [makeInstance(options), makeInstance(options)];
    dead.monque.worker('tick', () => new Promise(() => undefined));
    const { _id } = await dead.monque.schedule('* * * * *', 'tick');
    await dead.monque.start();
    await clock.advance(MINUTE_MS);
    expect((await restarted.monque.getJob(_id))?.status).toBe('processing');
    dead.network.down = true;
    const runs: unknown[] = [];
    restarted.monque.worker('tick', (job) => {
      runs.push(job.scheduledFor);
    });
    await restarted.monque.schedule('* * * * *', 'tick');
    await restarted.monque.start();
    await clock.advance(3 * MINUTE_MS);
    expect(runs).toHaveLength(4);
    await restarted.monque.stop();
  });

  test('a recurring job whose instances die in each run skips to the next, and is not lost', async () => {
    const { clock, ledger, makeInstance } = makeWorld();
    const options = { leaseDuration: 3_000, rescueLimit: 1 };
    const [dead, other] = [makeInstance(options), makeInstance(options)];
    dead.monque.worker('tick', () => new Promise(() => undefined));
    const { _id } = await dead.monque.schedule('* * * * *', 'tick');
    await dead.monque.start();
    await clock.advance(MINUTE_MS);
    dead.network.down = true;
    await other.monque.start();
    await clock.advance(20_000);
    const job = await ledger.getJob({ jobId: _id });
    expect(job).toMatchObject({ status: 'pending', failCount: 0 });
    expect(job?.history).toMatchObject([{ verb: 'rescueToNextRun' }]);
    expect(job?.rescueCount).toBeUndefined();
    await other.monque.stop();
  });

  test.each([
    ['put forward', '2026-03-28T12:00Z', 3],
    ['put back', '2026-10-24T12:00Z', 3],
  ])('a daily job is started once on the day when clocks are %s', async (_change, start, days) => {
    const clock = new ManualClock({ start: new Date(start) });
    const ledger = new InMemoryLedgerRepository({ clock });
    const options = { clock, leaseDuration: 3_600_000, pollInterval: 3_600_000 };
    const instances = [new Monque(ledger, options), new Monque(ledger, options)];
    const runs: string[] = [];
    for (const monque of instances) {
      monque.worker('nightly', (job) => {
        runs.push(String(job.scheduledFor?.toISOString()));
      });
      await monque.schedule('30 2 * * *', 'nightly', undefined, { timezone: 'Europe/Berlin' });
      await monque.start();
    }
    await clock.advance(days * 24 * 60 * MINUTE_MS);
    expect(runs).toHaveLength(days);
    expect(new Set(runs).size).toBe(days);
    await Promise.all(instances.map((monque) => monque.stop()));
  });
});

describe('a hazard of timers:', () => {
  test('a job whose timer fires a moment early is not missed when time moves on between two looks', async () => {
    const clock = new ManualClock();
    let looks = 0;
    const isAlwaysLater: Clock = {
      now: () => clock.now(),
      monotonic: () => {
        looks += 0.25;
        return clock.monotonic() + looks;
      },
      setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs - 2),
      setImmediate: (callback) => clock.setImmediate(callback),
    };
    const ledger = new InMemoryLedgerRepository({ clock });
    const monque = new Monque(ledger, { clock: isAlwaysLater });
    const events = recordEvents(monque);
    monque.worker('work', () => undefined);
    await monque.start();
    for (let count = 1; count <= 20; count += 1) {
      await monque.enqueue('work', count, { runAt: new Date(clock.now() + looks + 100) });
      await clock.advance(200);
      expect(payloads(events, 'job:complete')).toHaveLength(count);
    }
    await monque.stop();
  });
});

describe('a hazard of long jobs:', () => {
  test('a healthy job that runs longer than lockTimeout is not started again', async () => {
    const { clock, makeInstance } = makeWorld();
    const options = { lockTimeout: 5_000, leaseDuration: 3_000 };
    const [runner, other] = [makeInstance(options), makeInstance(options)];
    const gate = deferred();
    let starts = 0;
    for (const { monque } of [runner, other]) {
      monque.worker('long', () => {
        starts += 1;
        return gate.promise;
      });
      await monque.start();
    }
    await runner.monque.enqueue('long');
    await clock.advance(10 * MINUTE_MS);
    expect(starts).toBe(1);
    gate.resolve();
    await clock.advance(100);
    expect([
      ...payloads(runner.events, 'job:complete'),
      ...payloads(other.events, 'job:complete'),
    ]).toHaveLength(1);
    await Promise.all([runner.monque.stop(), other.monque.stop()]);
  });

  test('a stop does not unlock a job that still runs', async () => {
    const { clock, ledger, makeInstance } = makeWorld();
    const [stopping, other] = [makeInstance(), makeInstance()];
    const gate = deferred();
    let starts = 0;
    for (const { monque } of [stopping, other]) {
      monque.worker('long', () => {
        starts += 1;
        return gate.promise;
      });
    }
    await stopping.monque.start();
    const { _id } = await stopping.monque.enqueue('long');
    await clock.advance(100);
    await other.monque.start();
    const stopped = stopping.monque.stop();
    await clock.advance(20_000);
    expect(await ledger.getJob({ jobId: _id })).toMatchObject({ status: 'processing', fence: 1 });
    expect(starts).toBe(1);
    gate.resolve();
    await clock.advance(100);
    await stopped;
    expect(await ledger.getJob({ jobId: _id })).toMatchObject({ status: 'completed', fence: 1 });
    await other.monque.stop();
  });
});

describe('a hazard of retries:', () => {
  test('a job that waits for its retry keeps its unique key, so that no twin meets it', async () => {
    const { monque, clock } = makeOne({ baseRetryInterval: 10_000 });
    let isDown = true;
    monque.worker('work', () => {
      if (isDown) throw new Error('down');
    });
    await monque.start();
    const first = await monque.enqueue('work', 1, { uniqueKey: 'k' });
    await clock.advance(100);
    expect((await monque.getJob(first._id))?.status).toBe('pending');
    const twin = await monque.enqueue('work', 2, { uniqueKey: 'k' });
    expect(twin._id).toEqual(first._id);
    isDown = false;
    await clock.advance(60_000);
    expect((await monque.getJob(first._id))?.status).toBe('completed');
    await monque.stop();
  });

  test('a job whose key was free once it had started is retried beside its successor', async () => {
    const { monque, clock } = makeOne({ baseRetryInterval: 1_000 });
    let runs = 0;
    monque.worker('work', () => {
      runs += 1;
      if (runs === 1) throw new Error('down');
    });
    await monque.start();
    const options = { uniqueKey: 'k', uniqueHold: 'untilStarted' } as const;
    const first = await monque.enqueue('work', 1, options);
    await clock.advance(100);
    const second = await monque.enqueue('work', 2, options);
    await clock.advance(60_000);
    for (const { _id } of [first, second]) {
      expect((await monque.getJob(_id))?.status).toBe('completed');
    }
    await monque.stop();
  });
});

describe('a hazard of listeners and handlers:', () => {
  test('throwing listeners leak no slot', async () => {
    const { monque, clock } = makeOne({ maxRetries: 1 });
    for (const name of ['job:start', 'job:complete', 'job:fail', 'job:progress'] as const) {
      monque.on(name, () => {
        throw new Error(`bad listener of ${name}`);
      });
    }
    let runs = 0;
    monque.worker(
      'work',
      (_job, { progress }: JobContext) => {
        runs += 1;
        progress(runs);
        if (runs % 2 === 0) throw new Error('no');
      },
      { concurrency: 1 },
    );
    await monque.start();
    await monque.enqueueMany(Array.from({ length: 20 }, () => ({ name: 'work' })));
    await clock.advance(10_000);
    expect(runs).toBe(20);
    expect(monque.health()).toMatchObject({ runningJobs: 0, bufferedJobs: 0, unsettledJobs: 0 });
    await monque.stop();
  });

  test('events fire within 100 ms of the change they report', async () => {
    const { monque, clock, ledger } = makeOne({ maxRetries: 1 });
    const delays: number[] = [];
    for (const name of ['job:start', 'job:complete', 'job:fail'] as const) {
      monque.on(name, ({ job }: { job: Job }) => {
        const { startedAt = job.createdAt, finishedAt = startedAt } = job;
        delays.push(clock.now() - finishedAt.getTime());
      });
    }
    monque.worker('works', () => undefined);
    monque.worker('fails', () => Promise.reject(new Error('no')));
    await monque.start();
    for (let index = 0; index < 20; index += 1) {
      await monque.enqueue(index % 2 === 0 ? 'works' : 'fails');
      await clock.advance(50);
    }
    expect(delays).toHaveLength(40);
    for (const delay of delays) expect(delay).toBeLessThanOrEqual(100);
    expect(ledger.size).toBe(20);
    await monque.stop();
  });
});

test('every option of a job survives its way through the ledger', async () => {
  const { monque } = makeOne();
  const options = {
    runAt: new Date(Date.UTC(2030, 0, 1)),
    uniqueKey: 'k',
    uniqueHold: { window: 60_000 },
    priority: -7,
    maxRetries: 3,
    backoff: { type: 'exponential', delay: 5, maxDelay: 50, jitter: 0.25 },
    timeout: 1_234,
  } as const;
  const { _id } = await monque.enqueue('work', { a: [1, { b: 2n }] }, options);
  expect(await monque.getJob(_id)).toMatchObject({
    nextRunAt: options.runAt,
    uniqueKey: 'k',
    uniqueHold: 'window',
    windowLock: expect.stringContaining(':k'),
    windowUntil: expect.any(Date),
    priority: -7,
    maxRetries: 3,
    backoff: options.backoff,
    timeout: 1_234,
    data: { a: [1, { b: 2n }] },
  });
});
