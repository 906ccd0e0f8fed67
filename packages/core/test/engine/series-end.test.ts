import { describe, expect, test } from 'vitest';
import { MANUAL_CLOCK_START } from '../../src/testing/index.ts';
import { deferred, MINUTE_MS, makeOne, minute } from './kit.ts';

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
