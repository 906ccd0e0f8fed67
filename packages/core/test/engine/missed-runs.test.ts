import { describe, expect, test } from 'vitest';
import { deferred, MINUTE_MS, makeOne, makeWorld, minute, payloads } from './kit.ts';

const HOUR_MS = 60 * MINUTE_MS;

describe('runs that were missed', () => {
  async function afterPause(missed: 'skip' | 'once' | 'all' | undefined, downMinutes: number) {
    const { clock, makeInstance } = makeWorld();
    const before = makeInstance();
    await before.monque.schedule('*/10 * * * *', 'tick', undefined, missed && { missed });
    await clock.advance(downMinutes * MINUTE_MS);
    const after = makeInstance();
    const times: (Date | undefined)[] = [];
    after.monque.worker('tick', (job) => {
      times.push(job.scheduledFor);
    });
    await after.monque.start();
    await clock.advance(10_000);
    const [schedule] = await after.monque.getSchedules();
    await after.monque.stop();
    return { times, next: schedule?.nextRunAt, skipped: payloads(after.events, 'job:skipped') };
  }

  test('run once for all of them by default, and what was passed over is reported', async () => {
    const { times, next, skipped } = await afterPause(undefined, 45);
    expect(times).toEqual([minute(10)]);
    expect(next).toEqual(minute(50));
    expect(skipped.map(({ skipped: count }) => count)).toEqual([3]);
  });

  test('are passed over with `skip`', async () => {
    const { times, next, skipped } = await afterPause('skip', 45);
    expect(times).toEqual([]);
    expect(next).toEqual(minute(50));
    expect(skipped.map(({ skipped: count }) => count)).toEqual([4]);
  });

  test('with `skip` a run that is only a little late is run', async () => {
    const { times, next } = await afterPause('skip', 10.5);
    expect(times).toEqual([minute(10)]);
    expect(next).toEqual(minute(20));
  });

  test('are all run with `all`, one after the other', async () => {
    const { times, next } = await afterPause('all', 45);
    expect(times).toEqual([minute(10), minute(20), minute(30), minute(40)]);
    expect(next).toEqual(minute(50));
  });

  test('with `all` no more than the last 100', async () => {
    const { times, skipped } = await afterPause('all', 10 * 150);
    expect(times).toHaveLength(101);
    expect(times.at(1)).toEqual(minute(510));
    expect(skipped.map(({ skipped: count }) => count)).toEqual([49]);
  });

  test('while a run took too long run once, standing for the latest', async () => {
    const { monque, clock } = makeOne();
    const times: (Date | undefined)[] = [];
    monque.worker('slow', async (job) => {
      times.push(job.scheduledFor);
      if (times.length > 1) return;
      await new Promise<void>((resolve) => clock.setTimer(resolve, 3.5 * MINUTE_MS));
    });
    await monque.schedule('* * * * *', 'slow');
    await monque.start();
    await clock.advance(5.5 * MINUTE_MS);
    expect(times).toEqual([minute(1), minute(4), minute(5)]);
    await monque.stop();
  });

  test('do not include one that had begun when its instance stopped', async () => {
    const { clock, makeInstance } = makeWorld();
    const first = makeInstance({ shutdownTimeout: 100 });
    first.monque.worker('tick', (_job, { signal }) => {
      const aborted = deferred();
      signal.addEventListener('abort', () => aborted.reject(signal.reason));
      return aborted.promise;
    });
    const { _id } = await first.monque.schedule('*/10 * * * *', 'tick', 1, { missed: 'skip' });
    await first.monque.start();
    await clock.advance(10 * MINUTE_MS + 1_000);
    const stopped = first.monque.stop();
    await clock.advance(1_000);
    await stopped.catch(() => undefined);
    expect((await first.monque.getJob(_id))?.history).toMatchObject([
      { verb: 'release', scheduledFor: minute(10) },
    ]);
    await clock.advance(30 * MINUTE_MS);
    const second = makeInstance();
    const times: (Date | undefined)[] = [];
    second.monque.worker('tick', (job) => {
      times.push(job.scheduledFor);
    });
    await second.monque.start();
    await clock.advance(1_000);
    expect(times).toEqual([minute(10)]);
    await second.monque.stop();
  });

  test('do not include one that was put at a time in the past manually', async () => {
    const { monque, clock } = makeOne();
    const times: (Date | undefined)[] = [];
    monque.worker('tick', (job) => {
      times.push(job.scheduledFor);
    });
    const { _id } = await monque.schedule('0 * * * *', 'tick', 1, { missed: 'skip' });
    await clock.advance(10 * MINUTE_MS);
    await monque.rescheduleJob(_id, minute(1));
    await monque.start();
    await clock.advance(1_000);
    expect(times).toEqual([minute(60)]);
    await monque.stop();
  });

  test('are none of those that a plan which was changed during a run names before the change', async () => {
    const { monque, clock, events } = makeOne();
    const times: (Date | undefined)[] = [];
    const gate = deferred();
    monque.worker('tick', async (job) => {
      times.push(job.scheduledFor);
      if (times.length === 1) await gate.promise;
    });
    const key = { uniqueKey: 'k', missed: 'all' } as const;
    await monque.schedule('0 * * * *', 'tick', 1, key);
    await monque.start();
    await clock.advance(HOUR_MS + 30.5 * MINUTE_MS);
    await monque.schedule('* * * * *', 'tick', 1, key);
    await clock.advance(2 * MINUTE_MS);
    gate.resolve();
    await clock.advance(31_000);
    expect(times).toEqual([minute(60), minute(91), minute(92), minute(93)]);
    expect(payloads(events, 'job:skipped')).toEqual([]);
    await monque.stop();
  });

  test('by a series that is over end it', async () => {
    const { clock, makeInstance } = makeWorld();
    const before = makeInstance();
    const job = await before.monque.schedule('*/10 * * * *', 'tick', undefined, {
      missed: 'skip',
      endAt: minute(25),
    });
    await clock.advance(HOUR_MS);
    const { monque } = makeInstance();
    monque.worker('tick', () => undefined);
    await monque.start();
    await clock.advance(1_000);
    expect(await monque.getJob(job._id)).toMatchObject({ status: 'cancelled', fence: 1 });
    await monque.stop();
  });
});
