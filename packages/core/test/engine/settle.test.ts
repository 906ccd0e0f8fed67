import { describe, expect, test } from 'vitest';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';

describe('settling', () => {
  test('groups what ends together', async () => {
    const { monque, clock, faulty } = makeOne({ defaultConcurrency: 100 });
    monque.worker('noop', () => undefined);
    await monque.enqueueMany(Array.from({ length: 2_000 }, () => ({ name: 'noop' })));
    await monque.start();
    await clock.settle();
    expect(faulty.calls('settle')).toBeLessThan(30);
    // On MongoDB a claim that finds jobs is three round trips, a flush is one.
    expect(3 * faulty.calls('claim') + faulty.calls('settle')).toBeLessThanOrEqual(0.05 * 2_000);
    await monque.stop();
  });

  test.each(['before', 'after', 'partial'] as const)(
    'an outage never re-runs finished work (%s)',
    async (fail) => {
      const { monque, clock, faulty, events } = makeOne();
      let runs = 0;
      monque.worker('work', () => {
        runs += 1;
      });
      await monque.enqueueMany(Array.from({ length: 9 }, () => ({ name: 'work' })));
      faulty.plan('settle', { fail }, 10);
      await monque.start();
      await clock.advance(300_000);
      expect(runs).toBe(9);
      expect(payloads(events, 'job:complete')).toHaveLength(9);
      expect(payloads(events, 'job:lost')).toHaveLength(0);
      await monque.stop();
    },
  );

  test('a retry whose answer was lost counts one failure', async () => {
    const { monque, clock, faulty } = makeOne();
    let runs = 0;
    monque.worker('work', () => {
      runs += 1;
      if (runs === 1) throw new Error('no');
    });
    faulty.plan('settle', { fail: 'after' }, 3);
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(10_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', failCount: 1, fence: 2 });
    await monque.stop();
  });

  test.each([
    ['lost', 'fenced'],
    ['unknown', 'unknown'],
  ] as const)(
    'that is answered with %s is reported as job:lost, and nothing else',
    async (answer, reason) => {
      const { monque, clock, ledger, events } = makeOne();
      ledger.settle = async ({ settlements }) => ({ answers: settlements.map(() => answer) });
      monque.worker('work', () => undefined);
      await monque.start();
      const { _id } = await monque.enqueue('work');
      await clock.settle();
      expect(events.map(({ name }) => name)).toEqual(['job:start', 'job:lost']);
      expect(payloads(events, 'job:lost')).toMatchObject([{ job: { _id }, reason }]);
      await monque.stop();
    },
  );

  test('that the ledger refuses again and again is recorded without what the run left behind', async () => {
    const { monque, clock, ledger, events } = makeOne();
    const settle = ledger.settle.bind(ledger);
    ledger.settle = async (params) =>
      params.settlements.some(({ result }) => result !== undefined)
        ? { answers: params.settlements.map(() => 'refused') }
        : settle(params);
    monque.worker('work', (_job, { log }) => {
      for (const line of ['one', 'two']) log(line);
      return 'too large';
    });
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.settle();
    const [reported] = payloads(events, 'job:error');
    expect(reported?.error.message).toContain('refused to complete job');
    expect(reported?.error.message).toContain('without its result');
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'completed', fence: 1 });
    expect(job).not.toHaveProperty('result');
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test('that has to be computed again goes without what the run left behind as well, once that was refused', async () => {
    const { monque, clock, ledger, events } = makeOne();
    const settle = ledger.settle.bind(ledger);
    let isReplanned = false;
    ledger.settle = async (params) => {
      const [first] = params.settlements;
      if (first?.result !== undefined) return { answers: ['refused'] };
      if (isReplanned) return settle(params);
      isReplanned = true;
      return { answers: ['replanned'] };
    };
    monque.worker('work', () => 'too large');
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.settle();
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', fence: 1 });
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test('that the ledger refuses in any form is reported, and finished work is not run again', async () => {
    const { monque, clock, ledger, events } = makeOne();
    let runs = 0;
    const settle = ledger.settle.bind(ledger);
    ledger.settle = async (params) =>
      params.settlements.some(({ verb }) => verb === 'complete')
        ? { answers: params.settlements.map(() => 'refused') }
        : settle(params);
    monque.worker('work', () => {
      runs += 1;
    });
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(600_000);
    expect(payloads(events, 'job:error').at(-1)?.error.message).toContain('stays processing');
    expect(payloads(events, 'job:complete')).toHaveLength(0);
    expect(runs).toBe(1);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'processing', fence: 1 });
    await monque.stop();
  });

  test('a stale answer does not turn a success into a cancellation', async () => {
    const { monque, clock, ledger, events } = makeOne();
    const settle = ledger.settle.bind(ledger);
    let stale = true;
    ledger.settle = async (params) => {
      if (!stale) return settle(params);
      stale = false;
      return { answers: params.settlements.map(() => 'cancelRequested') };
    };
    monque.worker('work', () => undefined);
    await monque.start();
    await monque.enqueue('work');
    await clock.settle();
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });
});

describe('cancelling', () => {
  test('a pending job ends it at once and frees its key', async () => {
    const { monque, events } = makeOne();
    const { _id } = await monque.enqueue('work', 1, { uniqueKey: 'k' });
    const job = await monque.cancelJob(_id);
    expect(job).toMatchObject({ status: 'cancelled' });
    expect(payloads(events, 'job:cancelled')).toHaveLength(1);
    expect((await monque.enqueue('work', 2, { uniqueKey: 'k' }))._id).not.toEqual(_id);
  });

  test('a running job aborts its signal, also in another instance, and it ends cancelled', async () => {
    const { clock, makeInstance } = makeWorld();
    const { monque, events } = makeInstance();
    monque.worker('work', (_, { signal }) => {
      const ended = deferred();
      signal.addEventListener('abort', () => ended.reject(signal.reason));
      return ended.promise;
    });
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.settle();
    const requested = await makeInstance().monque.cancelJob(_id.toHexString());
    expect(requested).toMatchObject({ status: 'processing' });
    await clock.settle();
    expect(await monque.getJob(_id)).toMatchObject({ status: 'cancelled' });
    expect(payloads(events, 'job:cancelled')).toHaveLength(1);
    expect(payloads(events, 'job:fail')).toHaveLength(0);
    await monque.stop();
  });

  test('a run that succeeds despite the request is completed', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred();
    monque.worker('work', () => gate.promise);
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.settle();
    await monque.cancelJob(_id);
    await monque.cancelJob(_id);
    gate.resolve();
    await clock.settle();
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed' });
    await monque.stop();
  });

  test('a run that fails after a request that it had not heard of ends cancelled, not retried', async () => {
    const { monque, clock, ledger, events } = makeOne();
    const gate = deferred();
    monque.worker('work', () => gate.promise);
    const watch = ledger.watch.bind(ledger);
    ledger.watch = (listener) =>
      watch((hint) => (hint.kind === 'cancelRequested' ? undefined : listener(hint)));
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.settle();
    await monque.cancelJob(_id);
    gate.reject(new Error('no'));
    await clock.settle();
    expect(await monque.getJob(_id)).toMatchObject({ status: 'cancelled', failCount: 0 });
    expect(payloads(events, 'job:cancelled')).toHaveLength(1);
    expect(payloads(events, 'job:fail')).toHaveLength(0);
    await monque.stop();
  });

  test('a job that was claimed ahead ends cancelled without a run', async () => {
    const { monque, clock, ledger } = makeOne({ defaultConcurrency: 1 });
    const gate = deferred();
    let slow = false;
    const ran: unknown[] = [];
    monque.worker('work', (job) => {
      ran.push(job.data);
      return slow ? gate.promise : undefined;
    });
    await monque.start();
    await monque.enqueueMany(Array.from({ length: 100 }, () => ({ name: 'work', data: 'fast' })));
    await clock.settle();
    slow = true;
    await monque.enqueueMany(
      Array.from({ length: 10 }, (_, index) => ({ name: 'work', data: `slow ${index}` })),
    );
    await clock.settle();
    const [lease] = await ledger.readLeases();
    const claims = await ledger.readClaims({ instanceId: String(lease?.instanceId), limit: 100 });
    const waiting = claims.at(-1);
    expect(claims.length).toBeGreaterThan(1);
    const cancelled = await monque.cancelJob(String(waiting?.jobId.toHexString()));
    await clock.settle();
    expect(await monque.getJob(String(waiting?.jobId.toHexString()))).toMatchObject({
      status: 'cancelled',
    });
    expect(ran).not.toContain(cancelled?.data);
    gate.resolve();
    await clock.settle();
    await monque.stop();
  });

  test.each(['before', 'after'] as const)(
    'a job whose claim is on its way aborts its signal at once, when it was asked %s the claim was read',
    async (when) => {
      const { monque, clock, ledger, faulty, makeInstance } = makeOne({ leaseDuration: 600_000 });
      const other = makeInstance().monque;
      const reasons: string[] = [];
      monque.worker('work', (_job, { signal }) => {
        const ended = deferred();
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason.message);
          ended.reject(signal.reason);
        });
        return ended.promise;
      });
      const { _id } = await monque.enqueue('work');
      const claim = faulty.claim.bind(faulty);
      faulty.claim = async (params) => {
        const result = await claim(params);
        if (result.jobs.length === 0) return result;
        await other.cancelJob(_id);
        await new Promise<void>((resolve) => clock.setTimer(resolve, 5));
        const read = when === 'before' ? await ledger.readClaim(params) : result.jobs;
        return { ...result, jobs: read };
      };
      await monque.start();
      await clock.advance(100);
      expect(await monque.getJob(_id)).toMatchObject({ status: 'cancelled' });
      expect(reasons).toEqual(when === 'before' ? [] : ['The job was cancelled']);
      await monque.stop();
    },
  );

  test('a handler that looks at its signal late finds it aborted', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred();
    let reason: unknown;
    monque.worker('work', async (_job, context) => {
      await gate.promise;
      reason = context.signal.reason;
      throw reason;
    });
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.settle();
    await monque.cancelJob(_id);
    await clock.settle();
    gate.resolve();
    await clock.settle();
    expect(reason).toMatchObject({ message: 'The job was cancelled' });
    expect(await monque.getJob(_id)).toMatchObject({ status: 'cancelled' });
    await monque.stop();
  });

  test('a hint that names a job of another process changes nothing', async () => {
    const { monque, clock, faulty, makeInstance } = makeOne({ leaseDuration: 600_000 });
    const other = makeInstance().monque;
    const gate = deferred();
    other.worker('theirs', () => gate.promise);
    await other.start();
    const { _id } = await other.enqueue('theirs');
    await clock.settle();
    monque.worker('work', () => undefined);
    const mine = await other.enqueue('work');
    const claim = faulty.claim.bind(faulty);
    faulty.claim = async (params) => {
      await other.cancelJob(_id);
      await new Promise<void>((resolve) => clock.setTimer(resolve, 5));
      return claim(params);
    };
    await monque.start();
    await clock.advance(100);
    const comparisons = faulty.calls('readClaims');
    await clock.advance(100);
    expect(await monque.getJob(mine._id)).toMatchObject({ status: 'completed' });
    expect(faulty.calls('readClaims')).toBe(comparisons);
    gate.resolve();
    await monque.stop();
    await other.stop();
  });

  test('a finished job is refused, a missing one is null', async () => {
    const { monque, clock } = makeOne();
    monque.worker('work', () => undefined);
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.settle();
    await expect(monque.cancelJob(_id)).rejects.toMatchObject({
      code: 'JOB_STATE',
      jobId: _id,
      status: 'completed',
      verb: 'cancelJob',
      message: `Cannot cancel job ${_id.toHexString()}: it is completed, and cancelJob is allowed from: pending, blocked, processing`,
    });
    expect(await monque.cancelJob('0'.repeat(24))).toBeNull();
    await monque.stop();
  });
});

test('cancelling a cancelled job answers with that job', async () => {
  const { monque, events } = makeOne();
  const { _id } = await monque.enqueue('work');
  await monque.cancelJob(_id, { reason: 'first' });
  expect(await monque.cancelJob(_id, { reason: 'second' })).toMatchObject({
    _id,
    status: 'cancelled',
  });
  expect(payloads(events, 'job:cancelled')).toHaveLength(1);
});

describe('deleting', () => {
  test('takes a job away that is not processing', async () => {
    const { monque } = makeOne();
    const { _id } = await monque.enqueue('work');
    expect(await monque.deleteJob(_id)).toBe(true);
    expect(await monque.getJob(_id)).toBeNull();
    expect(await monque.deleteJob(_id)).toBe(false);
  });

  test('refuses a job that is processing', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred();
    monque.worker('work', () => gate.promise);
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.settle();
    await expect(monque.deleteJob(_id)).rejects.toMatchObject({ code: 'JOB_STATE' });
    gate.resolve();
    await monque.stop();
  });
});
