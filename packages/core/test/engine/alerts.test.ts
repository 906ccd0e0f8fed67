import { describe, expect, test } from 'vitest';
import { type Clock, InvalidArgumentError, Monque } from '../../src/index.ts';
import {
  deferred,
  makeOne,
  makeWorld,
  payloads,
  type TestInstance,
  type TestWorld,
} from './kit.ts';

/** How often values are looked at: a third of the default lease, and a little more. */
const LOOK = 10_100;

function alertsOf({ events }: Pick<TestInstance, 'events'>): string[] {
  return events.flatMap(({ name, payload }) =>
    name === 'alert' || name === 'alert:cleared' ? [`${name} ${payload.kind}`] : [],
  );
}

/** Ends so many runs, of which so many fail for good. */
async function endRuns({ monque, clock }: TestWorld & TestInstance, fine: number, failed: number) {
  await monque.enqueueMany([
    ...Array.from({ length: fine }, () => ({ name: 'work', data: 'fine' })),
    ...Array.from({ length: failed }, () => ({ name: 'work', data: 'fail' })),
  ]);
  await clock.advance(100);
}

function makeFailing(alerts: { failureRate: number; failureMinimum?: number }) {
  const one = makeOne({ alerts, maxRetries: 1 });
  one.monque.worker('work', ({ data }) => {
    if (data === 'fail') throw new Error('failed');
  });
  return one;
}

describe('the alert for the failure rate', () => {
  test('fires once when the share is reached, and is cleared when runs go well again', async () => {
    const one = makeFailing({ failureRate: 0.5 });
    const { monque, clock, events } = one;
    await monque.start();
    await endRuns(one, 5, 5);
    await clock.advance(LOOK);
    const [alert] = payloads(events, 'alert');
    expect(alert).toEqual({
      kind: 'failureRate',
      value: 0.5,
      threshold: 0.5,
      unit: 'share',
      since: expect.any(Date),
    });
    expect(monque.health().alerts).toEqual(['failureRate']);
    await clock.advance(3 * LOOK);
    expect(payloads(events, 'alert')).toHaveLength(1);
    await endRuns(one, 50, 0);
    await clock.advance(3 * LOOK);
    expect(alertsOf(one)).toEqual(['alert failureRate', 'alert:cleared failureRate']);
    const [cleared] = payloads(events, 'alert:cleared');
    expect(cleared?.since).toEqual(alert?.since);
    expect(monque.health().alerts).toEqual([]);
    expect(monque.metrics().counters.alerts).toEqual([
      { labels: { kind: 'failureRate' }, value: 1 },
    ]);
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('says nothing while too few runs ended', async () => {
    const one = makeFailing({ failureRate: 0.1, failureMinimum: 20 });
    await one.monque.start();
    await endRuns(one, 0, 19);
    await one.clock.advance(LOOK);
    expect(alertsOf(one)).toEqual([]);
    await endRuns(one, 0, 1);
    await one.clock.advance(LOOK);
    expect(alertsOf(one)).toEqual(['alert failureRate']);
    await one.monque.stop();
  });

  test('counts only runs that ended within the window, and no run that was put off', async () => {
    const one = makeFailing({ failureRate: 0.5 });
    await one.monque.start();
    await endRuns(one, 100, 0);
    await one.clock.advance(70_000);
    await endRuns(one, 0, 10);
    await one.clock.advance(LOOK);
    expect(payloads(one.events, 'alert')).toMatchObject([{ value: 1 }]);
    await one.monque.stop();
  });

  test('does not flap around its threshold', async () => {
    const one = makeFailing({ failureRate: 0.5 });
    await one.monque.start();
    for (const [fine, failed] of [
      [50, 50],
      [10, 0],
      [0, 10],
      [10, 0],
    ]) {
      await endRuns(one, Number(fine), Number(failed));
      await one.clock.advance(LOOK);
    }
    expect(alertsOf(one)).toEqual(['alert failureRate']);
    await one.monque.stop();
  });
});

describe('the alert for the queue lag', () => {
  test('fires when jobs start late', async () => {
    const one = makeOne({ alerts: { queueLag: 5_000 } });
    one.monque.worker('work', () => undefined);
    await one.monque.enqueue('work');
    await one.clock.advance(6_000);
    await one.monque.start();
    await one.clock.advance(LOOK);
    expect(payloads(one.events, 'alert')[0]?.value).toBeGreaterThanOrEqual(6_000);
    await one.clock.advance(3 * LOOK);
    expect(alertsOf(one)).toEqual(['alert queueLag', 'alert:cleared queueLag']);
    await one.monque.stop();
  });

  test('fires when all slots of a name are taken and its jobs do not start at all', async () => {
    const one = makeOne({ alerts: { queueLag: 5_000 } });
    const { monque, clock, faulty } = one;
    const gate = deferred();
    monque.worker('work', () => gate.promise, { concurrency: 1 });
    monque.worker('idle', () => undefined);
    await monque.start();
    await monque.enqueueMany([{ name: 'work' }, { name: 'work' }]);
    await clock.advance(2 * LOOK);
    expect(alertsOf(one)).toEqual(['alert queueLag']);
    expect(payloads(one.events, 'alert')).toMatchObject([
      { value: 5_000, threshold: 5_000, unit: 'ms' },
    ]);
    gate.resolve();
    await clock.advance(5 * LOOK);
    expect(alertsOf(one)).toEqual(['alert queueLag', 'alert:cleared queueLag']);
    const asked = faulty.calls('nextDue');
    await clock.advance(1_000);
    expect(faulty.calls('nextDue')).toBe(asked);
    await monque.stop();
  });

  test('does not fire while all slots are taken and nothing waits', async () => {
    const one = makeOne({ alerts: { queueLag: 5_000 } });
    const gate = deferred();
    one.monque.worker('work', () => gate.promise, { concurrency: 1 });
    await one.monque.start();
    await one.monque.enqueue('work');
    await one.clock.advance(3 * LOOK);
    expect(alertsOf(one)).toEqual([]);
    gate.resolve();
    await one.monque.stop();
  });

  test('counts the slots of the process where those are all taken', async () => {
    const one = makeOne({ alerts: { queueLag: 5_000 }, instanceConcurrency: 1 });
    const gate = deferred();
    one.monque.worker('slow', () => gate.promise);
    one.monque.worker('other', () => undefined);
    await one.monque.start();
    await one.monque.enqueue('slow');
    await one.clock.advance(100);
    await one.monque.enqueue('other');
    await one.clock.advance(2 * LOOK);
    expect(alertsOf(one)).toEqual(['alert queueLag']);
    gate.resolve();
    await one.monque.stop();
  });

  test('says nothing of a queue that nobody can see, and is looked at again', async () => {
    const one = makeOne({ alerts: { queueLag: 5_000 } });
    const { monque, clock, network, faulty, events } = one;
    const gate = deferred();
    monque.worker('work', () => gate.promise, { concurrency: 1 });
    await monque.start();
    await monque.enqueueMany([{ name: 'work' }, { name: 'work' }]);
    await clock.advance(100);
    faulty.plan('nextDue', { onArrival: () => Promise.reject(new Error('bug')) }, 50);
    await clock.advance(LOOK);
    expect(payloads(events, 'job:error').map(({ error }) => error.message)).toContain('bug');
    network.down = true;
    await clock.advance(2 * LOOK);
    expect(alertsOf(one)).toEqual([]);
    network.down = false;
    gate.resolve();
    await clock.advance(2 * LOOK);
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the alert for the settle delay', () => {
  test('fires while ends of runs cannot be recorded, and is cleared when they are', async () => {
    const one = makeOne({ alerts: { settleDelay: 5_000 } });
    const { monque, clock, faulty } = one;
    monque.worker('work', () => undefined);
    await monque.start();
    faulty.plan('settle', { fail: 'before' }, 9);
    await monque.enqueue('work');
    await clock.advance(LOOK);
    expect(alertsOf(one)).toEqual(['alert settleDelay']);
    await clock.advance(90_000);
    expect(alertsOf(one)).toEqual(['alert settleDelay', 'alert:cleared settleDelay']);
    await monque.stop();
  });
});

describe('the alert for the clock', () => {
  test('fires when the clock of the machine is far from that of the ledger', async () => {
    const world = makeWorld();
    const { clock } = world;
    let aheadMs = 0;
    const drifting: Clock = {
      now: () => clock.now() + aheadMs,
      monotonic: () => clock.monotonic(),
      setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs),
      setImmediate: (callback) => clock.setImmediate(callback),
    };
    const one = world.makeInstance({ clock: drifting, alerts: { clockError: 1_000 } });
    await one.monque.start();
    await clock.advance(LOOK);
    expect(alertsOf(one)).toEqual([]);
    aheadMs = -3_000;
    await clock.advance(LOOK);
    expect(payloads(one.events, 'alert')).toMatchObject([{ kind: 'clockError', value: 3_000 }]);
    expect(one.monque.metrics().gauges.clockErrorMs).toBe(3_000);
    await one.monque.stop();
  });
});

describe('alerts', () => {
  test('cost nothing and report nothing without the option', async () => {
    const one = makeOne();
    one.monque.worker('work', () => {
      throw new Error('failed');
    });
    await one.monque.start();
    await one.monque.enqueue('work');
    await one.clock.advance(100_000);
    expect(alertsOf(one)).toEqual([]);
    expect(one.monque.health().alerts).toEqual([]);
    await one.monque.stop();
  });

  test.each([
    [{ queueLag: 0 }, 'queueLag'],
    [{ failureRate: 1.5 }, 'failureRate'],
    [{ failureRate: 0 }, 'failureRate'],
    [{ failureWindow: 1 }, 'failureWindow'],
    [{ failureMinimum: 0 }, 'failureMinimum'],
    [{ settleDelay: 1.5 }, 'settleDelay'],
    [{ clockError: -1 }, 'clockError'],
  ])('refuse a wrong threshold: %o', (alerts, field) => {
    expect(() => Monque.inMemory({ alerts })).toThrow(InvalidArgumentError);
    expect(() => Monque.inMemory({ alerts })).toThrow(`options.alerts.${field}`);
  });
});
