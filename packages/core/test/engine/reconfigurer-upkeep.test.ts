import { describe, expect, test } from 'vitest';
import { enqueueSome, NAME, workHeld } from './held-work.ts';
import { makeOne, payloads } from './kit.ts';

describe('retention', () => {
  const forEver = { completed: false, failed: false, cancelled: false } as const;

  async function finishOne({ monque, clock }: ReturnType<typeof makeOne>) {
    monque.worker(NAME, () => undefined);
    await monque.start();
    const { _id } = await monque.enqueue(NAME);
    await clock.advance(2 * 3_600_000);
    return _id;
  }

  test('a shorter one takes effect at once, on jobs too that were passed over before', async () => {
    const one = makeOne({ jobRetention: { completed: 3 * 3_600_000 } });
    const _id = await finishOne(one);
    expect(await one.monque.getJob(_id)).not.toBeNull();
    one.monque.reconfigure({ jobRetention: { completed: 1_000 } });
    await one.clock.advance(10);
    expect(await one.monque.getJob(_id)).toBeNull();
    await one.monque.stop();
    expect(one.clock.pendingTimers).toBe(0);
  });

  test('begins where there was none, and ends where there shall be none', async () => {
    const one = makeOne({ jobRetention: forEver });
    const _id = await finishOne(one);
    one.monque.reconfigure({ jobRetention: { completed: 1_000 } });
    await one.clock.advance(10);
    expect(await one.monque.getJob(_id)).toBeNull();
    one.monque.reconfigure({ jobRetention: forEver });
    const kept = await one.monque.enqueue(NAME);
    await one.clock.advance(3 * 3_600_000);
    expect(await one.monque.getJob(kept._id)).not.toBeNull();
    await one.monque.stop();
    expect(one.clock.pendingTimers).toBe(0);
  });
});

describe('retention, while a step of the walk is under way', () => {
  test('takes effect behind that step', async () => {
    const one = makeOne({ jobRetention: { completed: 3 * 3_600_000 } });
    const { monque, clock, faulty } = one;
    monque.worker(NAME, () => undefined);
    await monque.start();
    const { _id } = await monque.enqueue(NAME);
    await clock.advance(2 * 3_600_000);
    const prune = faulty.prune.bind(faulty);
    let isFirst = true;
    faulty.prune = async (params) => {
      const answer = await prune(params);
      if (isFirst) monque.reconfigure({ jobRetention: { completed: 1_000 } });
      isFirst = false;
      return answer;
    };
    await clock.advance(60_000);
    expect(isFirst).toBe(false);
    expect(await monque.getJob(_id)).toBeNull();
    await monque.stop();
  });
});

describe('alerts', () => {
  const SETTLED = 25_000;

  test('thresholds begin and end, and an alert that loses its own is cleared', async () => {
    const { monque, clock, events } = makeOne();
    const { endAll } = workHeld(monque, { concurrency: 1 });
    await monque.start();
    await enqueueSome(monque, 2);
    await clock.advance(SETTLED);
    monque.reconfigure({ alerts: { queueLag: 1_000, failureRate: 1 } });
    await clock.advance(SETTLED);
    expect(monque.health().alerts).toEqual(['queueLag']);
    monque.reconfigure({ alerts: { queueLag: 2_000 } });
    expect(monque.health().alerts).toEqual(['queueLag']);
    monque.reconfigure({ alerts: {} });
    expect(monque.health().alerts).toEqual([]);
    const [alert] = payloads(events, 'alert');
    expect(payloads(events, 'alert:cleared')).toEqual([alert]);
    await clock.advance(SETTLED);
    expect(payloads(events, 'alert')).toHaveLength(1);
    endAll();
    await clock.advance(100);
    endAll();
    await monque.stop();
  });

  test('a threshold that goes while the ledger is asked raises nothing any more', async () => {
    const { monque, clock, events, faulty } = makeOne({ alerts: { queueLag: 1_000 } });
    const { endAll } = workHeld(monque, { concurrency: 1 });
    await monque.start();
    await enqueueSome(monque, 2);
    await clock.advance(5_000);
    const nextDue = faulty.nextDue.bind(faulty);
    let asked = 0;
    faulty.nextDue = async (params) => {
      if (params.until.getTime() < clock.now()) {
        asked += 1;
        monque.reconfigure({ alerts: {} });
      }
      return nextDue(params);
    };
    await clock.advance(SETTLED);
    expect(asked).toBe(1);
    expect(payloads(events, 'alert')).toEqual([]);
    endAll();
    await clock.advance(100);
    endAll();
    await monque.stop();
  });
});
