import { afterEach, describe, expect, test, vi } from 'vitest';
import { hostClock, sleep } from '../foundation/clock.ts';
import { gate, stage } from '../workers/stages.ts';
import { makeTestMonque } from './test-monque.ts';
import { makeTestSession } from './test-session.ts';

const DAY = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
});

describe('time', () => {
  test('a week without jobs passes in a moment, with finished jobs leaving at their times', async () => {
    const { monque, advance, runJob, clock } = makeTestMonque();
    monque.worker('audit', () => 'audited');
    await runJob('audit');
    await advance(1);
    const settle = vi.spyOn(clock, 'settle');
    expect(await advance(7 * DAY)).toBe(0);
    expect(settle.mock.calls.length).toBeLessThan(1_000);
    expect(await monque.getJobs()).toEqual([]);
  });

  test('a day with a job at its end takes few turns of the process', async () => {
    const { monque, advance, clock, drain } = makeTestMonque();
    await drain();
    const settle = vi.spyOn(clock, 'settle');
    await monque.enqueue('later', undefined, { runAt: new Date(clock.now() + DAY - 1) });
    monque.worker('later', () => 'done');
    expect(await advance(DAY)).toBe(1);
    expect(settle.mock.calls.length).toBeLessThan(200);
  });

  test('a job that is due at the end of the way runs, whatever is done on it', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { monque, advance, drain, clock } = makeTestMonque();
      monque.worker('later', () => 'done');
      await drain();
      await monque.enqueue('later', undefined, { runAt: new Date(clock.now() + 3_600_000) });
      expect(await advance(3_600_000)).toBe(1);
    }
  });

  test('the time of a gate passes on the way', async () => {
    const { monque, advance, drain } = makeTestMonque();
    monque.worker('order', {
      stages: [gate('approved', { timeout: 3_600_000 }), stage('ship', () => 'shipped')],
    });
    const { _id } = await monque.enqueue('order');
    await drain();
    await advance(7 * DAY);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'failed' });
  });
});

describe('handlers that wait', () => {
  test('for the clock end under an advance, also over several', async () => {
    const { monque, advance, clock } = makeTestMonque();
    monque.worker('slow', async () => {
      await sleep(clock, 1_000);
      return 'done';
    });
    const { _id } = await monque.enqueue('slow');
    expect(await advance(500)).toBe(1);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'processing' });
    expect(await advance(600)).toBe(0);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', result: 'done' });
  });

  test('for ever end with their timeout under an advance', async () => {
    const { monque, advance } = makeTestMonque();
    monque.worker('hangs', () => new Promise(() => undefined), { timeout: 1_000, maxRetries: 1 });
    const { _id } = await monque.enqueue('hangs');
    await advance(500);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'processing' });
    await advance(60_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'failed' });
  });

  test('for the clock are named by a drain, which cannot move it', async () => {
    const { monque, drain, clock, stop } = makeTestMonque();
    monque.worker('slow', () => sleep(clock, 1_000));
    await monque.enqueue('slow');
    await expect(drain()).rejects.toThrow(/advance\(\)/);
    await stop();
  });

  test('for real work are waited for on the way of an advance', async () => {
    const { monque, advance, clock } = makeTestMonque();
    const ended: number[] = [];
    monque.worker('real', async () => {
      for (let turn = 0; turn < 20; turn += 1) {
        await new Promise<void>((resolve) => hostClock.setImmediate(resolve));
      }
      ended.push(clock.monotonic());
    });
    await monque.enqueue('real', undefined, { runAt: new Date(clock.now() + 1_000) });
    await advance(5_000);
    expect(ended).toEqual([1_000]);
  });
});

describe('between drains', () => {
  test('nothing runs by itself, and the next drain counts all of it', async () => {
    const { monque, drain, clock } = makeTestMonque();
    const runs: unknown[] = [];
    monque.worker('audit', ({ data }) => void runs.push(data));
    await monque.enqueue('audit', 1);
    expect(await drain()).toBe(1);
    await monque.enqueue('audit', 2);
    await monque.enqueueMany([{ name: 'audit', data: 3 }]);
    await clock.settle();
    await clock.advance(1_000);
    expect(runs).toEqual([1]);
    monque.removeAllListeners();
    expect(await drain()).toBe(2);
    expect(runs).toEqual([1, 2, 3]);
  });
});

describe('stop', () => {
  test('resolves although a handler never ends, from the kit and from the scheduler', async () => {
    for (const whose of ['kit', 'scheduler'] as const) {
      const { monque, advance, stop } = makeTestMonque();
      monque.on('job:error', () => undefined);
      monque.worker('hangs', () => new Promise(() => undefined), { timeout: DAY });
      await monque.enqueue('hangs');
      await advance(0);
      await (whose === 'kit' ? stop() : monque.stop());
      expect(monque.health()).toMatchObject({ running: false });
    }
  });
});

describe('beside fake timers', () => {
  test('jobs run, delayed ones too, and a handler that hangs is named', async () => {
    vi.useFakeTimers();
    const { monque, drain, advance, clock, stop } = makeTestMonque();
    monque.worker('audit', () => 'audited');
    await monque.enqueue('audit');
    await monque.enqueue('audit', undefined, { runAt: new Date(clock.now() + 1_000) });
    expect(await drain()).toBe(1);
    expect(await advance(1_000)).toBe(1);
    await stop();
  });

  test('that were there before the kit was loaded, it says why not', async () => {
    vi.useFakeTimers();
    vi.resetModules();
    const kit = await import('./test-monque.ts');
    expect(() => kit.makeTestMonque()).toThrow(/fake/);
    vi.resetModules();
  });
});

describe('a stand-in session', () => {
  test('stores what was enqueued in its transaction when that commits, and never when it fails', async () => {
    const { monque, drain, assertEnqueued, assertNotEnqueued } = makeTestMonque();
    monque.worker('mail', () => 'sent');
    const session = makeTestSession();
    const failed = session.withTransaction(async () => {
      await monque.enqueue('mail', { to: 'a' }, { session });
      throw new Error('No stock');
    });
    await expect(failed).rejects.toThrow('No stock');
    await assertNotEnqueued('mail');
    const answer = await session.withTransaction(async () => {
      await monque.enqueue('mail', { to: 'b' }, { session });
      await assertNotEnqueued('mail');
      return 'ordered';
    });
    expect(answer).toBe('ordered');
    await assertEnqueued('mail', { to: 'b' });
    expect(await drain()).toBe(1);
    expect(session.inTransaction()).toBe(false);
  });

  test('sees who holds a key, stored or in the same transaction', async () => {
    const { monque } = makeTestMonque();
    const session = makeTestSession();
    const stored = await monque.enqueue('mail', 1, { uniqueKey: 'a' });
    session.startTransaction();
    const again = await monque.enqueue('mail', 2, { uniqueKey: 'a', session });
    const first = await monque.enqueue('mail', 3, { uniqueKey: 'b', session });
    const second = await monque.enqueue('mail', 4, { uniqueKey: 'b', session });
    await session.commitTransaction();
    expect(again._id).toEqual(stored._id);
    expect(second._id).toEqual(first._id);
    expect(await monque.getJobs()).toHaveLength(2);
  });

  test('without a transaction stores at once, and refuses to end one', async () => {
    const { monque, assertEnqueued } = makeTestMonque();
    const session = makeTestSession();
    await monque.enqueue('mail', 1, { session });
    await assertEnqueued('mail');
    await expect(session.commitTransaction()).rejects.toThrow('No transaction started');
    await expect(session.abortTransaction()).rejects.toThrow('No transaction started');
    session.startTransaction();
    expect(() => session.startTransaction()).toThrow('already in progress');
    await session.abortTransaction();
    await session.endSession();
  });

  test('completes a run with what its handler wrote', async () => {
    const { monque, runJob } = makeTestMonque();
    const session = makeTestSession();
    monque.worker('pay', (_, context) =>
      session.withTransaction(async () => {
        await context.complete({ session, result: 'paid' });
      }),
    );
    expect(await runJob('pay')).toMatchObject({ status: 'completed', result: 'paid' });
  });

  test('of another maker is refused in memory', async () => {
    const { monque } = makeTestMonque();
    const session = { inTransaction: () => true, endSession: async () => undefined };
    await expect(monque.enqueue('mail', 1, { session })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
  });
});

describe('assertions', () => {
  test('show both sides of a mismatch', async () => {
    const { monque, assertEnqueued, assertNotEnqueued } = makeTestMonque();
    await monque.enqueue('mail', { to: 'ada' });
    await expect(assertEnqueued('mail', { to: 'ben' })).rejects.toThrow(
      "Expected a job mail with data { to: 'ben' }, got 1 of that name:\n  { to: 'ada' }",
    );
    await expect(assertEnqueued('audit')).rejects.toThrow(
      'Expected a job audit with any data, got 0 of that name',
    );
    await expect(assertNotEnqueued('mail', () => true)).rejects.toThrow(
      "with data that the function takes, got 1:\n  { to: 'ada' }",
    );
    for (let more = 0; more < 11; more += 1) await monque.enqueue('mail', { to: `${more}` });
    await expect(assertEnqueued('mail', { to: 'ben' })).rejects.toThrow(/and 2 more$/);
  });
});
