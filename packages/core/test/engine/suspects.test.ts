import { describe, expect, test, vi } from 'vitest';
import { sleep } from '../../src/foundation/clock.ts';
import { orderFields } from '../../src/job/lanes.ts';
import type { ClaimOrdersParams, ClaimResult } from '../../src/ledger/ledger-repository.ts';
import { SUSPECT_RESCUE_COUNT } from '../../src/ledger/suspects.ts';
import { makeJob } from '../../src/testing/index.ts';
import { makeOne, makeWorld, type TestWorld } from './kit.ts';

const many = (name: string, count: number) => Array.from({ length: count }, () => ({ name }));

/** Stores jobs whose instances died several times. */
async function putSuspects({ ledger, clock }: TestWorld, name: string, count: number) {
  const nextRunAt = new Date(clock.now());
  const job = { name, nextRunAt, rescueCount: SUSPECT_RESCUE_COUNT, data: 'suspect' };
  await ledger.enqueue({ jobs: Array.from({ length: count }, () => makeJob(job)) });
}

describe('a job whose instances died several times', () => {
  test('takes turns with the others where one limit is always full', async () => {
    const one = makeOne();
    const { monque, clock } = one;
    const started: unknown[] = [];
    await monque.setLimit('api', { concurrency: 1 });
    monque.worker(
      'a',
      async ({ data }) => {
        started.push(data);
        await sleep(clock, 100);
      },
      { limits: ['api'] },
    );
    await monque.enqueueMany(many('a', 40));
    await putSuspects(one, 'a', 3);
    await monque.start();
    await clock.advance(3_000);
    const turns = started.flatMap((data, turn) => (data === 'suspect' ? [turn] : []));
    expect(turns).toHaveLength(3);
    // The others run between them.
    expect(Number(turns[1]) - Number(turns[0])).toBeGreaterThan(1);
    expect(Number(turns[2]) - Number(turns[1])).toBeGreaterThan(1);
    expect(started.length).toBeGreaterThan(20);
  });

  test('gets a share of a limit that other processes keep full with jobs of another name', async () => {
    const world = makeWorld();
    const { clock } = world;
    const [busy, other] = [world.makeInstance(), world.makeInstance()];
    let suspects = 0;
    await busy.monque.setLimit('api', { concurrency: 2 });
    busy.monque.worker('busy', () => sleep(clock, 400), { limits: ['api'] });
    other.monque.worker(
      'rare',
      () => {
        suspects += 1;
      },
      { limits: ['api'] },
    );
    await busy.monque.enqueueMany(many('busy', 40));
    await busy.monque.start();
    await clock.advance(1_000);
    await putSuspects(world, 'rare', 1);
    await other.monque.start();
    await clock.advance(5_000);
    expect(suspects).toBe(1);
  });

  test('gets a slot of a process that always has other jobs', async () => {
    const one = makeOne({ instanceConcurrency: 2 });
    const { monque, clock } = one;
    let [suspects, others] = [0, 0];
    const handler = async ({ data }: { readonly data: unknown }) => {
      if (data === 'suspect') suspects += 1;
      else others += 1;
      await sleep(clock, 1_000);
    };
    monque.worker('a', handler, { concurrency: 2 });
    await monque.enqueueMany(many('a', 120));
    await monque.start();
    await clock.advance(1_000);
    await putSuspects(one, 'a', 1);
    // The next look is that of the next poll.
    await clock.advance(35_000);
    expect(suspects).toBe(1);
    expect(others).toBeGreaterThan(50);
    expect(others).toBeLessThan(120);
  });
});

describe('a look for suspects', () => {
  const NOTHING: ClaimResult = { jobs: [], attempted: 0, saturated: [], drained: [] };

  /** A poll of a process that runs orders, whose looks for suspects are answered so, and then as the ledger does. */
  const pollWith = async (answers: readonly ClaimResult[]) => {
    const one = makeOne();
    const { monque, ledger, clock } = one;
    const started: unknown[] = [];
    monque.worker('work', ({ data }) => void started.push(data), { order: {} });
    await monque.start();
    await clock.advance(5_000);
    const claimOrders = ledger.claimOrders.bind(ledger);
    const looks: ClaimOrdersParams[] = [];
    vi.spyOn(ledger, 'claimOrders').mockImplementation(async (params) => {
      if (!params.suspects) return claimOrders(params);
      looks.push(params);
      return answers[looks.length - 1] ?? claimOrders(params);
    });
    const nextRunAt = new Date(clock.now());
    const job = { name: 'work', nextRunAt, rescueCount: SUSPECT_RESCUE_COUNT, data: 'suspect' };
    await ledger.enqueue({ jobs: [makeJob({ ...job, ...orderFields('a') })] });
    expect(looks).toEqual([]);
    await clock.advance(30_000);
    return { ...one, started, looks };
  };

  test.each([
    ['was for a part of the orders', NOTHING],
    ['lost what it found to another process', { ...NOTHING, attempted: 1, saturated: ['work'] }],
  ])('since it %s is followed by another at once', async (_, answer) => {
    const { monque, started, looks } = await pollWith([answer, answer, answer]);
    expect(started).toEqual(['suspect']);
    // The last one shows that there are no others.
    expect(looks).toHaveLength(5);
    await monque.stop();
  });

  test('is not followed by others for ever: the next poll takes them up', async () => {
    const { monque, clock, started, looks } = await pollWith(Array(250).fill(NOTHING));
    expect(looks).toHaveLength(201);
    await clock.advance(30_000);
    expect(started).toEqual(['suspect']);
    await monque.stop();
  });

  test('is one alone where it shows that there are none', async () => {
    const { monque, started, looks } = await pollWith([{ ...NOTHING, drained: ['work'] }]);
    expect(looks).toHaveLength(1);
    expect(started).toEqual([]);
    await monque.stop();
  });
});

test('a process without a free slot keeps no share from those who have one', async () => {
  const world = makeWorld();
  const { clock } = world;
  const [full, free] = [
    world.makeInstance({ instanceConcurrency: 1 }),
    world.makeInstance({ instanceConcurrency: 1 }),
  ];
  let [blocked, ended] = [0, 0];
  await full.monque.setLimit('api', { concurrency: 1 });
  const limited = async () => {
    await sleep(clock, 10);
    ended += 1;
  };
  full.monque.worker('limited', limited, { limits: ['api'] });
  full.monque.worker('long', async () => {
    blocked += 1;
    await sleep(clock, 3_600_000);
  });
  free.monque.worker('limited', limited, { limits: ['api'] });
  await full.monque.enqueueMany(many('limited', 100));
  for (const { monque } of [full, free]) await monque.start();
  await clock.advance(300);
  await full.monque.enqueue('long');
  await clock.advance(60_000);
  expect(blocked).toBe(1);
  expect(ended).toBe(100);
});
