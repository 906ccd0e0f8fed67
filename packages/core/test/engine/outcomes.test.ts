import type { ClientSession } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { cancel, discard, HandlerOutcome, InvalidArgumentError, snooze } from '../../src/index.ts';
import { MANUAL_CLOCK_START } from '../../src/testing/index.ts';
import { deferred, makeOne, payloads } from './kit.ts';

const MINUTE_MS = 60_000;

describe('what a handler returns', () => {
  test('may be an outcome that another copy of the package made', async () => {
    const { monque, clock } = makeOne();
    // A class of the same shape is all that two copies have in common.
    const foreign = Object.assign(Object.create({}), discard('no use'));
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

describe('retries as the job and the worker want them', () => {
  async function gaps(worker: object, job: object, runs = 4): Promise<number[]> {
    const { monque, clock } = makeOne();
    const startedAt: number[] = [];
    monque.worker(
      'fails',
      () => {
        startedAt.push(clock.now());
        throw new Error(`failure ${startedAt.length}`);
      },
      worker,
    );
    await monque.start();
    await monque.enqueue('fails', undefined, job);
    await clock.advance(10 * MINUTE_MS);
    await monque.stop();
    return startedAt
      .slice(1, runs)
      .map((at, index) => Math.round((at - Number(startedAt[index])) / 10) * 10);
  }

  test('a fixed backoff waits the same each time', async () => {
    expect(await gaps({ backoff: { type: 'fixed', delay: 3_000 } }, {})).toEqual([
      3_000, 3_000, 3_000,
    ]);
  });

  test('an exponential backoff doubles up to its cap', async () => {
    const backoff = { type: 'exponential', delay: 1_000, maxDelay: 5_000 };
    expect(await gaps({}, { backoff })).toEqual([2_000, 4_000, 5_000]);
  });

  test('a function gets the failures and the error', async () => {
    const seen: unknown[] = [];
    const backoff = (failCount: number, error: Error): number => {
      seen.push([failCount, error.message]);
      return failCount * 1_000;
    };
    expect(await gaps({ backoff, maxRetries: 3 }, {})).toEqual([1_000, 2_000]);
    expect(seen).toEqual([
      [1, 'failure 1'],
      [2, 'failure 2'],
    ]);
  });

  test('a function that fails is reported, and the delay doubles from one second', async () => {
    const { monque, clock, events } = makeOne();
    const backoff = (): number => Number.NaN;
    monque.worker('fails', () => Promise.reject(new Error('no')), { backoff });
    await monque.start();
    const { _id } = await monque.enqueue('fails');
    await clock.advance(10);
    const job = await monque.getJob(_id);
    expect(Number(job?.nextRunAt.getTime()) - MANUAL_CLOCK_START.getTime()).toBe(2_000);
    expect(
      payloads(events, 'job:error')
        .map(({ error }) => error.message)
        .join(),
    ).toContain('backoff()');
    await monque.stop();
  });

  test('what the job states goes before the worker, and the worker before the scheduler', async () => {
    const { monque, clock } = makeOne({ maxRetries: 5, baseRetryInterval: 1 });
    const fails = () => Promise.reject(new Error('no'));
    monque.worker('three', fails, { maxRetries: 3 });
    monque.worker('five', fails);
    await monque.start();
    const jobs = [
      await monque.enqueue('three', 1, { maxRetries: 2 }),
      await monque.enqueue('three'),
      await monque.enqueue('five'),
    ];
    await clock.advance(MINUTE_MS);
    const counts = await Promise.all(
      jobs.map(async ({ _id }) => (await monque.getJob(_id))?.failCount),
    );
    expect(counts).toEqual([2, 3, 5]);
    await monque.stop();
  });

  test('jitter shortens delays by chance, within its part', async () => {
    const { monque, clock } = makeOne({ retryJitter: 0.5 });
    monque.worker('fails', () => Promise.reject(new Error('no')));
    await monque.start();
    const jobs = await Promise.all(Array.from({ length: 20 }, () => monque.enqueue('fails')));
    await clock.advance(50);
    const delays = await Promise.all(
      jobs.map(async ({ _id }) => {
        const job = await monque.getJob(_id);
        return Number(job?.nextRunAt.getTime()) - MANUAL_CLOCK_START.getTime();
      }),
    );
    expect(new Set(delays).size).toBeGreaterThan(10);
    for (const delay of delays) expect(delay).toBeGreaterThanOrEqual(1_000);
    for (const delay of delays) expect(delay).toBeLessThanOrEqual(2_050);
    await monque.stop();
  });
});

describe('a timeout', () => {
  test('aborts the signal and counts as a failure, also when the handler then returns', async () => {
    const { monque, clock, events } = makeOne({ maxRetries: 1 });
    let reason: unknown;
    monque.worker(
      'slow',
      (_job, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            reason = signal.reason;
            resolve('late');
          });
        }),
    );
    await monque.start();
    const { _id } = await monque.enqueue('slow', undefined, { timeout: 5_000 });
    await clock.advance(4_000);
    expect(reason).toBeUndefined();
    await clock.advance(1_100);
    expect(reason).toMatchObject({ name: 'TimeoutError' });
    expect(await monque.getJob(_id)).toMatchObject({
      status: 'failed',
      failReason: 'The run took longer than its timeout of 5000 ms',
    });
    expect(payloads(events, 'job:fail')).toMatchObject([{ error: { name: 'TimeoutError' } }]);
    await monque.stop();
  });

  test('frees the slot of a handler that goes on all the same', async () => {
    const { monque, clock } = makeOne({ maxRetries: 1 });
    const never = deferred();
    monque.worker('stuck', (job) => (job.data === 'stuck' ? never.promise : undefined), {
      concurrency: 1,
      timeout: 1_000,
    });
    await monque.start();
    const stuck = await monque.enqueue('stuck', 'stuck');
    const next = await monque.enqueue('stuck', 'fine');
    await clock.advance(1_900);
    expect((await monque.getJob(next._id))?.status).toBe('pending');
    await clock.advance(500);
    expect((await monque.getJob(stuck._id))?.status).toBe('failed');
    expect((await monque.getJob(next._id))?.status).toBe('completed');
    await monque.stop();
  });

  test('that is not reached changes nothing and leaves no timer', async () => {
    const { monque, clock } = makeOne();
    monque.worker('quick', () => 'done', { timeout: 5_000 });
    monque.worker('fails', () => Promise.reject(new Error('own')), { timeout: 5_000 });
    await monque.start();
    const { _id } = await monque.enqueue('quick');
    const fails = await monque.enqueue('fails');
    await clock.advance(100);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', result: 'done' });
    expect(await monque.getJob(fails._id)).toMatchObject({ failReason: 'own' });
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('of a job that was cancelled first ends as cancelled', async () => {
    const { monque, clock } = makeOne();
    const never = deferred();
    monque.worker('stuck', () => never.promise, { timeout: 1_000 });
    await monque.start();
    const { _id } = await monque.enqueue('stuck');
    await clock.advance(100);
    await monque.cancelJob(_id);
    await clock.advance(3_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'cancelled' });
    await monque.stop();
  });
});

describe('progress and log', () => {
  test('are stored while the handler runs, and told', async () => {
    const { monque, clock, events } = makeOne();
    const gate = deferred();
    monque.worker('long', async (_job, { progress, log }) => {
      progress(10);
      log('started');
      await gate.promise;
    });
    await monque.start();
    const { _id } = await monque.enqueue('long');
    await clock.advance(300);
    expect(await monque.getJob(_id)).toMatchObject({
      status: 'processing',
      progress: 10,
      logs: ['started'],
    });
    expect(payloads(events, 'job:progress')).toMatchObject([{ progress: 10, job: { _id } }]);
    gate.resolve();
    await clock.advance(10);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', progress: 10 });
    await monque.stop();
  });

  test('told quickly one after another go in few writes, and none is lost', async () => {
    const { monque, clock, faulty } = makeOne();
    monque.worker('busy', async (_job, { progress, log }) => {
      for (let step = 1; step <= 100; step += 1) {
        progress(step);
        log(`line ${step}`);
        await new Promise<void>((resolve) => clock.setTimer(resolve, 10));
      }
    });
    await monque.start();
    const { _id } = await monque.enqueue('busy');
    await clock.advance(3_000);
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'completed', progress: 100 });
    expect(job?.logs).toEqual(Array.from({ length: 100 }, (_, index) => `line ${index + 1}`));
    expect(faulty.calls('note')).toBeLessThanOrEqual(8);
    await monque.stop();
  });

  test('whose write failed go with the next', async () => {
    const { monque, clock, faulty, events } = makeOne();
    const gate = deferred();
    monque.worker('long', async (_job, { progress, log }) => {
      log('one');
      progress(1);
      await gate.promise;
      log('two');
    });
    faulty.plan('note', { fail: 'before' });
    await monque.start();
    const { _id } = await monque.enqueue('long');
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ logs: ['one'], progress: 1 });
    gate.resolve();
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ logs: ['one', 'two'], progress: 1 });
    expect(payloads(events, 'job:error')).not.toEqual([]);
    await monque.stop();
  });

  test('told when the run is over are not written', async () => {
    const { monque, clock, faulty } = makeOne();
    let late: (() => void) | undefined;
    monque.worker('leaks', (_job, { log }) => {
      log('in time');
      late = () => log('too late');
    });
    await monque.start();
    const { _id } = await monque.enqueue('leaks');
    await clock.advance(1_000);
    late?.();
    await clock.advance(1_000);
    expect((await monque.getJob(_id))?.logs).toEqual(['in time']);
    expect(faulty.calls('note')).toBe(1);
    await monque.stop();
  });

  test('wait no more than a job keeps, however much a handler logs while nothing can be written', async () => {
    const { monque, clock, faulty } = makeOne();
    const gate = deferred();
    const written: number[] = [];
    const note = faulty.note.bind(faulty);
    faulty.note = (params) => {
      written.push(params.logLines?.length ?? 0);
      return note(params);
    };
    monque.worker('loud', async (_job, { log }) => {
      for (let line = 0; line < 5_000; line += 1) log(`line ${line}`);
      await gate.promise;
      for (let line = 5_000; line < 9_000; line += 1) log(`line ${line}`);
    });
    faulty.plan('note', { fail: 'before' }, 3);
    await monque.start();
    const { _id } = await monque.enqueue('loud');
    await clock.advance(300);
    gate.resolve();
    await clock.advance(1_000);
    const { logs = [], status } = (await monque.getJob(_id)) ?? {};
    expect(status).toBe('completed');
    expect(logs).toHaveLength(100);
    expect(logs.at(-1)).toBe('line 8999');
    expect(Math.max(...written)).toBeLessThanOrEqual(100);
    await monque.stop();
  });

  test('that cannot be stored are refused to the handler', async () => {
    const { monque, clock } = makeOne();
    const errors: unknown[] = [];
    monque.worker('wrong', (_job, { progress, log }) => {
      for (const value of [undefined, () => 1, 'x'.repeat(20_000)]) {
        try {
          progress(value);
        } catch (error) {
          errors.push(error);
        }
      }
      log('x'.repeat(5_000));
    });
    await monque.start();
    const { _id } = await monque.enqueue('wrong');
    await clock.advance(500);
    expect(errors.map((error) => (error as InvalidArgumentError).field)).toEqual([
      'progress',
      'progress',
      'progress',
    ]);
    expect((await monque.getJob(_id))?.logs?.[0]).toHaveLength(1_000);
    await monque.stop();
  });
});

describe('complete({ session })', () => {
  const session = {
    inTransaction: () => true,
    endSession: () => undefined,
  } as unknown as ClientSession;

  test('wants a session with a transaction', async () => {
    const { monque, clock } = makeOne({ maxRetries: 1 });
    const idle = { inTransaction: () => false } as unknown as ClientSession;
    monque.worker('work', (_job, { complete }) => complete({ session: idle }));
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(10);
    expect((await monque.getJob(_id))?.failReason).toContain('`session`');
    await monque.stop();
  });

  test('that the ledger cannot do fails the run', async () => {
    const { monque, clock } = makeOne({ maxRetries: 1 });
    monque.worker('work', (_job, { complete }) => complete({ session }));
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(100);
    expect((await monque.getJob(_id))?.failReason).toContain('transactions');
    await monque.stop();
  });

  test('that was not committed counts as a failure, though the handler returned', async () => {
    const { monque, clock, faulty, events } = makeOne({ maxRetries: 1 });
    faulty.completeInSession = async () => true;
    monque.worker('work', (_job, { complete }) => complete({ session, result: 1 }));
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(100);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'failed' });
    expect(payloads(events, 'job:fail')).toMatchObject([{ error: { code: 'NOT_COMMITTED' } }]);
    await monque.stop();
  });

  test('that was committed is told as completed, also when the ledger is slow to say so', async () => {
    const { monque, clock, faulty, ledger, events } = makeOne();
    faulty.completeInSession = async ({ settlement, now }) => {
      await ledger.settle({ settlements: [settlement], now });
      return true;
    };
    faulty.plan('getJob', { fail: 'before' }, 2);
    monque.worker('work', async (_job, { complete }) => {
      await complete({ session, result: 'paid' });
      throw new Error('after the commit');
    });
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', result: 'paid' });
    expect(payloads(events, 'job:complete')).toMatchObject([{ result: 'paid' }]);
    expect(payloads(events, 'job:fail')).toEqual([]);
    await monque.stop();
  });

  test('of a claim that was lost throws, so that the transaction is aborted', async () => {
    const { monque, clock, faulty } = makeOne({ maxRetries: 1 });
    faulty.completeInSession = async () => false;
    let thrown: unknown;
    monque.worker('work', async (_job, { complete }) => {
      await complete({ session }).catch((error: unknown) => {
        thrown = error;
        throw error;
      });
    });
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(100);
    expect(thrown).toMatchObject({ code: 'JOB_STATE', verb: 'complete' });
    expect(await monque.getJob(_id)).toMatchObject({ status: 'failed' });
    await monque.stop();
  });

  test('that cannot be confirmed while the instance stops is left to the ledger', async () => {
    const { monque, clock, faulty, ledger } = makeOne({ shutdownTimeout: 1_000 });
    faulty.completeInSession = async ({ settlement, now }) => {
      await ledger.settle({ settlements: [settlement], now });
      return true;
    };
    monque.worker('work', (_job, { complete }) => complete({ session }));
    await monque.start();
    const { _id } = await monque.enqueue('work');
    faulty.plan('getJob', { fail: 'before' }, 10);
    await clock.advance(200);
    const stopped = monque.stop();
    await clock.advance(10_000);
    await stopped;
    expect(await ledger.getJob({ jobId: _id })).toMatchObject({ status: 'completed' });
  });

  test('of a series whose plan was changed since the claim is reckoned anew', async () => {
    const { monque, clock, faulty, ledger } = makeOne();
    faulty.completeInSession = async ({ settlement, now }) => {
      const { answers } = await ledger.settle({ settlements: [settlement], now });
      return answers[0] === 'settled';
    };
    const key = { uniqueKey: 'k' };
    monque.worker('work', async (_job, { complete }) => {
      await monque.schedule('0 * * * *', 'work', 1, key);
      await complete({ session, result: 'paid' });
    });
    const { _id } = await monque.schedule('* * * * *', 'work', 1, key);
    await monque.start();
    await clock.advance(61_000);
    expect(await monque.getJob(_id)).toMatchObject({
      status: 'pending',
      result: 'paid',
      failCount: 0,
      repeatInterval: '0 * * * *',
      scheduledFor: new Date(MANUAL_CLOCK_START.getTime() + 3_600_000),
    });
    await monque.stop();
  });

  test('gives up on a plan that changes again and again', async () => {
    const { monque, clock, faulty } = makeOne({ maxRetries: 1 });
    let tries = 0;
    faulty.completeInSession = async () => {
      tries += 1;
      return false;
    };
    monque.worker('work', (_job, { complete }) => complete({ session }));
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(100);
    expect(tries).toBe(5);
    expect((await monque.getJob(_id))?.failReason).toContain('claim of this run does not stand');
    await monque.stop();
  });

  test('of a job that is gone says so', async () => {
    const { monque, clock, faulty } = makeOne({ maxRetries: 1 });
    let thrown: unknown;
    faulty.completeInSession = async () => false;
    faulty.getJob = async () => null;
    monque.worker('work', (_job, { complete }) =>
      complete({ session }).catch((error: unknown) => {
        thrown = error;
        throw error;
      }),
    );
    await monque.start();
    await monque.enqueue('work');
    await clock.advance(100);
    expect(thrown).toMatchObject({ code: 'JOB_STATE', status: 'gone' });
    await monque.stop();
  });

  test('of a series that was committed is told as completed, also when a later run has ended by then', async () => {
    const { monque, clock, faulty, ledger, events } = makeOne();
    faulty.completeInSession = async ({ settlement, now }) => {
      await ledger.settle({ settlements: [settlement], now });
      return true;
    };
    const { _id } = await monque.schedule('* * * * *', 'work');
    monque.worker('work', async (job, { complete }) => {
      await complete({ session, result: 'paid' });
      // Another instance runs the next one meanwhile; this one hears of it, and is too slow.
      faulty.plan('claim', { fail: 'before' });
      await ledger.amend({ jobId: job._id, changes: { nextRunAt: new Date(0) }, now: new Date(0) });
      const claim = { instanceId: 'other', claimToken: 'other', now: new Date(clock.now()) };
      const demand = [{ name: 'work', limit: 1 }];
      await ledger.claim({ ...claim, demand, suspects: false, widening: 1 });
    });
    await monque.start();
    await clock.advance(60_500);
    expect(payloads(events, 'job:complete')).toMatchObject([{ job: { _id }, result: 'paid' }]);
    expect(payloads(events, 'job:lost')).toEqual([]);
    await monque.stop();
  });

  test.each(['answers', 'does not answer'] as const)(
    'that is committed after the run took too long is told as the ledger says, when it %s',
    async (how) => {
      const { monque, clock, faulty, ledger, events } = makeOne();
      const commit = deferred();
      faulty.completeInSession = async () => true;
      const settle = faulty.settle.bind(faulty);
      const getJob = faulty.getJob.bind(faulty);
      faulty.settle = async (params) => {
        const [settlement] = params.settlements;
        if (settlement?.verb !== 'retry') return settle(params);
        // The transaction holds the job, and is committed before the retry can be written.
        const committed = { ...settlement, verb: 'complete' } as const;
        await ledger.settle({ settlements: [committed], now: params.now });
        if (how === 'does not answer') {
          faulty.getJob = async () => Promise.reject(new Error('No answer'));
        }
        return settle(params);
      };
      monque.worker(
        'work',
        async (_job, { complete }) => {
          await complete({ session, result: 'paid' });
          await commit.promise;
        },
        { timeout: 1_000 },
      );
      await monque.start();
      const { _id } = await monque.enqueue('work');
      await clock.advance(3_000);
      faulty.getJob = getJob;
      expect(await monque.getJob(_id)).toMatchObject({ status: 'completed' });
      const told = how === 'answers' ? [1, 0] : [0, 1];
      expect([
        payloads(events, 'job:complete').length,
        payloads(events, 'job:fail').length,
      ]).toEqual(told);
      commit.resolve();
      await monque.stop();
    },
  );

  test('that took too long and was not committed is told as failed', async () => {
    const { monque, clock, faulty, events } = makeOne();
    const never = deferred();
    faulty.completeInSession = async () => true;
    monque.worker(
      'work',
      async (_job, { complete }) => {
        await complete({ session });
        await never.promise;
      },
      { timeout: 1_000, maxRetries: 1 },
    );
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(3_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'failed' });
    expect(payloads(events, 'job:fail')).toHaveLength(1);
    never.resolve();
    await monque.stop();
  });
});

describe('giving back', () => {
  test('a job that never started keeps its key that is held until the start', async () => {
    const { monque, clock } = makeOne({ defaultConcurrency: 1, shutdownTimeout: 100 });
    const gate = deferred();
    const hold = { uniqueHold: 'untilStarted' } as const;
    let isSlow = false;
    monque.worker('work', () => (isSlow ? gate.promise : undefined));
    await monque.start();
    await monque.enqueueMany(Array.from({ length: 100 }, () => ({ name: 'work' })));
    await clock.settle();
    isSlow = true;
    const keys = Array.from({ length: 10 }, (_, index) => ({
      name: 'work',
      options: { uniqueKey: `k${index}`, ...hold },
    }));
    await monque.enqueueMany(keys);
    await clock.settle();
    const claimed = await monque.getJobs({ name: 'work', status: 'processing' });
    expect(claimed.length).toBeGreaterThan(1);
    const stopped = monque.stop();
    gate.resolve();
    await clock.advance(200);
    await stopped;
    const waiting = await monque.getJobs({ name: 'work', status: 'pending' });
    expect(waiting.length).toBeGreaterThan(1);
    for (const job of waiting) {
      const again = await monque.enqueue('work', 1, { uniqueKey: String(job.uniqueKey), ...hold });
      expect(again._id).toEqual(job._id);
    }
  });

  test('a job that never started goes without its key when another has taken that', async () => {
    const { monque, clock, faulty, ledger, makeInstance } = makeOne();
    const key = { uniqueKey: 'k', uniqueHold: 'untilStarted' } as const;
    const first = await monque.enqueue('work', 1, key);
    const claim = faulty.claim.bind(faulty);
    faulty.claim = async (params) => {
      const result = await claim(params);
      await makeInstance().monque.enqueue('work', 2, { ...key, runAt: new Date(8e12) });
      void monque.stop();
      return result;
    };
    monque.worker('work', () => undefined);
    await monque.start();
    await clock.advance(1_000);
    const { startLock, ...job } = (await ledger.getJob({ jobId: first._id })) ?? {};
    expect(job).toMatchObject({ status: 'pending', fence: 1 });
    expect(startLock).toBeUndefined();
    await monque.stop();
  });
});
