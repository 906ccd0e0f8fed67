import type { ClientSession } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { MANUAL_CLOCK_START } from '../../src/testing/index.ts';
import { deferred, makeOne, payloads } from './kit.ts';

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

  test('that was committed is reported as completed, also when the ledger is slow to say so', async () => {
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

  test('of a series whose plan was changed since the claim is computed again', async () => {
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

  test('of a series that was committed is reported as completed, also when a later run has ended by then', async () => {
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
    'that is committed after the run took too long is reported as the ledger says, when it %s',
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
      const reported = how === 'answers' ? [1, 0] : [0, 1];
      expect([
        payloads(events, 'job:complete').length,
        payloads(events, 'job:fail').length,
      ]).toEqual(reported);
      commit.resolve();
      await monque.stop();
    },
  );

  test('that took too long and was not committed is reported as failed', async () => {
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
