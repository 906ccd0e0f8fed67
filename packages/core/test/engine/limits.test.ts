import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/foundation/clock.ts';
import { InvalidArgumentError } from '../../src/index.ts';
import { LEDGER_VERBS } from '../../src/ledger/verbs/verb-table.ts';
import { deferred, makeOne, makeWorld } from './kit.ts';

const many = (name: string, count: number) => Array.from({ length: count }, () => ({ name }));

/** Counts how many handlers run at once, over all instances. */
function gauge() {
  const seen = { now: 0, most: 0, ended: 0 };
  const during = async (wait: Promise<unknown>): Promise<void> => {
    seen.now += 1;
    seen.most = Math.max(seen.most, seen.now);
    await wait;
    seen.now -= 1;
    seen.ended += 1;
  };
  return { seen, during };
}

describe('a limit of concurrency', () => {
  test('bounds several names in several processes together, and all jobs run', async () => {
    const { clock, makeInstance } = makeWorld();
    const { seen, during } = gauge();
    const instances = [makeInstance(), makeInstance(), makeInstance()];
    await instances[0]?.monque.setLimit('api', { concurrency: 4 });
    for (const { monque } of instances) {
      const handler = () => during(sleep(clock, 50));
      monque.worker('a', handler, { concurrency: 5, limits: ['api'] });
      monque.worker('b', handler, { concurrency: 5, limits: ['api'] });
      await monque.start();
    }
    await instances[0]?.monque.enqueueMany([...many('a', 30), ...many('b', 30)]);
    await clock.advance(200);
    expect(seen.most).toBe(4);
    await clock.advance(20_000);
    expect(seen).toEqual({ now: 0, most: 4, ended: 60 });
    const [limit] = (await instances[0]?.monque.limits()) ?? [];
    expect(limit).toMatchObject({ key: 'api', concurrency: 4, held: 0, wanted: 0, free: 4 });
    for (const { monque } of instances) await monque.stop();
    expect((await instances[0]?.monque.limits())?.[0]?.shares).toEqual([]);
  });

  test('shows who waits for it, also where one process holds it all', async () => {
    const { monque, clock } = makeOne();
    await monque.setLimit('api', { concurrency: 2 });
    monque.worker('a', () => sleep(clock, 2_000), { concurrency: 5, limits: ['api'] });
    await monque.enqueueMany(many('a', 6));
    await monque.start();
    await clock.advance(1_000);
    const [busy] = await monque.limits();
    expect(busy).toMatchObject({ held: 2, free: 0, shares: [{ count: 2 }] });
    expect(busy?.wanted).toBeGreaterThan(0);
    expect(busy?.shares[0]?.wants).toBe(busy?.wanted);
    await clock.advance(9_000);
    expect((await monque.limits())[0]).toMatchObject({ held: 0, wanted: 0, free: 2 });
    await monque.stop();
  });

  test('of a worker alone is written at the start', async () => {
    const { monque, clock } = makeOne();
    const { seen, during } = gauge();
    monque.worker('report', () => during(sleep(clock, 10)), { limit: { concurrency: 2 } });
    await monque.enqueueMany(many('report', 9));
    await monque.start();
    await clock.advance(2_000);
    expect(seen).toEqual({ now: 0, most: 2, ended: 9 });
    expect((await monque.limits()).map(({ key }) => key)).toEqual(['worker:report']);
    await monque.stop();
  });

  test('is changed while jobs run: lowered it stops nothing that runs, and 0 lets none start', async () => {
    const { monque, clock } = makeOne();
    const { seen, during } = gauge();
    let gate = deferred();
    await monque.setLimit('api', { concurrency: 3 });
    monque.worker('a', () => during(gate.promise), { concurrency: 9, limits: ['api'] });
    await monque.start();
    await monque.enqueueMany(many('a', 12));
    await clock.advance(100);
    expect(seen.now).toBe(3);
    await monque.setLimit('api', { concurrency: 0 });
    await clock.advance(3_000);
    expect(seen.now).toBe(3);
    gate.resolve();
    await clock.advance(3_000);
    expect(seen).toEqual({ now: 0, most: 3, ended: 3 });
    gate = deferred();
    await monque.setLimit('api', { concurrency: 5 });
    await clock.advance(3_000);
    expect(seen.now).toBe(5);
    await monque.setLimit('api', {});
    await clock.advance(3_000);
    expect(seen.now).toBe(9);
    gate.resolve();
    await clock.advance(1_000);
    expect(seen.ended).toBe(12);
    await monque.stop();
  });

  test('of 1 goes from hand to hand, so that no process waits for ever', async () => {
    const { clock, makeInstance } = makeWorld();
    const runs = [0, 0];
    const instances = [makeInstance(), makeInstance()];
    await instances[0]?.monque.setLimit('api', { concurrency: 1 });
    for (const [index, { monque }] of instances.entries()) {
      const handler = async () => {
        runs[index] = Number(runs[index]) + 1;
        await sleep(clock, 20);
      };
      monque.worker('a', handler, { limits: ['api'] });
      await monque.start();
    }
    await instances[0]?.monque.enqueueMany(many('a', 200));
    await clock.advance(4_000);
    expect(Math.min(...runs)).toBeGreaterThan(10);
    for (const { monque } of instances) await monque.stop();
  });

  test('and another that two names use crosswise let all jobs run', async () => {
    const { clock, makeInstance } = makeWorld();
    const { seen, during } = gauge();
    const instances = [makeInstance(), makeInstance(), makeInstance(), makeInstance()];
    await instances[0]?.monque.setLimit('a', { concurrency: 2 });
    await instances[0]?.monque.setLimit('b', { concurrency: 2 });
    for (const [index, { monque }] of instances.entries()) {
      const limits = index % 2 === 0 ? ['a', 'b'] : ['b', 'a'];
      monque.worker('both', () => during(sleep(clock, 20)), { concurrency: 5, limits });
      monque.worker('one', () => sleep(clock, 20), { concurrency: 5, limits: limits.slice(1) });
      await monque.start();
    }
    await instances[0]?.monque.enqueueMany([...many('both', 60), ...many('one', 60)]);
    await clock.advance(30_000);
    expect(seen).toMatchObject({ now: 0, ended: 60 });
    expect(seen.most).toBeLessThanOrEqual(2);
    for (const { monque } of instances) await monque.stop();
  });

  test('and rate beside another of the same kind let all jobs run', async () => {
    const { monque, clock } = makeOne();
    const { seen, during } = gauge();
    const limit = { concurrency: 3, rate: { limit: 50, per: 1_000, burst: 5 } };
    await monque.setLimit('a', limit);
    await monque.setLimit('b', limit);
    monque.worker('both', () => during(sleep(clock, 20)), { concurrency: 9, limits: ['a', 'b'] });
    await monque.start();
    await monque.enqueueMany(many('both', 30));
    await clock.advance(5_000);
    expect(seen).toMatchObject({ now: 0, ended: 30 });
    expect(seen.most).toBeLessThanOrEqual(3);
    await monque.stop();
  });

  test('that is no multiple of the instances leaves none of them with nothing', async () => {
    const { clock, makeInstance } = makeWorld();
    const runs = [0, 0, 0, 0, 0];
    const instances = runs.map(() => makeInstance());
    await instances[0]?.monque.setLimit('api', { concurrency: 6 });
    for (const [index, { monque }] of instances.entries()) {
      const handler = async () => {
        runs[index] = Number(runs[index]) + 1;
        await sleep(clock, 20);
      };
      monque.worker('a', handler, { concurrency: 6, limits: ['api'] });
      await monque.start();
    }
    await instances[0]?.monque.enqueueMany(many('a', 400));
    await clock.advance(6_000);
    expect(Math.min(...runs)).toBeGreaterThan(10);
    for (const { monque } of instances) await monque.stop();
  });

  test('holds for jobs that are enqueued where they run', async () => {
    const { monque, clock } = makeOne();
    const { seen, during } = gauge();
    await monque.setLimit('api', { concurrency: 2 });
    monque.worker('a', () => during(sleep(clock, 30)), { concurrency: 9, limits: ['api'] });
    await monque.start();
    await clock.advance(100);
    for (let job = 0; job < 6; job += 1) await monque.enqueue('a');
    await clock.advance(3_000);
    expect(seen).toEqual({ now: 0, most: 2, ended: 6 });
    await monque.stop();
  });
});

describe('a limit of the rate', () => {
  test('lets a burst start, and then no more than the rate', async () => {
    const { monque, clock } = makeOne();
    const starts: number[] = [];
    const fromMs = clock.now();
    await monque.setLimit('api', { rate: { limit: 10, per: 1_000, burst: 5 } });
    monque.worker('a', () => void starts.push(clock.now() - fromMs), {
      ...{ concurrency: 20, limits: ['api'] },
    });
    await monque.start();
    await monque.enqueueMany(many('a', 50));
    await clock.advance(4_000);
    const within = (ms: number) => starts.filter((startMs) => startMs <= ms).length;
    for (let ms = 0; ms <= 4_000; ms += 100) {
      expect(within(ms)).toBeLessThanOrEqual(ms / 100 + 5);
    }
    expect(within(4_000)).toBeGreaterThan(30);
    await clock.advance(6_000);
    expect(starts).toHaveLength(50);
    await monque.stop();
  });

  test('backs off for as long as a handler says, in all processes', async () => {
    const { clock, makeInstance } = makeWorld();
    const [one, two] = [makeInstance(), makeInstance()];
    const starts: number[] = [];
    await one.monque.setLimit('api', { concurrency: 5 });
    for (const { monque } of [one, two]) {
      const options = { concurrency: 1, limits: ['api'] };
      monque.worker(
        'a',
        async (_job, { backOff }) => {
          starts.push(clock.now());
          if (starts.length === 1) await backOff('api', 30_000);
          await sleep(clock, 10);
        },
        options,
      );
      await monque.start();
    }
    await one.monque.enqueueMany(many('a', 20));
    await clock.advance(60_000);
    const [first = 0] = starts;
    const between = starts.filter((ms) => ms > first + 2_000 && ms < first + 30_000);
    expect(between).toEqual([]);
    expect(starts).toHaveLength(20);
    for (const { monque } of [one, two]) await monque.stop();
  });

  test('and another limit hold together', async () => {
    const { monque, clock } = makeOne();
    const { seen, during } = gauge();
    await monque.setLimit('slow', { rate: { limit: 100, per: 1_000 } });
    await monque.setLimit('few', { concurrency: 2 });
    monque.worker('a', () => during(sleep(clock, 100)), {
      ...{ concurrency: 9, limits: ['slow', 'few'] },
    });
    await monque.start();
    await monque.enqueueMany(many('a', 20));
    await clock.advance(3_000);
    expect(seen).toEqual({ now: 0, most: 2, ended: 20 });
    await monque.stop();
  });
});

describe('a limit that cannot be', () => {
  test('is refused before anything is sent, with the field', async () => {
    const { monque, faulty } = makeOne();
    const bad: readonly (readonly [string, object, string])[] = [
      ['', {}, 'key'],
      ['worker:a', {}, 'key'],
      ['a', { concurrency: -1 }, 'limit.concurrency'],
      ['a', { concurrency: 1.5 }, 'limit.concurrency'],
      ['a', { rate: { limit: 1 } }, 'limit.rate.per'],
      ['a', { rate: { limit: 0, per: 1 } }, 'limit.rate.limit'],
      ['a', { rate: { limit: 11, per: 1 } }, 'limit.rate'],
      ['a', { rate: { limit: 1, per: 1, burst: 0 } }, 'limit.rate.burst'],
      ['a', { concurency: 1 }, 'limit'],
    ];
    for (const [key, limit, field] of bad) {
      await expect(monque.setLimit(key, limit)).rejects.toMatchObject({
        ...{ name: 'InvalidArgumentError', field },
      });
    }
    for (const limits of ['api', [''], ['a', 'a'], ['worker:a'], Array(21).fill('a')]) {
      const options = { limits } as { limits: string[] };
      expect(() => monque.worker('a', () => undefined, options)).toThrow(InvalidArgumentError);
    }
    for (const verb of LEDGER_VERBS) expect(faulty.calls(verb)).toBe(0);
  });

  test('is reported at the start when a worker names one that was not set', async () => {
    const { monque } = makeOne();
    monque.worker('a', () => undefined, { limits: ['api'] });
    await expect(monque.start()).rejects.toMatchObject({
      ...{ name: 'InvalidArgumentError', field: 'options.limits' },
    });
    await monque.setLimit('api', { concurrency: 1 });
    await monque.start();
    await monque.stop();
  });

  test('lets a start that is refused for it write none of the limits of workers', async () => {
    const { monque, faulty } = makeOne();
    monque.worker('a', () => undefined, { limit: { concurrency: 1 } });
    monque.worker('b', () => undefined, { limit: { concurrency: 2 }, limits: ['api'] });
    await expect(monque.start()).rejects.toMatchObject({ field: 'options.limits' });
    expect(faulty.calls('setLimit')).toBe(0);
    expect(await monque.limits()).toEqual([]);
    await monque.setLimit('api', { concurrency: 1 });
    await monque.start();
    const keys = (await monque.limits()).map(({ key }) => key);
    expect(keys).toEqual(['api', 'worker:a', 'worker:b']);
    await monque.stop();
  });

  test('keeps workers that are added later from nothing that others say, and is reported', async () => {
    const { monque, clock, events } = makeOne();
    let runs = 0;
    const handler = () => {
      runs += 1;
    };
    await monque.start();
    monque.worker('a', handler, { limit: { concurrency: 1 }, limits: ['api'] });
    await clock.advance(100);
    const errors = events.filter(({ name }) => name === 'job:error');
    expect(errors).toMatchObject([{ payload: { error: { field: 'options.limits' } } }]);
    monque.worker('b', handler, { limit: { concurrency: 1 } });
    await clock.advance(100);
    expect((await monque.limits()).map(({ key }) => key)).toEqual(['worker:a', 'worker:b']);
    await monque.enqueueMany([...many('a', 2), ...many('b', 2)]);
    await clock.advance(5_000);
    expect(runs).toBe(2);
    await monque.setLimit('api', { concurrency: 1 });
    await clock.advance(5_000);
    expect(runs).toBe(4);
    await monque.stop();
  });

  test('cannot be backed off from', async () => {
    const { monque, clock } = makeOne();
    const errors: unknown[] = [];
    monque.worker('a', async (_job, { backOff }) => {
      for (const [key, ms] of [
        ['api', 5],
        ['api', 0],
        ['', 5],
      ] as const) {
        errors.push(await backOff(key, ms).catch(({ field }) => field));
      }
    });
    await monque.start();
    await monque.enqueue('a');
    await clock.advance(1_000);
    expect(errors).toEqual(['limit', 'ms', 'limit']);
    await monque.stop();
  });
});
