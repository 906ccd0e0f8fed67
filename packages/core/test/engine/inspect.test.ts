import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { makeInstanceInfo } from '../../src/engine/instance-info.ts';
import type { Inspection, Monque } from '../../src/index.ts';
import type { ManualClock } from '../../src/testing/index.ts';
import { makeJob } from '../../src/testing/index.ts';
import { deferred, makeOne, makeWorld } from './kit.ts';
import { infoOf, NAME } from './situation-world.ts';

describe('inspect', () => {
  test('of a scheduler that never ran shows nothing but the time', async () => {
    const { monque, clock } = makeOne();
    expect(await inspected(monque, clock)).toEqual({
      at: expect.any(Date),
      instances: [],
      withoutLease: { count: 0, isCut: false, byName: [] },
      names: [],
      namesAreCut: false,
      pausedNames: [],
      fullestGroups: [],
      groupsAreCut: false,
      limits: [],
    });
  });

  test('shows the own instance as it is now, and the age of its lease as it is on record', async () => {
    const { monque, clock } = makeOne({ instanceConcurrency: 7, leaseDuration: 30_000 });
    const gate = deferred();
    monque.worker(NAME, () => gate.promise, { concurrency: 2 });
    await monque.start();
    await clock.advance(4_000);
    await monque.enqueueMany([{ name: NAME }, { name: NAME }, { name: NAME }]);
    await clock.advance(500);
    const { instances, names } = await inspected(monque, clock);
    expect(instances).toMatchObject([
      {
        isOwn: true,
        state: 'alive',
        leaseAgeMs: 4_500,
        leaseDurationMs: 30_000,
        info: {
          pid: process.pid,
          version: manifest.version,
          workers: [{ name: NAME, concurrency: 2, running: 2 }],
          runningJobs: 2,
          instanceConcurrency: 7,
          recoverStaleJobs: true,
          vitals: { winRate: 1, queueLagMs: 0, alerts: [], violations: 0 },
        },
        claims: { count: 2, byName: [{ name: NAME, count: 2 }] },
      },
    ]);
    expect(names).toEqual([
      { name: NAME, isPaused: false, instances: 1, due: 1, dueIsCut: false, queueLagMs: 500 },
    ]);
    gate.resolve();
    await clock.advance(100);
    await monque.stop();
  });

  test('says that names are missing when an instance has more workers than it names', async () => {
    const { monque, clock } = makeOne();
    for (let index = 0; index < 1_000; index += 1) monque.worker(`name-${index}`, () => undefined);
    await monque.start();
    await clock.advance(100);
    const { names, namesAreCut } = await inspected(monque, clock);
    expect(names.length).toBeLessThan(1_000);
    expect(namesAreCut).toBe(true);
    await monque.stop();
  });

  test('shows those that are silent, dead, or not on record, after those that live', async () => {
    const world = makeWorld();
    const { ledger, clock } = world;
    const { monque } = world.makeInstance();
    const at = (ms: number): Date => new Date(clock.now() + ms);
    const open = (instanceId: string, reportedMs: number) => {
      const info = infoOf({ at }, { reportedAt: at(reportedMs) });
      return ledger.openLease({ instanceId, leaseDurationMs: 30_000, info });
    };
    await open('z-silent', -40_000);
    await open('y-dead', -1_000);
    await open('b-alive', -2_000);
    await open('a-alive', 1_000);
    await ledger.declareDead({ instanceId: 'y-dead', counter: 0 });
    await ledger.openLease({ instanceId: 'x-old', leaseDurationMs: 30_000 });
    await ledger.enqueue({ jobs: [makeJob({ name: NAME })] });
    const demand = [{ name: NAME, limit: 1 }];
    const claim = { claimToken: 'token', now: at(0), suspects: false, widening: 1 };
    await ledger.claim({ ...claim, demand, instanceId: 'stranger' });
    const { instances, names } = await inspected(monque, clock);
    expect(
      instances.map(({ instanceId, state, leaseAgeMs }) => [instanceId, state, leaseAgeMs]),
    ).toEqual([
      ['a-alive', 'alive', 0],
      ['b-alive', 'alive', 2_000],
      ['x-old', 'alive', undefined],
      ['z-silent', 'silent', 40_000],
      ['y-dead', 'dead', 1_000],
      ['stranger', 'unknown', undefined],
    ]);
    expect(instances.at(-1)?.claims?.oldest?.lockedAt).toEqual(at(0));
    // Of the dead and silent none works on anything.
    expect(names).toMatchObject([{ name: NAME, instances: 2 }]);
  });

  test('counts the claims of the first two hundred instances only', async () => {
    const { monque, clock, ledger, faulty } = makeOne();
    for (let index = 0; index < 203; index += 1) {
      await ledger.openLease({ instanceId: `instance-${index}`, leaseDurationMs: 1_000 });
    }
    const { instances } = await inspected(monque, clock);
    expect(instances.filter(({ claims }) => claims !== undefined)).toHaveLength(200);
    expect(instances).toHaveLength(203);
    // One more for the jobs of other tools.
    expect(faulty.calls('countClaims')).toBe(201);
  });
});

describe('what an instance says of itself', () => {
  const at = new Date(0);
  const base = {
    startedAt: at,
    reportedAt: at,
    runningJobs: 0,
    bufferedJobs: 0,
    instanceConcurrency: Number.POSITIVE_INFINITY,
    recoverStaleJobs: false,
    vitals: {
      ...{ winRate: 1, loopDelayMs: 0, clockErrorMs: 0, queueLagMs: 0 },
      ...{ alerts: [], violations: 0 },
    },
  };
  const workersOf = (count: number, nameLength: number) =>
    Array.from({ length: count }, (_, index) => ({
      ...{ name: `${index}`.padEnd(nameLength, '-'), concurrency: 5, running: 0 },
      retry: { maxRetries: 1, backoff: { type: 'fixed' as const, delay: 1 }, maxBackoffDelayMs: 1 },
    }));

  test('names hundreds of workers, and counts the rest', () => {
    const info = makeInstanceInfo({ ...base, workers: workersOf(503, 10) });
    expect([info.workers.length, info.unnamedWorkers]).toEqual([500, 3]);
    expect(info).not.toHaveProperty('instanceConcurrency');
  });

  test('stays small where names are long', () => {
    const info = makeInstanceInfo({ ...base, workers: workersOf(500, 256) });
    expect([info.workers.length, info.unnamedWorkers]).toEqual([64, 436]);
    expect(JSON.stringify(info).length).toBeLessThan(32_768);
  });

  test('reports where dead letters of a worker go', () => {
    const [worker] = workersOf(1, 10);
    if (worker === undefined) throw new Error('Expected a worker');
    const retry = { ...worker.retry, deadLetter: 'dead' };
    const { workers } = makeInstanceInfo({ ...base, workers: [{ ...worker, retry }] });
    expect(workers).toEqual([
      { name: worker.name, concurrency: 5, running: 0, deadLetter: 'dead' },
    ]);
  });

  test('is written with the renewals of the lease, without further calls', async () => {
    const { monque, clock, ledger, faulty } = makeOne({ leaseDuration: 3_000 });
    const gate = deferred();
    monque.worker(NAME, () => gate.promise);
    await monque.start();
    const running = async (): Promise<number | undefined> =>
      (await ledger.readLeases({ informed: true }))[0]?.info?.runningJobs;
    expect(await running()).toBe(0);
    await monque.enqueue(NAME);
    await clock.advance(1_100);
    expect(await running()).toBe(1);
    expect(faulty.calls('renewLease')).toBe(1);
    expect(faulty.calls('openLease')).toBe(1);
    gate.resolve();
    await monque.stop();
  });
});

async function inspected(monque: Monque, clock: ManualClock): Promise<Inspection> {
  const inspection = monque.inspect();
  await clock.settle();
  return inspection;
}
