import { describe, expect, test } from 'vitest';
import { FlowAbandonedError, type Job, UnknownOutcomeError } from '../../src/index.ts';
import { makeOne, makeWorld, payloads } from './kit.ts';

const PAIR = {
  jobs: { first: { name: 'step' }, last: { name: 'step', after: ['first'] } },
} as const;

const statesOf = async (monque: { getJobs: () => Promise<Job[]> }): Promise<readonly string[]> =>
  (await monque.getJobs()).map(({ status }) => status);

describe('a flow whose storing goes wrong', () => {
  test('is stored once when answers are lost on the way', async () => {
    const { monque, faulty, clock } = makeOne();
    faulty.plan('openFlow', { fail: 'after' });
    faulty.plan('enqueue', { fail: 'after' });
    faulty.plan('closeFlow', { fail: 'after' });
    const stored = monque.enqueueFlow(PAIR);
    await clock.advance(10_000);
    const { id } = await stored;
    expect(await monque.getFlow(id)).toMatchObject({ state: 'running', size: 2 });
    expect([...(await statesOf(monque))].sort()).toEqual(['blocked', 'pending']);
  });

  test('is abandoned when its jobs are refused, and none of them starts', async () => {
    const { monque, ledger, faulty, clock } = makeOne();
    faulty.plan('enqueue', { onArrival: () => Promise.reject(new Error('bug')) });
    const failed = monque.enqueueFlow(PAIR).catch((error: unknown) => error);
    await clock.settle();
    expect(String(await failed)).toContain('bug');
    await clock.settle();
    expect(await ledger.sweepFlows({ limit: 10, createdBefore: new Date(0) })).toEqual({
      tokens: [],
    });
    expect(await statesOf(monque)).toEqual([]);
  });

  test('is abandoned when nobody knows, also where that word is lost, and is cancelled then', async () => {
    const { monque, ledger, faulty, clock, events } = makeOne({ resendLimit: 1_000 });
    faulty.plan('closeFlow', { fail: 'before' }, 20);
    const failed = monque.enqueueFlow(PAIR).catch((error: unknown) => error);
    await clock.advance(5_000);
    expect(await failed).toBeInstanceOf(UnknownOutcomeError);
    expect(payloads(events, 'job:error').length).toBeGreaterThan(0);
    expect(await statesOf(monque)).toEqual(['blocked', 'blocked']);
    monque.worker('step', () => undefined);
    await monque.start();
    await clock.advance(90_000);
    expect(await statesOf(monque)).toEqual(['cancelled', 'cancelled']);
    expect(await ledger.findJobs(LIST)).toHaveLength(2);
    await monque.stop();
  });

  test('says so when it was abandoned by others meanwhile', async () => {
    const { monque, ledger, faulty } = makeOne();
    faulty.plan('closeFlow', {
      onArrival: () => ledger.sweepFlows({ limit: 10, createdBefore: new Date(8e15) }),
    });
    const error = await monque.enqueueFlow(PAIR).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FlowAbandonedError);
    expect(await statesOf(monque)).toEqual(['cancelled', 'cancelled']);
  });

  test('gives up after resendLimit when the first answer never comes', async () => {
    const { monque, faulty, clock } = makeOne({ resendLimit: 1_000 });
    faulty.plan('openFlow', { fail: 'after' }, 50);
    const failed = monque.enqueueFlow(PAIR).catch((error: unknown) => error);
    await clock.advance(20_000);
    expect(await failed).toBeInstanceOf(UnknownOutcomeError);
    expect(await statesOf(monque)).toEqual([]);
  });
});

describe('the children of a job', () => {
  test('are released by a sweep of another process when the look after its end fails', async () => {
    const world = makeWorld();
    const [one, other] = [world.makeInstance(), world.makeInstance()];
    one.monque.worker('step', () => undefined);
    other.monque.worker('step', () => undefined);
    await one.monque.start();
    const flow = await one.monque.enqueueFlow(PAIR);
    one.faulty.plan('releaseWaiting', { fail: 'before' }, 500);
    await world.clock.settle();
    await world.clock.advance(1_000);
    expect(payloads(one.events, 'job:error').length).toBeGreaterThan(0);
    await other.monque.start();
    await world.clock.advance(70_000);
    expect(await other.monque.getFlow(flow.id)).toMatchObject({ state: 'completed' });
    await one.monque.stop();
    await other.monque.stop();
  });
});

test('the child of a job goes on soon when the look after the end is lost and nobody waited before', async () => {
  const { monque, faulty, clock, events } = makeOne();
  monque.worker('step', () => undefined);
  await monque.start();
  await clock.advance(20_000);
  const flow = await monque.enqueueFlow(PAIR);
  faulty.plan('releaseWaiting', { fail: 'after' });
  await clock.advance(5_000);
  expect(payloads(events, 'job:error').length).toBeGreaterThan(0);
  expect(await monque.getFlow(flow.id)).toMatchObject({ state: 'completed' });
  await monque.stop();
});

test('a flow starts soon when the word that it is stored is lost on the way', async () => {
  const { monque, faulty, clock } = makeOne();
  monque.worker('step', () => undefined);
  await monque.start();
  await clock.advance(20_000);
  faulty.plan('releaseWaiting', { fail: 'before' });
  const stored = monque.enqueueFlow(PAIR);
  await clock.advance(10_000);
  expect(await monque.getFlow((await stored).id)).toMatchObject({ state: 'completed' });
  await monque.stop();
});

describe('a verb for all jobs of a flow', () => {
  test('cancels a parent only after its child, which could fail with it', async () => {
    const { monque, faulty, clock } = makeOne();
    const { id } = await monque.enqueueFlow(PAIR);
    faulty.plan('cancel', { delayBeforeMs: 100 });
    const cancelled = monque.cancelFlow(id);
    await clock.advance(50);
    expect(faulty.calls('cancel')).toBe(1);
    await clock.advance(1_000);
    expect(await cancelled).toMatchObject({ changed: 2, left: [] });
    expect(await monque.getFlow(id)).toMatchObject({
      state: 'cancelled',
      counts: { cancelled: 2 },
    });
  });

  test('redrives a child only after its parent, with which it could fail once more', async () => {
    const { monque, faulty, clock } = makeOne();
    let isRepaired = false;
    monque.worker(
      'step',
      () => {
        if (!isRepaired) throw new Error('Boom');
      },
      { maxRetries: 1 },
    );
    await monque.start();
    const { id } = await monque.enqueueFlow(PAIR);
    await clock.advance(2_000);
    expect((await monque.getFlow(id))?.counts).toEqual({ failed: 2 });
    isRepaired = true;
    faulty.plan('redrive', { delayBeforeMs: 100 });
    const redriven = monque.redriveFlow(id);
    await clock.advance(50);
    expect(faulty.calls('redrive')).toBe(1);
    await clock.advance(20_000);
    expect(await redriven).toMatchObject({ changed: 2, left: [] });
    expect((await monque.getFlow(id))?.counts).toEqual({ completed: 2 });
    await monque.stop();
  });
});

test('redriving a flow reads no job a second time', async () => {
  const { monque, faulty } = makeOne();
  const { id } = await monque.enqueueFlow(PAIR);
  await monque.cancelFlow(id);
  expect(await monque.redriveFlow(id)).toMatchObject({ changed: 2 });
  expect((await monque.getFlow(id))?.counts).toEqual({ pending: 1, blocked: 1 });
  expect(faulty.calls('getJob')).toBe(0);
});

const LIST = { filter: {}, orderBy: '_id', direction: 'ascending', limit: 10 } as const;
