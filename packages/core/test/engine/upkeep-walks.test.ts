import { ObjectId } from 'mongodb';
import { describe, expect, test, vi } from 'vitest';
import { FlowUpkeep } from '../../src/engine/upkeep/flow-upkeep.ts';
import { OrderSweep } from '../../src/engine/upkeep/order-sweep.ts';
import { type Job, Monque } from '../../src/index.ts';
import { tokenOf } from '../../src/job/flow-tokens.ts';
import type { SweepOrdersParams, SweepOrdersResult } from '../../src/ledger/ledger-repository.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { FaultyLedgerRepository } from '../../src/testing/faulty-ledger-repository.ts';
import { ManualClock, makeJob } from '../../src/testing/index.ts';
import { makeOne, makeWorld, payloads } from './kit.ts';

describe('the look at what jobs wait for', () => {
  test('goes on in the next round where there was too much for one', async () => {
    const { monque, ledger, faulty, clock } = makeOne();
    const flow = new ObjectId();
    // Of a flow that nobody knows, so that each is cancelled when it is looked at.
    const jobs = Array.from({ length: 2_100 }, (_, index): Job => {
      const waitsFor = [tokenOf(flow, 'fail', index)];
      return { ...makeJob({ name: 'step', flow, waitsFor }), status: 'blocked' };
    });
    await ledger.enqueue({ jobs });
    const left = async (): Promise<number> =>
      (await monque.getJobs({ status: 'blocked', limit: 1_000 })).length;
    monque.worker('step', () => undefined);
    await monque.start();
    await clock.advance(5_000);
    expect(faulty.calls('sweepFlows')).toBe(10);
    expect(await left()).toBe(100);
    await clock.advance(5_000);
    expect(faulty.calls('sweepFlows')).toBe(11);
    expect(await left()).toBe(0);
    await monque.stop();
  });
});

describe('the looks at flows that have not ended', () => {
  /** An instance that cannot run what is stored, and what it swept for. */
  const startPaused = async (after: readonly 'first'[]) => {
    const one = makeOne();
    const { monque, ledger } = one;
    const sweeps = vi.spyOn(ledger, 'sweepFlows');
    monque.worker('step', () => undefined);
    await monque.pause('step');
    await monque.enqueueFlow({ jobs: { first: { name: 'step' }, last: { name: 'step', after } } });
    await monque.start();
    const count = () => {
      const calls = sweeps.mock.calls.map(([{ waitingOnly = false }]) => waitingOnly);
      sweeps.mockClear();
      return [calls.length, calls.filter((waitingOnly) => !waitingOnly).length];
    };
    return { ...one, count };
  };

  test('are taken once a minute where no job waits, and every ten minutes once all have ended', async () => {
    const { monque, clock, faulty, count } = await startPaused([]);
    await clock.advance(5_000);
    expect(count()).toEqual([1, 1]);
    const before = faulty.calls('releaseWaiting');
    await clock.advance(600_000);
    expect(count()).toEqual([10, 10]);
    expect(faulty.calls('releaseWaiting') - before).toBe(10);
    await monque.resume('step');
    await clock.advance(70_000);
    count();
    await clock.advance(1_200_000);
    expect(count()).toEqual([2, 2]);
    await monque.stop();
  });

  test('are one in twelve where jobs wait', async () => {
    const { monque, clock, count } = await startPaused(['first']);
    await clock.advance(5_000);
    expect(count()).toEqual([1, 1]);
    await clock.advance(600_000);
    expect(count()).toEqual([120, 10]);
    await monque.stop();
  });

  test('are taken again at once where one is asked for during a walk', async () => {
    const clock = new ManualClock();
    const asked: unknown[] = [];
    const sweepFlows = async ({ waitingOnly = false }) => {
      asked.push(waitingOnly);
      if (asked.length === 1) upkeep.look();
      return { tokens: [] };
    };
    const upkeep = new FlowUpkeep(
      {
        ...{ clock, ledger: { sweepFlows }, ledgerTime: { now: () => new Date(clock.now()) } },
        ...{ random: { fraction: () => 0 }, options: { resendLimitMs: 1 } },
      } as never,
      () => undefined,
    );
    upkeep.start();
    await clock.advance(1_000);
    expect(asked).toEqual([false, false]);
    await upkeep.stop();
  });

  test('are taken in the next round where one fails', async () => {
    const { monque, clock, faulty, count } = await startPaused(['first']);
    faulty.plan('sweepFlows', { fail: 'before' });
    await clock.advance(5_000);
    expect(count()).toEqual([0, 0]);
    await clock.advance(5_000);
    expect(count()).toEqual([1, 1]);
    await monque.stop();
  });

  test('are taken once the jobs of a dead instance have failed with it', async () => {
    const { clock, makeInstance } = makeWorld();
    const options = { leaseDuration: 3_000, rescueLimit: 1 };
    const [holder, other] = [makeInstance(options), makeInstance(options)];
    holder.monque.worker('dies', () => new Promise(() => undefined));
    await holder.monque.start();
    await other.monque.start();
    await holder.monque.enqueueFlow({ jobs: { only: { name: 'dies' } } });
    await clock.advance(20_000);
    holder.network.down = true;
    other.faulty.plan('rescue', { delayBeforeMs: 1_000 });
    await clock.advance(8_000);
    expect(payloads(other.events, 'flow:ended')).toMatchObject([{ outcome: 'failed' }]);
    await other.monque.stop();
  });
});

describe('the walk through orders', () => {
  const STEP = 500;
  /** A walk through lanes of which each step forgets so many; the last but none more ends it. */
  const walking = (forgotten: readonly number[], workers = { order: 'continue' } as object) => {
    const steps: SweepOrdersParams[] = [];
    const hooks = { onStep: async (): Promise<void> => undefined };
    const sweepOrders = async (params: SweepOrdersParams): Promise<SweepOrdersResult> => {
      steps.push(params);
      await hooks.onStep();
      const swept = forgotten[steps.length - 1] ?? 0;
      return { swept, ...(steps.length < forgotten.length && { position: `${steps.length}` }) };
    };
    const context = { ledger: { sweepOrders }, ledgerTime: { now: () => new Date(0) } };
    const sweep = new OrderSweep(
      context as never,
      new Map([['work', workers]]) as never,
      async () => undefined,
    );
    return { sweep, steps, hooks, settle: () => new ManualClock().settle() };
  };

  test('is reported when it fails, and goes on at the next poll', async () => {
    const { monque, faulty, clock, events } = makeOne();
    monque.worker('work', () => undefined, { order: {} });
    faulty.plan('sweepOrders', { fail: 'before' });
    await monque.start();
    await clock.advance(1_000);
    expect(payloads(events, 'job:error')).toMatchObject([{ error: { code: 'UNKNOWN_OUTCOME' } }]);
    await clock.advance(31_000);
    expect(payloads(events, 'job:error')).toHaveLength(1);
    expect(faulty.calls('sweepOrders')).toBeGreaterThan(1);
    await monque.stop();
  });

  test('holds no claim up that is due meanwhile', async () => {
    const { monque, faulty, clock } = makeOne();
    const ran: unknown[] = [];
    monque.worker('work', ({ data }) => void ran.push(data), { order: {} });
    faulty.plan('sweepOrders', { delayBeforeMs: 60_000 });
    await monque.start();
    await clock.advance(1_000);
    await monque.enqueue('work', 'meanwhile', { order: 'a', runAt: new Date(clock.now() + 5_000) });
    await clock.advance(6_000);
    expect(faulty.calls('sweepOrders')).toBe(1);
    expect(ran).toEqual(['meanwhile']);
    await clock.advance(60_000);
    await monque.stop();
  });

  test('goes on while there is much to forget, and no further than ten steps where there is little', async () => {
    const forgotten = [...Array(30).fill(STEP), ...Array(25).fill(0)];
    const { sweep, steps, settle } = walking(forgotten);
    sweep.look();
    await settle();
    expect(steps).toHaveLength(40);
    sweep.look();
    await settle();
    expect(steps).toHaveLength(50);
    sweep.look();
    await settle();
    expect(steps).toHaveLength(55);
    expect(steps.map(({ after }) => after)).toEqual([
      undefined,
      ...Array.from({ length: 54 }, (_, index) => `${index + 1}`),
    ]);
  });

  test('looks for what is superseded once for each poll, also for one that comes during a long walk', async () => {
    const { sweep, steps, hooks, settle } = walking(Array(40).fill(STEP));
    hooks.onStep = async () => {
      if (steps.length === 20) sweep.look();
    };
    sweep.look();
    await settle();
    const looks = steps.flatMap(({ superseded }, index) => (superseded ? [index] : []));
    expect(looks).toEqual([0, 20]);
    // One more walk, for who asked during the first.
    expect(steps).toHaveLength(41);
  });

  test('ends with the step that is under way at a stop', async () => {
    const { sweep, steps, hooks, settle } = walking(Array(40).fill(STEP));
    const stops: Promise<void>[] = [];
    hooks.onStep = async () => void (steps.length === 3 && stops.push(sweep.stop()));
    sweep.look();
    await settle();
    await Promise.all(stops);
    sweep.look();
    await settle();
    expect(steps).toHaveLength(3);
  });

  test('asks no more jobs to cancel once it is stopped', async () => {
    const superseded = Array.from({ length: 3 }, () => ({
      jobId: new ObjectId(),
      by: new ObjectId(),
    }));
    const asked: unknown[] = [];
    const stops: Promise<void>[] = [];
    const context = {
      ledger: { sweepOrders: async () => ({ swept: 0, superseded }) },
      ledgerTime: { now: () => new Date(0) },
    };
    const sweep = new OrderSweep(
      context as never,
      new Map([['work', { order: 'continue' }]]) as never,
      async ({ jobId }) => {
        asked.push(jobId);
        if (asked.length === 2) stops.push(sweep.stop());
      },
    );
    sweep.look();
    await new ManualClock().settle();
    await Promise.all(stops);
    expect(asked).toEqual(superseded.slice(0, 2).map(({ jobId }) => jobId));
  });

  test.each([
    ['orders', { order: 'continue' }, 1],
    ['groups', { groups: {} }, 1],
    ['neither', {}, 0],
  ])('is taken where a worker has %s', async (_, worker, times) => {
    const { sweep, steps, settle } = walking([], worker);
    sweep.look();
    await settle();
    expect(steps).toHaveLength(times);
  });

  test('costs as many calls of the ledger as there are polls while nothing is in use', async () => {
    const { monque, faulty, clock } = makeOne();
    monque.worker('work', () => undefined, { order: {} });
    await monque.start();
    await clock.advance(60_000);
    const [polls, sweeps] = [faulty.calls('nextDue'), faulty.calls('sweepOrders')];
    await clock.advance(600_000);
    expect(faulty.calls('nextDue') - polls).toBe(20);
    expect(faulty.calls('sweepOrders') - sweeps).toBe(20);
    await monque.stop();
  });
});

describe('the death of an instance', () => {
  test('is not reported by one who was overtaken by another', async () => {
    const world = makeWorld();
    const leaseDuration = 3_000;
    const dead = world.makeInstance({ leaseDuration });
    const other = world.makeInstance({ leaseDuration });
    for (const { monque } of [dead, other]) {
      monque.worker('work', () => undefined);
      await monque.start();
    }
    const [lease] = await world.ledger.readLeases();
    dead.network.down = true;
    const instanceId = String(lease?.instanceId);
    const first = { answered: false };
    other.faulty.plan('declareDead', {
      onArrival: async () => {
        const leases = await world.ledger.readLeases();
        const counter = Number(leases.find((one) => one.instanceId === instanceId)?.counter);
        first.answered = await world.ledger.declareDead({ instanceId, counter });
      },
    });
    await world.clock.advance(20_000);
    expect(first.answered).toBe(true);
    expect(other.faulty.calls('declareDead')).toBe(1);
    expect(payloads(other.events, 'job:error')).toEqual([]);
    await other.monque.stop();
  });
});

test('a stop during a look for suspects ends the look, whatever else there is to look at', async () => {
  const clock = new ManualClock();
  const asked: string[] = [];
  const stops: Promise<void>[] = [];
  const stored = new InMemoryLedgerRepository({ clock });
  const ledger = new FaultyLedgerRepository(stored, {
    clock,
    chooseFault: ({ verb, params }) => {
      if (Object(params).suspects !== true) return undefined;
      asked.push(verb);
      const stop = async () => void stops.push(monque.stop());
      return { ...(asked.length === 1 && { onArrival: stop }), delayAfterMs: 1_000 };
    },
  });
  const monque = new Monque(ledger, { clock, logger: false });
  monque.worker('plain', () => undefined);
  monque.worker('ordered', () => undefined, { order: {} });
  await monque.start();
  await clock.advance(30_000);
  await Promise.all(stops);
  expect(stops).toHaveLength(1);
  expect(asked).toHaveLength(1);
});
