import { describe, expect, test } from 'vitest';
import { FlowUpkeep } from '../../src/engine/upkeep/flow-upkeep.ts';
import { GateTimeouts } from '../../src/engine/upkeep/gate-timeouts.ts';
import { gate, stage } from '../../src/index.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { StagePlan } from '../../src/workers/stages.ts';

describe('a long look at what jobs wait for', () => {
  const STEPS = 25;

  /** Walks of so many steps each, which find nobody. */
  const walking = () => {
    const clock = new ManualClock();
    const world = { steps: 0, onStep: async (): Promise<void> => undefined };
    const sweepFlows = async ({ after = '0' }) => {
      world.steps += 1;
      await world.onStep();
      const next = Number(after) + 1;
      return { tokens: [], ...(next < STEPS && { position: String(next) }) };
    };
    const reported: unknown[] = [];
    const upkeep = new FlowUpkeep(
      {
        ...{ clock, ledger: { sweepFlows }, ledgerTime: { now: () => new Date(clock.now()) } },
        ...{ random: { fraction: () => 0 }, options: { resendLimitMs: 1 } },
        report: (error: unknown) => reported.push(error),
      } as never,
      () => undefined,
    );
    return { clock, world, upkeep, reported };
  };

  test('pauses between its rounds where nobody asked for it, also where it is begun early', async () => {
    const { clock, world, upkeep } = walking();
    upkeep.start();
    for (const before of [0, STEPS]) {
      await clock.advance(4_999);
      expect(world.steps - before).toBe(10);
      await clock.advance(5_001);
      expect(world.steps - before).toBe(STEPS);
      upkeep.beginLook();
    }
    await upkeep.stop();
  });

  test('is taken to its end at once where it was asked for', async () => {
    const { clock, world, upkeep } = walking();
    upkeep.look();
    upkeep.start();
    await clock.advance(1);
    expect(world.steps).toBe(STEPS);
    await clock.advance(60_000);
    const idle = world.steps;
    await clock.advance(600_000);
    expect(world.steps - idle).toBe(STEPS);
    await upkeep.stop();
  });

  test('is ended at once, and one more taken, where it is asked for in the middle of one', async () => {
    const { clock, world, upkeep } = walking();
    upkeep.start();
    await clock.advance(1);
    expect(world.steps).toBe(10);
    upkeep.look();
    await clock.advance(1);
    expect(world.steps).toBe(2 * STEPS);
    await upkeep.stop();
  });

  test('goes on after the error of a step, when some time has passed', async () => {
    const { clock, world, upkeep, reported } = walking();
    world.onStep = async () => {
      if (world.steps === 12) throw new Error('The ledger is down');
    };
    upkeep.look();
    upkeep.start();
    await clock.advance(4_999);
    expect([world.steps, reported.length]).toEqual([12, 1]);
    await clock.advance(1);
    // The step that failed is taken again.
    expect(world.steps).toBe(STEPS + 1);
    await upkeep.stop();
  });

  test('ends with the step that is under way at a stop', async () => {
    const { clock, world, upkeep } = walking();
    const stops: Promise<void>[] = [];
    world.onStep = async () => void (world.steps === 3 && stops.push(upkeep.stop()));
    upkeep.look();
    upkeep.start();
    await clock.advance(60_000);
    await Promise.all(stops);
    expect([stops.length, world.steps, clock.pendingTimers]).toEqual([1, 3, 0]);
  });
});

describe('the look for waits that are over', () => {
  /** Rounds that end so many waits each, one after the other. */
  const ending = (counts: readonly number[]) => {
    const clock = new ManualClock();
    const world = { rounds: 0, onRound: async (): Promise<void> => undefined };
    const expireGates = async () => {
      const count = counts[world.rounds] ?? 0;
      world.rounds += 1;
      await world.onRound();
      return { failed: count, pending: 0 };
    };
    const context = {
      ...{ clock, ledger: { expireGates }, ledgerTime: { now: () => new Date(clock.now()) } },
      ...{ emit: () => undefined, report: () => undefined },
    };
    const handler = new StagePlan({
      stages: [gate('checked', { timeout: 1 }), stage('parse', () => 1)],
    });
    const timeouts = new GateTimeouts(
      context as never,
      new Map([['import', { handler }]]) as never,
      {
        onPending: () => undefined,
        onFailed: () => undefined,
      },
    );
    timeouts.start();
    return { clock, world, timeouts };
  };

  test('goes on at once while there are many, also where others end a part of them', async () => {
    const { clock, world, timeouts } = ending([1_000, 1_000, 400, 99, 1]);
    await clock.advance(5_000);
    expect(world.rounds).toBe(4);
    await clock.advance(5_000);
    expect(world.rounds).toBe(5);
    await timeouts.stop();
  });

  test('waits after an error', async () => {
    const { clock, world, timeouts } = ending([1_000, 1_000]);
    world.onRound = async () => {
      if (world.rounds === 2) throw new Error('The ledger is down');
    };
    await clock.advance(9_999);
    expect(world.rounds).toBe(2);
    await clock.advance(1);
    expect(world.rounds).toBe(3);
    await timeouts.stop();
  });

  test('ends with the round that is under way at a stop', async () => {
    const { clock, world, timeouts } = ending(Array(50).fill(1_000));
    const stops: Promise<void>[] = [];
    world.onRound = async () => void (world.rounds === 3 && stops.push(timeouts.stop()));
    await clock.advance(60_000);
    await Promise.all(stops);
    expect([stops.length, world.rounds, clock.pendingTimers]).toEqual([1, 3, 0]);
  });
});
