import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, InvalidCronError, Monque } from '../../src/index.ts';
import { MANUAL_CLOCK_START, makeJob } from '../../src/testing/index.ts';
import { deferred, MINUTE_MS, makeOne, makeWorld, minute, payloads } from './kit.ts';

const HOUR_MS = 60 * MINUTE_MS;

test('arguments in the order of other libraries are refused with the right one', async () => {
  const monque = Monque.inMemory();
  const swapped = monque.schedule('report', '0 3 * * *', { a: 1 });
  await expect(swapped).rejects.toThrow(/schedule\(cron, name, data, options\)/);
  await expect(monque.schedule('report', 'other')).rejects.toMatchObject({ code: 'INVALID_CRON' });
});

describe('a series', () => {
  test('runs at each time of its plan, and each run knows which one it stands for', async () => {
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
        repeatInterval: '@daily',
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
        repeatInterval: '0 * * * *',
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
  test('after its end stands until its last run ended, and cannot be made again then', async () => {
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

  test('by a caller that lost a race to another change computes again', async () => {
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

describe('a series that was written manually', () => {
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
