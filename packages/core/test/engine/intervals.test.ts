import { describe, expect, test } from 'vitest';
import { MANUAL_CLOCK_START, makeJob } from '../../src/testing/index.ts';
import { deferred, MINUTE_MS, makeOne, makeWorld, minute, payloads } from './kit.ts';

const FIVE = 'every 5 minutes from 2025-01-01T00:00:00.000Z';

describe('a series with an interval', () => {
  test('runs first one interval after it was made, and then without drift', async () => {
    const { monque, clock } = makeOne();
    const runs: (Date | undefined)[] = [];
    monque.worker('sweep', async (job) => {
      runs.push(job.scheduledFor);
      await new Promise<void>((resolve) => clock.setTimer(resolve, 90_000));
    });
    const job = await monque.schedule({ every: '5 minutes' }, 'sweep');
    expect(job).toMatchObject({
      ...{ repeatInterval: FIVE, uniqueKey: 'every 5 minutes', nextRunAt: minute(5) },
    });
    await monque.start();
    await clock.advance(17 * MINUTE_MS);
    expect(runs).toEqual([minute(5), minute(10), minute(15)]);
    await monque.stop();
  });

  test('is counted from its start, which is its first run', async () => {
    const { monque } = makeOne();
    const ask = (startAt: Date) => monque.schedule({ every: 420_000 }, 'sweep', 1, { startAt });
    expect(await ask(minute(3))).toMatchObject({
      ...{ nextRunAt: minute(3), uniqueKey: 'every 7 minutes', seriesVersion: 1 },
    });
    expect(await ask(minute(3))).toMatchObject({ nextRunAt: minute(3), seriesVersion: 1 });
    expect(await ask(minute(-3))).toMatchObject({ nextRunAt: minute(4), seriesVersion: 2 });
  });

  test('is one, whenever processes boot with it, and none of them moves its times', async () => {
    const { clock, ledger, makeInstance } = makeWorld();
    const instances = [makeInstance(), makeInstance(), makeInstance()];
    const ids = new Set<string>();
    for (const { monque } of instances) {
      const job = await monque.schedule({ every: '300 seconds' }, 'sweep', { a: 1 });
      expect(job).toMatchObject({ repeatInterval: FIVE, seriesVersion: 1, nextRunAt: minute(5) });
      ids.add(job._id.toHexString());
      await clock.advance(71_000);
    }
    expect([ids.size, ledger.size]).toEqual([1, 1]);
  });

  test('is changed while it waits: another interval is counted from now', async () => {
    const { monque, clock } = makeOne();
    const options = { uniqueKey: 'k' };
    await monque.schedule({ every: '5 minutes' }, 'sweep', 1, options);
    await clock.advance(2 * MINUTE_MS);
    const changed = await monque.schedule({ every: '10 minutes' }, 'sweep', 1, options);
    expect(changed).toMatchObject({ nextRunAt: minute(12), seriesVersion: 2 });
    const data = await monque.schedule({ every: '10 minutes' }, 'sweep', 2, options);
    expect(data).toMatchObject({ nextRunAt: minute(12), data: 2, seriesVersion: 3 });
    const cron = await monque.schedule('*/5 * * * *', 'sweep', 2, options);
    expect(cron).toMatchObject({ repeatInterval: '*/5 * * * *', nextRunAt: minute(5) });
    const back = await monque.schedule({ every: '5 minutes' }, 'sweep', 2, options);
    expect(back).toMatchObject({ nextRunAt: minute(7), seriesVersion: 5 });
  });

  test('is changed during a run: the next one is of the new interval', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred();
    monque.worker('sweep', () => gate.promise);
    const options = { uniqueKey: 'k' };
    const { _id } = await monque.schedule({ every: '5 minutes' }, 'sweep', 1, options);
    await monque.start();
    await clock.advance(6 * MINUTE_MS);
    await monque.schedule({ every: '1 hour' }, 'sweep', 1, options);
    gate.resolve();
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending', nextRunAt: minute(66) });
    await monque.stop();
  });

  test.each([
    ['skip', [5, 40]],
    ['once', [5, 35, 40]],
    ['all', [5, 10, 15, 20, 25, 30, 35, 40]],
  ] as const)('treats missed times as %s says', async (missed, expected) => {
    const { monque, clock } = makeOne();
    const runs: number[] = [];
    const gate = deferred();
    monque.worker('sweep', async (job) => {
      runs.push((Number(job.scheduledFor) - Number(MANUAL_CLOCK_START)) / MINUTE_MS);
      if (runs.length === 1) await gate.promise;
    });
    await monque.schedule({ every: '5 minutes' }, 'sweep', 1, { missed });
    await monque.start();
    await clock.advance(36 * MINUTE_MS);
    gate.resolve();
    await clock.advance(5 * MINUTE_MS);
    expect(runs).toEqual(expected);
    await monque.stop();
  });

  test('goes on at its next time when its waiting run is cancelled', async () => {
    const { monque } = makeOne();
    const { _id } = await monque.schedule({ every: '5 minutes' }, 'sweep');
    expect(await monque.cancelJob(_id)).toMatchObject({ nextRunAt: minute(10) });
    await monque.rescheduleJob(_id, minute(1));
    expect(await monque.getJob(_id)).toMatchObject({
      ...{ nextRunAt: minute(1), scheduledFor: minute(10) },
    });
  });

  test('is over with its end', async () => {
    const { monque, clock, ledger } = makeOne();
    let runs = 0;
    monque.worker('sweep', () => {
      runs += 1;
    });
    await monque.start();
    const { _id } = await monque.schedule({ every: '5 minutes' }, 'sweep', 1, {
      endAt: minute(12),
    });
    await clock.advance(60 * MINUTE_MS);
    expect(runs).toBe(2);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed' });
    expect(ledger.size).toBe(1);
    await monque.stop();
  });

  test('is listed with its interval, and ended by its key however that is written', async () => {
    const { monque } = makeOne();
    await monque.schedule({ every: '5 minutes' }, 'sweep');
    const [schedule] = await monque.getSchedules();
    expect(schedule).toMatchObject({
      ...{ repeatInterval: FIVE, everyMs: 300_000, timezone: 'UTC', uniqueKey: 'every 5 minutes' },
    });
    expect(schedule).not.toHaveProperty('cron');
    expect(await monque.unschedule('sweep', { uniqueKey: 'every 4 minutes' })).toBe(0);
    expect(await monque.unschedule('sweep', { uniqueKey: 'every 300 seconds' })).toBe(1);
    expect(await monque.getSchedules()).toEqual([]);
  });

  test('is left alone by a process that cannot read it, which says so', async () => {
    const { monque, clock, ledger, events } = makeOne();
    monque.worker('sweep', () => undefined);
    await monque.start();
    const repeatInterval = 'every 2 moons from 2025-01-01T00:00:00.000Z';
    const job = makeJob({ name: 'sweep', repeatInterval, scheduledFor: MANUAL_CLOCK_START });
    await ledger.enqueue({ jobs: [job] });
    await clock.advance(1_000);
    const stored = await monque.getJob(job._id);
    expect(stored).toMatchObject({ status: 'pending', scheduledFor: MANUAL_CLOCK_START });
    expect(payloads(events, 'job:start')).toEqual([]);
    expect(payloads(events, 'job:error')).toMatchObject([{ error: { code: 'UNFIT_JOB' } }]);
    await monque.stop();
  });
});

test('what is wrong with an interval is said before any I/O', async () => {
  const { monque, faulty } = makeOne();
  const refused = (...args: unknown[]): Promise<unknown> =>
    Reflect.apply(monque.schedule, monque, args).catch((error: unknown) => error);
  expect(await refused({ every: 'soon' }, 'a')).toMatchObject({ field: 'cron.every' });
  expect(await refused({ every: 5 }, 'a')).toMatchObject({ field: 'cron.every' });
  expect(await refused({ each: '5 minutes' }, 'a')).toMatchObject({ field: 'cron' });
  expect(await refused(null, 'a')).toMatchObject({ field: 'cron' });
  const zone = await refused({ every: '5 minutes' }, 'a', 1, { timezone: 'Europe/Berlin' });
  expect(zone).toMatchObject({ field: 'options.timezone' });
  expect(String(zone)).toContain('an interval is the same in every time zone');
  expect(String(await refused('5 minutes', 'a'))).toContain(`pass \`{ every: '5 minutes' }\``);
  expect(String(await refused('a', { every: '5 minutes' }))).toContain('the plan comes first');
  const hint = await monque.enqueue('a', 1, { every: '5 minutes' } as never).catch(String);
  expect(hint).toContain(`schedule({ every: '5 minutes' }, name, data, options)`);
  expect(faulty.calls('enqueue')).toBe(0);
});
