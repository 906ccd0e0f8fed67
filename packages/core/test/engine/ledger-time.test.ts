import { describe, expect, test } from 'vitest';
import { LedgerTime } from '../../src/context/ledger-time.ts';
import { makeOne, makeWorld, payloads } from './kit.ts';

describe("the ledger's time", () => {
  test('is what due times and stamps refer to, whatever the own wall clock says', async () => {
    const { monque, ledger, clock } = makeOne();
    const ahead = 5 * 60_000;
    ledger.readTime = async () => new Date(clock.now() + ahead);
    const job = await monque.enqueue('work');
    expect(job.createdAt).toEqual(new Date(clock.now() + ahead));
    expect(job._id.getTimestamp()).toEqual(new Date(clock.now() + ahead));
  });

  test('of a new primary whose clock is minutes off is taken over on its hint', async () => {
    const world = makeWorld();
    const { monque, events } = world.makeInstance();
    let skewMs = 0;
    world.ledger.readTime = async () => new Date(world.clock.now() + skewMs);
    const listeners: Parameters<typeof world.ledger.watch>[0][] = [];
    const watch = world.ledger.watch.bind(world.ledger);
    world.ledger.watch = (listener) => {
      listeners.push(listener);
      return watch(listener);
    };
    monque.worker('work', () => undefined);
    await monque.start();
    await monque.enqueue('work', 1, { runAt: new Date(world.clock.now() + 3 * 60_000) });
    await world.clock.settle();
    expect(payloads(events, 'job:start')).toHaveLength(0);
    skewMs = 4 * 60_000;
    listeners[0]?.({ kind: 'clockChanged' });
    await world.clock.advance(30_000);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test('moves with the monotonic clock, and is sampled again after a step of the wall clock', async () => {
    const { ledger, clock } = makeWorld();
    const errors: unknown[] = [];
    const time = new LedgerTime(ledger, clock, (error) => errors.push(error));
    await time.ensureSampled();
    const start = time.now().getTime();
    await clock.advance(1_000);
    expect(time.now().getTime()).toBe(start + 1_000);
    clock.jumpWall(60_000);
    expect(time.now().getTime()).toBe(start + 1_000);
    await clock.settle();
    expect(time.now().getTime()).toBe(start + 61_000);
    expect(errors).toEqual([]);
  });

  test('is sampled again after ten minutes, and a failed sample is tried again a second later', async () => {
    const { ledger, clock } = makeWorld();
    const errors: unknown[] = [];
    let reads = 0;
    let failing = false;
    ledger.readTime = async () => {
      reads += 1;
      if (failing) throw new Error('no');
      return new Date(clock.now());
    };
    const time = new LedgerTime(ledger, clock, (error) => errors.push(error));
    await time.ensureSampled();
    await time.ensureSampled();
    expect(reads).toBe(3);
    await clock.advance(600_001);
    failing = true;
    for (let call = 0; call < 3; call += 1) {
      time.now();
      await clock.settle();
    }
    expect(reads).toBe(4);
    expect(errors).toHaveLength(1);
    failing = false;
    await clock.advance(1_001);
    time.now();
    await clock.settle();
    expect(reads).toBe(7);
  });

  test('gives no time before the ledger was asked for it', () => {
    const { ledger, clock } = makeOne();
    const time = new LedgerTime(ledger, clock, () => undefined);
    expect(() => time.now()).toThrow(/before it is known/);
  });

  test('a change of the clock during a sample is seen all the same', async () => {
    const { ledger, clock } = makeWorld();
    const waiting: (() => void)[] = [];
    let skewMs = 0;
    ledger.readTime = async () => {
      const time = new Date(clock.now() + skewMs);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return time;
    };
    const time = new LedgerTime(ledger, clock, () => undefined);
    const first = time.sample();
    skewMs = 60_000;
    const second = time.sampleAgain();
    while (waiting.length > 0) {
      waiting.shift()?.();
      await clock.settle();
    }
    await Promise.all([first, second]);
    expect(time.now()).toEqual(new Date(clock.now() + 60_000));
  });

  test('the sample with the shortest way counts', async () => {
    const { ledger, clock } = makeWorld();
    const delays = [100, 10, 50];
    const skews = [1_000, 0, 5_000];
    ledger.readTime = async () => {
      const delayMs = Number(delays.shift());
      await clock.advance(delayMs);
      return new Date(clock.now() - delayMs / 2 + Number(skews.shift()));
    };
    const time = new LedgerTime(ledger, clock, () => undefined);
    await time.ensureSampled();
    expect(time.now()).toEqual(new Date(clock.now()));
  });
});
