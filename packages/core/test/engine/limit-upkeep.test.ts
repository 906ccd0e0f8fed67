import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/foundation/clock.ts';
import { deferred, MINUTE_MS, makeOne, makeWorld, payloads } from './kit.ts';

const many = (name: string, count: number) => Array.from({ length: count }, () => ({ name }));

function counter() {
  let count = 0;
  const runs = (): number => count;
  return {
    runs,
    count: (): void => {
      count += 1;
    },
  };
}

const LEASE_MS = 3_000;

/** Two instances that work on one name; the first holds the whole limit with a job that does not end. */
async function heldByOne() {
  const world = makeWorld();
  const dead = world.makeInstance({ leaseDuration: LEASE_MS });
  const other = world.makeInstance({ leaseDuration: LEASE_MS });
  const gate = deferred();
  await dead.monque.setLimit('api', { concurrency: 1 });
  dead.monque.worker('a', () => gate.promise, { limits: ['api'] });
  await dead.monque.start();
  await dead.monque.enqueue('a');
  await world.clock.advance(1_000);
  const { runs, count } = counter();
  other.monque.worker('a', count, { limits: ['api'] });
  await other.monque.start();
  return { world, dead, other, gate, runs };
}

describe('the upkeep of limits', () => {
  test('holds one name back, and leaves another alone that has none', async () => {
    const { monque, clock } = makeOne();
    const runs = { bound: 0, free: 0 };
    await monque.setLimit('api', { concurrency: 1 });
    const options = { concurrency: 5 };
    const run = (name: 'bound' | 'free') => async () => {
      runs[name] += 1;
      await sleep(clock, 60_000);
    };
    monque.worker('bound', run('bound'), { ...options, limits: ['api'] });
    monque.worker('free', run('free'), options);
    await monque.start();
    await monque.enqueueMany([...many('bound', 5), ...many('free', 5)]);
    await clock.advance(5_000);
    expect(runs).toEqual({ bound: 1, free: 5 });
    const stopped = monque.stop();
    await clock.advance(60_000);
    await stopped;
  });

  test('goes on after a read that failed, which is reported', async () => {
    const { monque, clock, faulty, events } = makeOne();
    const { runs, count } = counter();
    await monque.setLimit('api', { concurrency: 1 });
    monque.worker('a', count, { limits: ['api'] });
    await monque.start();
    faulty.plan('readLimits', { fail: 'before' }, 2);
    await monque.enqueueMany(many('a', 3));
    await clock.advance(10_000);
    expect(payloads(events, 'job:error').length).toBeGreaterThan(0);
    expect(runs()).toBe(3);
    await monque.stop();
  });

  test('starts nothing under a limit that somebody deleted', async () => {
    const { monque, clock, faulty, ledger } = makeOne();
    const { runs, count } = counter();
    await monque.setLimit('api', { concurrency: 1 });
    monque.worker('a', count, { limits: ['api'] });
    await monque.start();
    await monque.enqueue('a');
    await clock.advance(1_000);
    expect(runs()).toBe(1);
    faulty.readLimits = async () => [];
    faulty.takeShare = async () => ({ outcome: 'missing', count: 0, starts: 0, limit: null });
    await clock.advance(5_000);
    await monque.enqueue('a');
    await clock.advance(10_000);
    expect(runs()).toBe(1);
    faulty.readLimits = () => ledger.readLimits();
    faulty.takeShare = (params) => ledger.takeShare(params);
    await clock.advance(10_000);
    expect(runs()).toBe(2);
    await monque.stop();
  });

  test('reads nothing of limits that are set where no worker has one', async () => {
    const { monque, clock, faulty } = makeOne();
    monque.worker('a', () => undefined);
    await monque.start();
    await clock.advance(1_000);
    await monque.setLimit('api', { concurrency: 1 });
    await clock.advance(1_000);
    expect(faulty.calls('readLimits')).toBe(0);
    await monque.stop();
  });

  test('gives an idle share back after a lapse of the lease, also where nobody asks for a look', async () => {
    const { monque, clock, network } = makeOne({ leaseDuration: LEASE_MS });
    const { runs, count } = counter();
    await monque.setLimit('api', { concurrency: 1 });
    monque.worker('a', count, { limits: ['api'] });
    await monque.start();
    await monque.enqueue('a');
    await clock.advance(500);
    expect(runs()).toBe(1);
    await monque.pause('a');
    network.down = true;
    await clock.advance(2 * LEASE_MS);
    network.down = false;
    await clock.advance(MINUTE_MS);
    expect((await monque.limits())[0]).toMatchObject({ held: 0 });
    await monque.stop();
  });

  test('gives to others what a dead instance held, once its jobs are rescued', async () => {
    const { world, dead, other, gate, runs } = await heldByOne();
    await world.clock.advance(1_000);
    dead.network.down = true;
    await world.clock.advance(30_000);
    expect(runs()).toBe(1);
    const lease = (await world.ledger.readLeases()).find(({ status }) => status === 'live');
    const [limit] = await other.monque.limits();
    expect(limit?.shares.map(({ instanceId }) => instanceId)).toEqual([lease?.instanceId]);
    await other.monque.stop();
    gate.resolve();
  });

  test('counts what a dead instance claimed under a bound, also where there was none for a time', async () => {
    const { world, dead, other, gate, runs } = await heldByOne();
    await other.monque.setLimit('api', { rate: { limit: 10, per: 1_000 } });
    await world.clock.advance(5_000);
    dead.network.down = true;
    await other.monque.setLimit('api', { concurrency: 1 });
    await world.clock.advance(50);
    await other.monque.enqueue('a');
    await world.clock.advance(LEASE_MS / 2);
    expect(runs()).toBe(0);
    await world.clock.advance(30_000);
    expect(runs()).toBe(2);
    await other.monque.stop();
    gate.resolve();
  });
});
