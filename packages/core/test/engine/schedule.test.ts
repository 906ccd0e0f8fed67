import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, InvalidCronError } from '../../src/index.ts';
import { MANUAL_CLOCK_START, makeJob } from '../../src/testing/index.ts';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The time so many minutes after the manual clock's start, which is midnight. */
function minute(minutes: number): Date {
  return new Date(MANUAL_CLOCK_START.getTime() + minutes * MINUTE_MS);
}

describe('a series', () => {
  test('runs at each time of its plan, and each run is told which one it stands for', async () => {
    const { monque, clock } = makeOne();
    const runs: { at: number; scheduledFor: Date | undefined }[] = [];
    monque.worker('tick', (job) => {
      runs.push({ at: clock.now(), scheduledFor: job.scheduledFor });
    });
    await monque.schedule('*/5 * * * *', 'tick');
    await monque.start();
    await clock.advance(16 * MINUTE_MS);
    expect(runs.map(({ scheduledFor }) => scheduledFor)).toEqual([
      minute(5),
      minute(10),
      minute(15),
    ]);
    for (const { at, scheduledFor } of runs) {
      expect(at - Number(scheduledFor?.getTime())).toBeLessThan(50);
    }
    await monque.stop();
  });

  test('is one job that goes from run to run, with its result', async () => {
    const { monque, clock, events } = makeOne();
    monque.worker('tick', () => 'done');
    const { _id } = await monque.schedule('* * * * *', 'tick', { a: 1 });
    await monque.start();
    await clock.advance(2.5 * MINUTE_MS);
    expect(await monque.getJob(_id)).toMatchObject({
      status: 'pending',
      data: { a: 1 },
      repeatInterval: '* * * * *',
      result: 'done',
      fence: 2,
      failCount: 0,
      nextRunAt: minute(3),
      scheduledFor: minute(3),
    });
    expect(payloads(events, 'job:complete').map(({ result }) => result)).toEqual(['done', 'done']);
    await monque.stop();
  });

  test('follows the plan, not the end of a run', async () => {
    const { monque, clock } = makeOne();
    const startedAt: number[] = [];
    monque.worker('slow', async () => {
      startedAt.push(clock.now() - MANUAL_CLOCK_START.getTime());
      await new Promise<void>((resolve) => clock.setTimer(resolve, 40_000));
    });
    await monque.schedule('* * * * *', 'slow');
    await monque.start();
    await clock.advance(4 * MINUTE_MS + 1_000);
    expect(startedAt.map((at) => Math.round(at / 1_000))).toEqual([60, 120, 180, 240]);
    await clock.advance(45_000);
    await monque.stop();
  });

  test('is one, however many processes boot with it', async () => {
    const { clock, ledger, makeInstance } = makeWorld();
    const instances = [makeInstance(), makeInstance(), makeInstance()];
    const jobs = await Promise.all(
      instances.map(({ monque }) => monque.schedule('0 * * * *', 'report', { a: 1 })),
    );
    expect(new Set(jobs.map(({ _id }) => _id.toHexString())).size).toBe(1);
    let runs = 0;
    for (const { monque } of instances) {
      monque.worker('report', () => {
        runs += 1;
      });
      await monque.start();
    }
    await clock.advance(3 * HOUR_MS + MINUTE_MS);
    expect(runs).toBe(3);
    expect(ledger.size).toBe(1);
    for (const { monque } of instances) await monque.stop();
  });

  test('of the same name with another expression is another, unless they share a key', async () => {
    const { monque } = makeOne();
    await monque.schedule('0 * * * *', 'report');
    await monque.schedule('30 * * * *', 'report');
    await monque.schedule('0 1 * * *', 'report', undefined, { uniqueKey: 'k' });
    await monque.schedule('0 2 * * *', 'report', undefined, { uniqueKey: 'k' });
    const schedules = await monque.getSchedules({ name: 'report' });
    expect(schedules.map(({ cron }) => cron).sort()).toEqual([
      '0 * * * *',
      '0 2 * * *',
      '30 * * * *',
    ]);
    expect(await monque.getSchedules({ name: 'other' })).toEqual([]);
  });

  test('lists what it was made with, and the defaults', async () => {
    const { monque } = makeOne();
    const startAt = minute(90);
    const endAt = minute(600);
    const { _id } = await monque.schedule(
      '0 * * * *',
      'report',
      { a: 1 },
      {
        timezone: 'Asia/Kolkata',
        uniqueKey: 'k',
        startAt,
        endAt,
        missed: 'all',
        priority: 5,
        maxRetries: 2,
        backoff: { type: 'fixed', delay: 10 },
        timeout: 1_000,
      },
    );
    await monque.schedule('  @daily ', 'backup');
    expect(await monque.getSchedules()).toEqual([
      {
        jobId: expect.anything(),
        name: 'backup',
        uniqueKey: '@daily',
        cron: '@daily',
        timezone: 'UTC',
        missed: 'once',
        data: undefined,
        status: 'pending',
        nextRunAt: minute(24 * 60),
        scheduledFor: minute(24 * 60),
      },
      {
        jobId: _id,
        name: 'report',
        uniqueKey: 'k',
        cron: '0 * * * *',
        timezone: 'Asia/Kolkata',
        missed: 'all',
        startAt,
        endAt,
        data: { a: 1 },
        status: 'pending',
        nextRunAt: minute(90),
        scheduledFor: minute(90),
      },
    ]);
    expect(await monque.getJob(_id)).toMatchObject({
      priority: 5,
      maxRetries: 2,
      backoff: { type: 'fixed', delay: 10 },
      timeout: 1_000,
    });
  });

  test('is refused before any I/O when something is wrong with it', async () => {
    const { monque, ledger, faulty } = makeOne();
    const refused = async (...args: Parameters<typeof monque.schedule>): Promise<unknown> =>
      monque.schedule(...args).catch((error: unknown) => error);
    const cronError = await refused('0 25 * * *', 'a');
    expect(cronError).toBeInstanceOf(InvalidCronError);
    expect(cronError).toMatchObject({ expression: '0 25 * * *', position: 2 });
    for (const error of [
      await refused('* * * * *', ''),
      await refused('* * * * *', 'a', () => undefined),
      await refused('* * * * *', 'a', 1, { timezone: 'Mars/Phobos' }),
      await refused('* * * * *', 'a', 1, { missed: 'never' as never }),
      await refused('* * * * *', 'a', 1, { startAt: minute(2), endAt: minute(1) }),
      await refused('* * * * *', 'a', 1, { unique: 'k' } as never),
    ]) {
      expect(error).toBeInstanceOf(InvalidArgumentError);
    }
    expect(faulty.calls('enqueue')).toBe(0);
    expect(ledger.size).toBe(0);
    await expect(monque.schedule('0 0 1 1 *', 'a', 1, { endAt: minute(5) })).rejects.toMatchObject({
      field: 'options.endAt',
    });
  });
});

describe('a series that is asked for again', () => {
  test('after its end stands until its last run ended, and cannot be made anew then', async () => {
    const { monque, clock, faulty, ledger } = makeOne();
    const gate = deferred();
    monque.worker('tick', () => gate.promise);
    await monque.start();
    const ask = (data: string) => monque.schedule('* * * * *', 'tick', data, { endAt: minute(1) });
    const { _id } = await ask('a');
    await clock.advance(5 * MINUTE_MS);
    expect(await ask('a')).toMatchObject({ _id, status: 'processing', seriesVersion: 1 });
    expect(await ask('b')).toMatchObject({ _id, data: 'b', seriesVersion: 2 });
    expect(faulty.calls('replan')).toBe(1);
    gate.resolve();
    await clock.advance(1_000);
    const refusal: unknown = await ask('b').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InvalidArgumentError);
    expect(refusal).toMatchObject({ field: 'options.endAt' });
    expect(String(refusal)).toContain(`got ${minute(1).toISOString()} (Date)`);
    expect(ledger.size).toBe(1);
    await monque.stop();
  });

  test('that was ended during its last run is refused when the plan has no run to come', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred();
    monque.worker('tick', () => gate.promise);
    await monque.start();
    const ask = () => monque.schedule('* * * * *', 'tick', 1, { endAt: minute(1) });
    await ask();
    await clock.advance(5 * MINUTE_MS);
    await monque.unschedule('tick');
    await expect(ask()).rejects.toBeInstanceOf(InvalidArgumentError);
    gate.resolve();
    await monque.stop();
  });

  test('as it is changes nothing: a second instance does not move a waiting run', async () => {
    const { clock, makeInstance } = makeWorld();
    const first = makeInstance();
    const job = await first.monque.schedule('0 * * * *', 'report', { a: 1, b: 2 });
    await first.monque.rescheduleJob(job._id, minute(7));
    await clock.advance(MINUTE_MS);
    const second = makeInstance();
    const again = await second.monque.schedule('0 *  * * *', 'report', { a: 1, b: 2 });
    expect(again).toMatchObject({
      nextRunAt: minute(7),
      seriesVersion: 1,
      scheduledFor: minute(60),
    });
    expect(second.faulty.calls('replan')).toBe(0);
  });

  test('with other data keeps its waiting run', async () => {
    const { monque } = makeOne();
    const job = await monque.schedule('0 * * * *', 'report', { a: 1 }, { uniqueKey: 'k' });
    await monque.rescheduleJob(job._id, minute(7));
    const after = await monque.schedule('0 * * * *', 'report', { a: 2 }, { uniqueKey: 'k' });
    expect(after).toMatchObject({
      _id: job._id,
      data: { a: 2 },
      nextRunAt: minute(7),
      seriesVersion: 2,
    });
    const bare = await monque.schedule('0 * * * *', 'report', undefined, { uniqueKey: 'k' });
    expect(bare.data).toBeUndefined();
  });

  test('with other options for its runs takes them, and those that were left out are gone', async () => {
    const { monque } = makeOne();
    const first = { uniqueKey: 'k', priority: 3, maxRetries: 2, timeout: 1_000 };
    await monque.schedule('0 * * * *', 'report', 1, first);
    const backoff = { type: 'fixed', delay: 7 } as const;
    const job = await monque.schedule('0 * * * *', 'report', 1, {
      uniqueKey: 'k',
      timeout: 9,
      backoff,
    });
    expect(job).toMatchObject({ priority: 0, timeout: 9, backoff, seriesVersion: 2 });
    expect(job.maxRetries).toBeUndefined();
    expect(job.nextRunAt).toEqual(minute(60));
  });

  test('with another expression or zone waits for the next time of the new plan', async () => {
    const { monque, clock } = makeOne();
    const runs: (Date | undefined)[] = [];
    monque.worker('report', (job) => {
      runs.push(job.scheduledFor);
    });
    await monque.start();
    await monque.schedule('0 * * * *', 'report', undefined, { uniqueKey: 'k' });
    await clock.advance(1_000);
    const after = await monque.schedule('*/2 * * * *', 'report', undefined, { uniqueKey: 'k' });
    expect(after.nextRunAt).toEqual(minute(2));
    await clock.advance(5 * MINUTE_MS);
    expect(runs).toEqual([minute(2), minute(4)]);
    const zoned = await monque.schedule('0 12 * * *', 'report', undefined, {
      uniqueKey: 'k',
      timezone: 'Asia/Tokyo',
    });
    expect(zoned.nextRunAt).toEqual(minute(3 * 60));
    await monque.stop();
  });

  test('during a run goes on by the new plan when the run ends', async () => {
    const { monque, clock, events } = makeOne();
    const gate = deferred();
    monque.worker('report', () => gate.promise);
    const job = await monque.schedule('* * * * *', 'report', { a: 1 }, { uniqueKey: 'k' });
    await monque.start();
    await clock.advance(MINUTE_MS);
    expect(payloads(events, 'job:start')).toHaveLength(1);
    const during = await monque.schedule('*/10 * * * *', 'report', { a: 2 }, { uniqueKey: 'k' });
    expect(during.status).toBe('processing');
    gate.resolve();
    await clock.advance(1_000);
    expect(await monque.getJob(job._id)).toMatchObject({
      status: 'pending',
      nextRunAt: minute(10),
      scheduledFor: minute(10),
      data: { a: 2 },
    });
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test('by a caller that lost a race to another change reckons anew', async () => {
    const { clock, makeInstance } = makeWorld();
    const [first, second] = [makeInstance(), makeInstance()];
    await first.monque.schedule('0 * * * *', 'report', 0, { uniqueKey: 'k' });
    second.faulty.plan('replan', {
      onArrival: () => first.monque.schedule('*/7 * * * *', 'report', 0, { uniqueKey: 'k' }),
    });
    const job = await second.monque.schedule('*/9 * * * *', 'report', 0, { uniqueKey: 'k' });
    expect(job).toMatchObject({
      repeatInterval: '*/9 * * * *',
      seriesVersion: 3,
      nextRunAt: minute(9),
    });
    expect(clock.now()).toBe(MANUAL_CLOCK_START.getTime());
  });

  test('that changes under every try gives up with an error', async () => {
    const { monque, faulty, ledger } = makeOne();
    const job = await monque.schedule('0 * * * *', 'report', 0, { uniqueKey: 'k' });
    let version = 1;
    const change = async (): Promise<void> => {
      const series = { repeatInterval: `${version} * * * *` };
      const now = MANUAL_CLOCK_START;
      await ledger.replan({ jobId: job._id, seriesVersion: version, series, now });
      version += 1;
    };
    faulty.plan('replan', { onArrival: change }, 20);
    await expect(
      monque.schedule('*/9 * * * *', 'report', 0, { uniqueKey: 'k' }),
    ).rejects.toMatchObject({ code: 'BUSY' });
  });

  test('stores nothing when the ledger refuses it', async () => {
    const { monque, faulty } = makeOne();
    const answers = [{ outcome: 'refused', error: new Error('no') }];
    const enqueue = faulty.enqueue.bind(faulty);
    faulty.enqueue = async () => ({ answers }) as never;
    await expect(monque.schedule('0 * * * *', 'report')).rejects.toThrow('no');
    faulty.enqueue = enqueue;
    expect(await monque.getSchedules()).toEqual([]);
  });
});

describe('a series that was written by hand', () => {
  test('is listed with defaults, runs, and can be ended', async () => {
    const { monque, clock, ledger } = makeOne();
    const job = makeJob({
      name: 'tick',
      repeatInterval: '* * * * *',
      uniqueLock: 'series:mine',
      nextRunAt: minute(1),
    });
    await ledger.enqueue({ jobs: [job] });
    expect(await monque.getSchedules()).toMatchObject([
      { uniqueKey: '* * * * *', timezone: 'UTC', missed: 'once', scheduledFor: minute(1) },
    ]);
    let runs = 0;
    monque.worker('tick', () => {
      runs += 1;
    });
    await monque.start();
    await clock.advance(2.5 * MINUTE_MS);
    expect(runs).toBe(2);
    expect(await monque.unschedule('tick', { uniqueKey: 'mine' })).toBe(1);
    await monque.stop();
  });
});

describe('a plan that changes while the end of a run is recorded', () => {
  async function replannedRun() {
    const world = makeOne({ leaseDuration: 600_000 });
    const { monque, clock } = world;
    const gate = deferred();
    monque.worker('tick', () => gate.promise);
    const { _id } = await monque.schedule('* * * * *', 'tick', 1, { uniqueKey: 'k' });
    await monque.start();
    await clock.advance(MINUTE_MS);
    await monque.schedule('*/10 * * * *', 'tick', 1, { uniqueKey: 'k' });
    return { ...world, gate, jobId: _id };
  }

  test('is read until the ledger answers', async () => {
    const { monque, clock, faulty, gate, jobId } = await replannedRun();
    faulty.plan('getJob', { fail: 'before' }, 2);
    gate.resolve();
    await clock.advance(1_000);
    expect(await monque.getJob(jobId)).toMatchObject({ status: 'pending', nextRunAt: minute(10) });
    await monque.stop();
  });

  test('and whose claim was taken meanwhile is lost', async () => {
    const { monque, clock, faulty, ledger, gate, jobId, events } = await replannedRun();
    const [lease] = await ledger.readLeases();
    const instanceId = String(lease?.instanceId);
    const takeAway = async (): Promise<void> => {
      await ledger.declareDead({ instanceId, counter: Number(lease?.counter) });
      await ledger.rescue({ deadInstanceId: instanceId, rescueLimit: 5, now: minute(1), limit: 9 });
    };
    faulty.plan('getJob', { onArrival: takeAway });
    gate.resolve();
    await clock.advance(1_000);
    expect(payloads(events, 'job:lost')).toHaveLength(1);
    const job = await ledger.getJob({ jobId });
    expect(job?.history?.map(({ verb }) => verb)).toContain('rescue');
    expect(job).toMatchObject({ status: 'pending', fence: 2, nextRunAt: minute(10) });
    await monque.stop();
  });

  test('is given up when the scheduler stops while the ledger does not answer', async () => {
    const { monque, clock, faulty, gate, events } = await replannedRun();
    faulty.plan('getJob', { fail: 'before' }, 1_000);
    gate.resolve();
    await clock.advance(1_000);
    const stopped = monque.stop();
    await clock.advance(20_000);
    await stopped;
    expect(payloads(events, 'job:lost')).toMatchObject([{ reason: 'unknown' }]);
  });
});

describe('a run of a series that fails', () => {
  test('is retried as the same run, and the plan goes on', async () => {
    const { monque, clock, events } = makeOne();
    let runs = 0;
    const times: (Date | undefined)[] = [];
    monque.worker('flaky', (job) => {
      runs += 1;
      times.push(job.scheduledFor);
      if (runs === 1) throw new Error('first');
    });
    await monque.schedule('* * * * *', 'flaky');
    await monque.start();
    await clock.advance(2.5 * MINUTE_MS);
    expect(times).toEqual([minute(1), minute(1), minute(2)]);
    expect(payloads(events, 'job:fail')).toMatchObject([{ willRetry: true }]);
    await monque.stop();
  });

  test('gives way to the next run when its retry would come later', async () => {
    const { monque, clock, events } = makeOne({ baseRetryInterval: 45_000 });
    const times: (Date | undefined)[] = [];
    monque.worker('fails', (job) => {
      times.push(job.scheduledFor);
      throw new Error('down');
    });
    const { _id } = await monque.schedule('* * * * *', 'fails');
    await monque.start();
    await clock.advance(3 * MINUTE_MS + 1_000);
    expect(times).toEqual([minute(1), minute(2), minute(3)]);
    expect(payloads(events, 'job:fail').map(({ willRetry }) => willRetry)).toEqual([
      false,
      false,
      false,
    ]);
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'pending', failCount: 0, nextRunAt: minute(4) });
    expect(
      job?.history?.map(({ verb, reason, scheduledFor }) => ({ verb, reason, scheduledFor })),
    ).toEqual(
      [1, 2, 3].map((at) => ({
        verb: 'repeatAfterFailure',
        reason: 'down',
        scheduledFor: minute(at),
      })),
    );
    await monque.stop();
  });

  test('that used up its retries stays in the history and the series goes on', async () => {
    const { monque, clock } = makeOne({ maxRetries: 2, baseRetryInterval: 1_000 });
    let isDown = true;
    monque.worker('report', () => {
      if (isDown) throw new Error('down');
    });
    const { _id } = await monque.schedule('* * * * *', 'report');
    await monque.start();
    await clock.advance(1.5 * MINUTE_MS);
    const job = await monque.getJob(_id);
    expect(job?.history?.map(({ verb }) => verb)).toEqual(['retry', 'repeatAfterFailure']);
    expect(job?.failReason).toBeUndefined();
    isDown = false;
    await clock.advance(MINUTE_MS);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending', nextRunAt: minute(3) });
    await monque.stop();
  });
});

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

  test('run once for all of them by default, and what was passed over is told', async () => {
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

  test('do not include one that was put at a time in the past by hand', async () => {
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

describe('the end of a series', () => {
  test('comes with the last run before endAt', async () => {
    const { monque, clock } = makeOne();
    let runs = 0;
    monque.worker('tick', () => {
      runs += 1;
    });
    const { _id } = await monque.schedule('* * * * *', 'tick', undefined, { endAt: minute(3) });
    await monque.start();
    await clock.advance(10 * MINUTE_MS);
    expect(runs).toBe(3);
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'completed' });
    expect(job?.uniqueLock).toBeUndefined();
    expect(await monque.getSchedules()).toEqual([]);
    await monque.stop();
  });

  test('comes with unschedule, which cancels the waiting run', async () => {
    const { monque, clock } = makeOne();
    let runs = 0;
    monque.worker('tick', () => {
      runs += 1;
    });
    const { _id } = await monque.schedule('* * * * *', 'tick');
    await monque.schedule('* * * * *', 'tick', undefined, { uniqueKey: 'other' });
    await monque.start();
    expect(await monque.unschedule('tick', { uniqueKey: '* * * * *' })).toBe(1);
    expect(await monque.unschedule('tick', { uniqueKey: '* * * * *' })).toBe(0);
    await clock.advance(1.5 * MINUTE_MS);
    expect(runs).toBe(1);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'cancelled' });
    expect(await monque.unschedule('tick')).toBe(1);
    expect(await monque.getSchedules()).toEqual([]);
    await monque.stop();
  });

  test.each([
    ['0  9 * * 1-5', ' 0 9  * * 1-5 '],
    [' @daily ', '@daily'],
    ['@daily', '\t@daily'],
  ])('takes the expression %j as %j for its key', async (asked, ended) => {
    const { monque } = makeOne();
    await monque.schedule(asked, 'tick');
    expect(await monque.unschedule('tick', { uniqueKey: ended })).toBe(1);
    expect(await monque.getSchedules()).toEqual([]);
  });

  test('takes a key as it was given first, and as an expression only when none has it', async () => {
    const { monque } = makeOne();
    const spaced = '0  *  * * *';
    await monque.schedule('0 * * * *', 'tick');
    await monque.schedule('0 * * * *', 'tick', 1, { uniqueKey: spaced });
    await monque.schedule('0 * * * *', 'tick', 1, { uniqueKey: 'a key' });
    expect(await monque.unschedule('tick', { uniqueKey: 'a  key' })).toBe(0);
    expect(await monque.unschedule('tick', { uniqueKey: spaced })).toBe(1);
    expect((await monque.getSchedules()).map(({ uniqueKey }) => uniqueKey)).toEqual([
      '0 * * * *',
      'a key',
    ]);
  });

  test('during a run lets that end, and it is the last', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred<string>();
    monque.worker('tick', () => gate.promise);
    const { _id } = await monque.schedule('* * * * *', 'tick');
    await monque.start();
    await clock.advance(MINUTE_MS);
    expect(await monque.unschedule('tick')).toBe(1);
    expect(await monque.unschedule('tick')).toBe(0);
    expect(await monque.getSchedules()).toEqual([]);
    gate.resolve('last');
    await clock.advance(5 * MINUTE_MS);
    expect(await monque.getJob(_id)).toMatchObject({
      status: 'completed',
      result: 'last',
      fence: 1,
    });
    await monque.stop();
  });

  test('during a run can be taken back: the series goes on with the same job', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred();
    monque.worker('tick', () => gate.promise);
    const { _id } = await monque.schedule('* * * * *', 'tick');
    await monque.start();
    await clock.advance(MINUTE_MS);
    await monque.unschedule('tick');
    const again = await monque.schedule('* * * * *', 'tick');
    expect(again._id).toEqual(_id);
    gate.resolve();
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending', nextRunAt: minute(2) });
    await monque.stop();
  });

  test('under constant change is given up with an error', async () => {
    const { monque, faulty, ledger } = makeOne();
    const { _id } = await monque.schedule('0 * * * *', 'tick');
    let version = 1;
    const change = async (): Promise<void> => {
      const series = { repeatInterval: `${version} * * * *` };
      await ledger.replan({ jobId: _id, seriesVersion: version, series, now: MANUAL_CLOCK_START });
      version += 1;
    };
    faulty.plan('endSeries', { onArrival: change }, 20);
    await expect(monque.unschedule('tick')).rejects.toMatchObject({ code: 'BUSY' });
  });
});

describe('cancelling', () => {
  test('the waiting run of a series skips it, and the series goes on', async () => {
    const { monque, clock, events } = makeOne();
    const times: (Date | undefined)[] = [];
    monque.worker('tick', (job) => {
      times.push(job.scheduledFor);
    });
    const { _id } = await monque.schedule('*/5 * * * *', 'tick');
    await monque.start();
    const job = await monque.cancelJob(_id, { reason: 'holiday' });
    expect(job).toMatchObject({ status: 'pending', nextRunAt: minute(10) });
    expect(job?.history).toMatchObject([
      { verb: 'skipRun', reason: 'holiday', scheduledFor: minute(5) },
    ]);
    await clock.advance(11 * MINUTE_MS);
    expect(times).toEqual([minute(10)]);
    expect(payloads(events, 'job:cancelled')).toHaveLength(1);
    await monque.stop();
  });

  test('a run that is on ends that run, and the series goes on', async () => {
    const { monque, clock, events } = makeOne();
    monque.worker(
      'tick',
      (_job, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    const { _id } = await monque.schedule('*/5 * * * *', 'tick');
    await monque.start();
    await clock.advance(5 * MINUTE_MS);
    expect(await monque.cancelJob(_id)).toMatchObject({ status: 'processing' });
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending', nextRunAt: minute(10) });
    expect(payloads(events, 'job:cancelled')).toHaveLength(1);
    await monque.stop();
  });

  test('a run that is retried in spite of the request goes on with the next one', async () => {
    const { monque, clock, faulty } = makeOne();
    const gate = deferred();
    monque.worker('tick', () => gate.promise);
    const { _id } = await monque.schedule('*/5 * * * *', 'tick');
    await monque.start();
    await clock.advance(5 * MINUTE_MS);
    faulty.plan('settle', { onArrival: () => monque.cancelJob(_id) });
    gate.reject(new Error('fails'));
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending', nextRunAt: minute(10) });
    await monque.stop();
  });
});
