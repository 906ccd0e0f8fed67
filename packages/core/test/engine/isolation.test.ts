import { describe, expect, test } from 'vitest';
import type { FaultyVerb } from '../../src/testing/faults.ts';
import { deferred, makeOne, payloads, type TestInstance } from './kit.ts';

const FOR_EVER = 1_000_000;

/** From now on the ledger does not answer this verb. */
function cutOff({ faulty }: TestInstance, verb: FaultyVerb): () => void {
  let isDown = true;
  const fault = { onArrival: () => (isDown ? Promise.reject(lost()) : undefined) };
  faulty.plan(verb, fault, FOR_EVER / 1_000);
  return () => {
    isDown = false;
  };
}

/** An error that says nothing of the connection, so that only what the engine does with any error is seen. */
function lost(): Error {
  return new Error('no answer');
}

describe('an outage of one verb leaves the others alone:', () => {
  const BESIDE_THE_WAY_OF_A_JOB: readonly FaultyVerb[] = [
    ...(['nextDue', 'note', 'prune', 'readLeases', 'findClaimants', 'readClaims'] as const),
    ...(['recover', 'readTime', 'renewLease', 'getJob'] as const),
  ];

  test.each(BESIDE_THE_WAY_OF_A_JOB)('without %s jobs run and complete', async (verb) => {
    const one = makeOne();
    const { monque, clock, events } = one;
    monque.worker('work', (_job, { log }) => log('line'));
    await monque.start();
    cutOff(one, verb);
    await monque.enqueueMany(Array.from({ length: 20 }, () => ({ name: 'work' })));
    await clock.advance(20_000);
    expect(payloads(events, 'job:complete')).toHaveLength(20);
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('while claims fail, jobs are stored, and what runs is recorded', async () => {
    const one = makeOne();
    const gate = deferred();
    one.monque.worker('work', () => gate.promise);
    await one.monque.start();
    const running = await one.monque.enqueue('work');
    await one.clock.advance(10);
    cutOff(one, 'claim');
    const stored = await one.monque.enqueue('work');
    gate.resolve();
    await one.clock.advance(1_000);
    expect((await one.monque.getJob(running._id))?.status).toBe('completed');
    expect((await one.monque.getJob(stored._id))?.status).toBe('pending');
    await one.monque.stop();
  });

  test('while ends of runs cannot be recorded, other jobs go on and nothing runs twice', async () => {
    const one = makeOne();
    const runs: unknown[] = [];
    one.monque.worker('work', ({ data }) => void runs.push(data));
    await one.monque.start();
    const restore = cutOff(one, 'settle');
    for (let data = 0; data < 20; data += 1) await one.monque.enqueue('work', data);
    await one.clock.advance(60_000);
    expect(runs).toHaveLength(20);
    expect(one.monque.health().unsettledJobs).toBe(20);
    restore();
    await one.clock.advance(60_000);
    expect(payloads(one.events, 'job:complete')).toHaveLength(20);
    expect(runs).toHaveLength(20);
    await one.monque.stop();
  });

  test('while nothing can be stored, what is stored runs', async () => {
    const one = makeOne();
    one.monque.worker('work', () => undefined);
    await one.monque.enqueue('work');
    cutOff(one, 'enqueue');
    await one.monque.start();
    await expect(one.monque.enqueue('work')).rejects.toThrow('no answer');
    await one.clock.advance(100);
    expect(payloads(one.events, 'job:complete')).toHaveLength(1);
    await one.monque.stop();
  });
});

describe('while claims fail', () => {
  /** When claims were sent, in milliseconds since the first that failed. */
  async function claimTimes(one: ReturnType<typeof makeOne>, forMs: number): Promise<number[]> {
    const times: number[] = [];
    const fault = {
      onArrival: () => {
        times.push(one.clock.monotonic());
        throw lost();
      },
    };
    one.faulty.plan('claim', fault, FOR_EVER / 1_000);
    await one.monque.enqueue('work');
    await one.clock.advance(forMs);
    return times.map((time) => time - Number(times[0]));
  }

  test('they are tried again ever more seldom, spread by chance, and never 30 seconds apart', async () => {
    const one = makeOne();
    one.monque.worker('work', () => undefined);
    await one.monque.start();
    const times = await claimTimes(one, 600_000);
    const gaps = times.slice(1).map((time, index) => time - Number(times[index]));
    expect(gaps[0]).toBeLessThanOrEqual(50);
    const late = gaps.slice(-10);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(15_000);
    expect(new Set(late.map(Math.round)).size).toBeGreaterThan(5);
    await one.monque.stop();
  });

  test('they resume by themselves within half a minute, whatever wakes there were meanwhile', async () => {
    const one = makeOne();
    one.monque.worker('work', () => undefined);
    await one.monque.start();
    const restore = cutOff(one, 'claim');
    for (let minute = 0; minute < 10; minute += 1) {
      await one.monque.enqueue('work');
      await one.clock.advance(60_000);
    }
    const sentMeanwhile = one.faulty.calls('claim');
    expect(sentMeanwhile).toBeLessThan(60);
    restore();
    await one.clock.advance(31_000);
    expect(payloads(one.events, 'job:complete')).toHaveLength(10);
    await one.monque.stop();
  });
});

test('after an outage of everything, work goes on by itself', async () => {
  const one = makeOne();
  const { monque, clock, network, events } = one;
  let runs = 0;
  monque.worker('work', () => {
    runs += 1;
  });
  await monque.start();
  await monque.enqueueMany(Array.from({ length: 10 }, () => ({ name: 'work' })));
  network.down = true;
  await clock.advance(300_000);
  const whileDown = one.faulty.calls('claim') + one.faulty.calls('settle');
  expect(whileDown).toBeLessThan(100);
  network.down = false;
  await clock.advance(61_000);
  expect(payloads(events, 'job:complete').length).toBe(10);
  expect(runs).toBe(10);
  expect(monque.isHealthy()).toBe(true);
  await monque.stop();
  expect(clock.pendingTimers).toBe(0);
});

test('a listener that throws or rejects hurts neither its job nor another listener', async () => {
  const { monque, clock, events } = makeOne();
  monque.worker('work', () => undefined);
  monque.prependListener('job:start', () => {
    throw new Error('thrown');
  });
  monque.prependListener('job:complete', (async () => {
    throw new Error('rejected');
  }) as never);
  monque.on('job:error', () => {
    throw new Error('told to nobody');
  });
  await monque.start();
  await monque.enqueue('work');
  await clock.advance(100);
  expect(payloads(events, 'job:complete')).toHaveLength(1);
  const errors = payloads(events, 'job:error').map(({ error }) => error.message);
  expect(errors).toEqual(['thrown', 'rejected']);
  await monque.stop();
});
