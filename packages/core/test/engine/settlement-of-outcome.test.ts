import { describe, expect, test } from 'vitest';
import { cancel, discard, HandlerOutcome, InvalidArgumentError, snooze } from '../../src/index.ts';
import { MANUAL_CLOCK_START } from '../../src/testing/index.ts';
import { MINUTE_MS, makeOne, payloads } from './kit.ts';

describe('what a handler returns', () => {
  test('may be an outcome that another copy of the package made', async () => {
    const { monque, clock } = makeOne();
    // The mark and the shape are all that two copies have in common.
    const own = Object.getOwnPropertyDescriptors(discard('no use'));
    const foreign: HandlerOutcome = Object.create({}, own);
    monque.worker('work', () => foreign);
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(10);
    expect(foreign).not.toBeInstanceOf(HandlerOutcome);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'failed', failReason: 'no use' });
    await monque.stop();
  });

  test('is the result of the job', async () => {
    const { monque, clock, events } = makeOne();
    monque.worker('sum', async () => ({ total: 3 }));
    monque.worker('nothing', () => undefined);
    await monque.start();
    const { _id } = await monque.enqueue('sum');
    const other = await monque.enqueue('nothing');
    await clock.advance(10);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', result: { total: 3 } });
    expect(Object.keys((await monque.getJob(other._id)) ?? {})).not.toContain('result');
    const results = payloads(events, 'job:complete').map((payload) => 'result' in payload);
    expect(results).toEqual([true, false]);
    await monque.stop();
  });

  test('that cannot be stored is left out and said, for the work is done', async () => {
    const { monque, clock, events } = makeOne({ maxPayloadSize: 100 });
    monque.worker('function', () => () => undefined);
    monque.worker('large', () => 'x'.repeat(1_000));
    await monque.start();
    const jobs = [await monque.enqueue('function'), await monque.enqueue('large')];
    await clock.advance(10);
    for (const { _id } of jobs) {
      expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', fence: 1 });
    }
    const errors = payloads(events, 'job:error');
    expect(errors.map(({ error }) => (error as InvalidArgumentError).field)).toEqual([
      'result',
      'result',
    ]);
    expect(errors.map(({ job }) => job?.name).sort()).toEqual(['function', 'large']);
    await monque.stop();
  });
});

describe('snooze', () => {
  test('runs the job later without counting a failure', async () => {
    const { monque, clock, events } = makeOne({ maxRetries: 1 });
    let runs = 0;
    monque.worker('waits', () => {
      runs += 1;
      return runs < 3 ? snooze(30_000) : 'ready';
    });
    await monque.start();
    const { _id } = await monque.enqueue('waits');
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({
      status: 'pending',
      failCount: 0,
      nextRunAt: new Date(MANUAL_CLOCK_START.getTime() + 30_000),
    });
    await clock.advance(MINUTE_MS);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', fence: 3 });
    expect(payloads(events, 'job:fail')).toEqual([]);
    await monque.stop();
  });

  test('of the run of a series gives way to the next run', async () => {
    const { monque, clock } = makeOne();
    let runs = 0;
    monque.worker('tick', () => {
      runs += 1;
      return snooze(runs === 1 ? 30_000 : 90_000);
    });
    const { _id } = await monque.schedule('* * * * *', 'tick');
    await monque.start();
    await clock.advance(MINUTE_MS + 1_000);
    const at = (ms: number): Date => new Date(MANUAL_CLOCK_START.getTime() + ms);
    expect(await monque.getJob(_id)).toMatchObject({
      nextRunAt: at(90_000),
      scheduledFor: at(60_000),
    });
    await clock.advance(30_000);
    expect(await monque.getJob(_id)).toMatchObject({
      nextRunAt: at(120_000),
      scheduledFor: at(120_000),
    });
    await monque.stop();
  });

  test('takes whole milliseconds up to a year', () => {
    expect(snooze(0)).toBeInstanceOf(HandlerOutcome);
    for (const wrong of [-1, 0.5, Number.NaN, 366 * 24 * 3_600_000]) {
      expect(() => snooze(wrong)).toThrow(InvalidArgumentError);
    }
  });

  test('of a job that was asked to cancel ends as cancelled', async () => {
    const { monque, clock, faulty } = makeOne();
    monque.worker('waits', () => snooze(1_000));
    await monque.start();
    const { _id } = await monque.enqueue('waits');
    faulty.plan('settle', { onArrival: () => monque.cancelJob(_id) });
    await clock.advance(100);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'cancelled' });
    await monque.stop();
  });
});

describe('cancel and discard', () => {
  test('cancel ends the job as cancelled, with the reason in its history', async () => {
    const { monque, clock, events } = makeOne();
    monque.worker('obsolete', () => cancel('the order was withdrawn'));
    monque.worker('silent', () => cancel());
    await monque.start();
    const { _id } = await monque.enqueue('obsolete', 1, { uniqueKey: 'k' });
    const silent = await monque.enqueue('silent');
    await clock.advance(10);
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'cancelled' });
    expect(job?.uniqueLock).toBeUndefined();
    expect(job?.history).toMatchObject([
      { verb: 'cancelByHandler', reason: 'the order was withdrawn', by: expect.any(String) },
    ]);
    expect((await monque.getJob(silent._id))?.history).toMatchObject([{ reason: 'Cancelled' }]);
    expect(payloads(events, 'job:cancelled')).toHaveLength(2);
    await monque.stop();
  });

  test('discard fails the job for good, whatever retries are left', async () => {
    const { monque, clock, events } = makeOne();
    monque.worker('hopeless', () => discard('no such user'));
    await monque.start();
    const { _id } = await monque.enqueue('hopeless');
    await clock.advance(MINUTE_MS);
    expect(await monque.getJob(_id)).toMatchObject({
      status: 'failed',
      failCount: 1,
      failReason: 'no such user',
      fence: 1,
    });
    expect(payloads(events, 'job:fail')).toMatchObject([
      { willRetry: false, error: { message: 'no such user' } },
    ]);
    await monque.stop();
  });

  test('of the run of a series ends that run alone', async () => {
    const { monque, clock } = makeOne();
    let runs = 0;
    monque.worker('tick', () => {
      runs += 1;
      return runs === 1 ? discard('bad day') : cancel('no need');
    });
    const { _id } = await monque.schedule('* * * * *', 'tick');
    await monque.start();
    await clock.advance(2 * MINUTE_MS + 1_000);
    const job = await monque.getJob(_id);
    expect(job?.status).toBe('pending');
    expect(job?.history?.map(({ reason }) => reason)).toEqual(['bad day', 'no need']);
    await monque.stop();
  });
});
