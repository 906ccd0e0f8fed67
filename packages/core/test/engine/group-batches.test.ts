import { describe, expect, test } from 'vitest';
import type { Job, MonqueOptions } from '../../src/index.ts';
import type { WorkerGroups } from '../../src/types-api.ts';
import { type Deferred, deferred, makeOne } from './kit.ts';

interface Given {
  readonly size?: number;
  readonly wait?: number;
  readonly concurrency?: number;
  readonly groups?: WorkerGroups;
  /** When each batch ends; at once when left out. */
  readonly until?: Deferred<void>;
}

/** A scheduler with a worker that runs batches of one group each, which are noted down as `a a` or `-` for one without. */
async function batching(given: Given = {}, options: MonqueOptions = {}) {
  const one = makeOne(options);
  const { size = 10, wait = 100, concurrency = 5, groups = {}, until } = given;
  const batches: string[] = [];
  const batch = (jobs: readonly Job[]): unknown => {
    batches.push(jobs.map(({ group = '-' }) => group).join(' '));
    return until?.promise;
  };
  one.monque.worker('index', { batch, size, wait, by: 'group' }, { groups, concurrency });
  await one.monque.start();
  /** One job of each of these groups, `-` for none. */
  const put = async (groupsOfJobs: string): Promise<void> => {
    const entries = groupsOfJobs.split(' ').map((group) => {
      return { name: 'index', ...(group !== '-' && { options: { group } }) };
    });
    await one.monque.enqueueMany(entries);
  };
  const count = async (status: Job['status']): Promise<number> =>
    (await one.monque.countJobs({ name: 'index', status })).count;
  return { ...one, batches, put, count };
}

describe('a batch by group', () => {
  test('has jobs of one group alone, and those without one make batches of their own', async () => {
    const { monque, clock, batches, put, count } = await batching();
    await put('a b - a b - a');
    await clock.advance(1_000);
    expect([...batches].sort()).toEqual(['- -', 'a a a', 'b b']);
    expect(await count('completed')).toBe(7);
    await monque.stop();
  });

  test('waits from the first job of its group on, and goes before others when it is full', async () => {
    const { monque, clock, batches, put } = await batching({ size: 3, wait: 5_000 });
    await put('a');
    await clock.advance(3_000);
    await put('b -');
    await clock.advance(1_000);
    await put('a c c c');
    await clock.advance(500);
    expect(batches).toEqual(['c c c']);
    await clock.advance(700);
    expect(batches).toEqual(['c c c', 'a a']);
    await clock.advance(2_500);
    expect(batches).toHaveLength(2);
    await clock.advance(800);
    expect([...batches].sort()).toEqual(['-', 'a a', 'b', 'c c c']);
    await monque.stop();
  });

  test('grows in the place that it keeps, where the process has no other; those of other groups wait', async () => {
    const options = { instanceConcurrency: 2 };
    const given = { size: 3, wait: 5_000 };
    const { monque, clock, batches, put, count } = await batching(given, options);
    await put('a');
    await put('-');
    await clock.advance(500);
    await put('a a b b b - -');
    await clock.advance(500);
    expect([...batches].sort()).toEqual(['- - -', 'a a a', 'b b b']);
    await put('c');
    await put('d');
    await clock.advance(500);
    await put('e e e');
    await clock.advance(500);
    expect(batches).toHaveLength(3);
    expect(await count('pending')).toBe(3);
    await monque.stop();
  });

  test.each([
    ['places of the process', { size: 100 }, { instanceConcurrency: 4 }],
    ['jobs that one claim may bring', { size: 1_000 }, {}],
  ])('that gathers takes none of the %s from other groups', async (_, given, options) => {
    const asked = { ...given, wait: 60_000, concurrency: 5 };
    const { monque, clock, put, count } = await batching(asked, options);
    for (const [index, group] of ['a', 'b', 'c', 'd'].entries()) {
      await put(group);
      await clock.advance(500);
      expect(await count('processing')).toBe(index + 1);
    }
    await monque.stop();
  });

  test('is what a group gets at each of its turns', async () => {
    const { monque, clock, batches, put } = await batching({ size: 3, concurrency: 1 });
    await monque.pause('index');
    await put('a a a a a a a a a b b b c c c');
    await clock.advance(1_000);
    await monque.resume('index');
    await clock.advance(2_000);
    expect(batches).toHaveLength(5);
    expect([...batches.slice(0, 3)].sort()).toEqual(['a a a', 'b b b', 'c c c']);
    expect(batches.slice(3)).toEqual(['a a a', 'a a a']);
    await monque.stop();
  });

  test('keeps a place while it gathers, so that no group waits here that could start elsewhere', async () => {
    const { monque, clock, put, batches, count } = await batching({ concurrency: 2, wait: 1_000 });
    await put('a b c d e f');
    await clock.advance(900);
    expect(await count('processing')).toBe(2);
    expect(batches).toEqual([]);
    await clock.advance(5_000);
    expect(batches).toHaveLength(6);
    await monque.stop();
  });

  test('gets more of its group, and none of another, where all places gather', async () => {
    const { monque, clock, put, batches, faulty } = await batching({
      ...{ concurrency: 1, wait: 5_000, size: 4 },
    });
    await put('a');
    await clock.advance(500);
    await put('b b b b b b b b a');
    await clock.advance(500);
    await put('a');
    await clock.advance(1_000);
    const before = faulty.calls('claimGroups');
    await clock.advance(2_500);
    // Nobody asks again and again for what is not there.
    expect(faulty.calls('claimGroups') - before).toBeLessThan(20);
    expect(batches).toEqual([]);
    await clock.advance(700);
    expect(batches).toEqual(['a a a', 'b b b b', 'b b b b']);
    await monque.stop();
  });

  test('leaves its place to the next group as soon as it ends', async () => {
    const { monque, clock, put, batches } = await batching(
      { concurrency: 1, wait: 200 },
      { pollInterval: 60_000 },
    );
    await put('a b c d');
    await clock.advance(1_500);
    expect([...batches].sort()).toEqual(['a', 'b', 'c', 'd']);
    await monque.stop();
  });

  test('that finds no more jobs of its group does not keep those of others from a place that gets free', async () => {
    const until = deferred();
    const { monque, clock, put, batches } = await batching(
      { concurrency: 2, wait: 2_000, until },
      { pollInterval: 60_000 },
    );
    await put('-');
    await clock.advance(2_500);
    await put('a');
    await clock.advance(100);
    await put('b b b b b b b b b b');
    await clock.advance(500);
    expect(batches).toEqual(['-']);
    until.resolve();
    await clock.advance(500);
    expect(batches).toEqual(['-', 'b b b b b b b b b b']);
    await monque.stop();
  });

  test('has no more jobs than its group may run at once', async () => {
    const until = deferred();
    const { monque, clock, put, batches, count } = await batching({
      ...{ groups: { concurrency: 2 }, until },
    });
    await put('a a a a a b');
    await clock.advance(1_000);
    expect([...batches].sort()).toEqual(['a a', 'b']);
    expect(await count('pending')).toBe(3);
    until.resolve();
    await clock.advance(5_000);
    expect([...batches].sort()).toEqual(['a', 'a a', 'a a', 'b']);
    await monque.stop();
  });

  test('goes on filling when a job of its group has ended and another may start', async () => {
    const { monque, clock, put, batches } = await batching({
      ...{ concurrency: 1, wait: 2_000, groups: { concurrency: 2 } },
    });
    await put('a');
    await clock.advance(100);
    await put('a a');
    await clock.advance(2_500);
    expect(batches).toEqual(['a a']);
    await clock.advance(2_500);
    expect(batches).toEqual(['a a', 'a']);
    await monque.stop();
  });
});
