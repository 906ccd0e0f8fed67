import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, type Job, Monque } from '../../src/index.ts';
import type { WorkerGroups } from '../../src/types-api.ts';
import { type Deferred, deferred, makeWorld } from './kit.ts';

const ends = (monque: Monque, jobs: readonly Job[]): Promise<unknown> =>
  Promise.all(jobs.map((job) => monque.waitFor(job, { timeout: 20_000 })));

/** A scheduler in memory whose handlers run until they are let go. */
async function held(groups: WorkerGroups, concurrency = 10) {
  const running: Job[] = [];
  const gates: Deferred<void>[] = [];
  const monque = Monque.inMemory({ pollInterval: 1_000 });
  const handler = async (job: Job): Promise<void> => {
    running.push(job);
    const gate = deferred<void>();
    gates.push(gate);
    await gate.promise;
    running.splice(running.indexOf(job), 1);
  };
  monque.worker('sync', handler, { concurrency, groups });
  const put = (...keys: readonly string[]): Promise<Job[]> =>
    Promise.all(keys.map((group) => monque.enqueue('sync', 1, { group })));
  const letGo = (): void => {
    for (const gate of gates.splice(0)) gate.resolve();
  };
  return { monque, running, put, letGo, groups: () => running.map(({ group }) => group).sort() };
}

const until = async (holds: () => boolean): Promise<void> => {
  await expect.poll(holds, { timeout: 10_000 }).toBe(true);
};

describe('jobs with a group', () => {
  test('take turns with those of other groups, whoever came first', async () => {
    const started: string[] = [];
    const monque = Monque.inMemory({ claimOnEnqueue: true });
    const noisy = Array.from({ length: 3_000 }, () => 'noisy');
    const small = Array.from({ length: 20 * 50 }, (_, index) => `small ${index % 50}`);
    const entries = [...noisy, ...small].map((group) => ({ name: 'sync', options: { group } }));
    await monque.enqueueMany(entries);
    monque.worker('sync', (job) => void started.push(job.group ?? ''), {
      ...{ concurrency: 50, groups: {} },
    });
    await monque.start();
    await until(() => started.length === entries.length);
    await monque.stop();
    const lastOfSmall = started.findLastIndex((group) => group !== 'noisy');
    const before = started.slice(0, lastOfSmall).filter((group) => group === 'noisy');
    expect(before.length).toBeLessThanOrEqual(60);
  });

  test('run no more at once of each group than the worker says, or what is set for it', async () => {
    const { monque, put, letGo, groups, running } = await held({ concurrency: 2 });
    await monque.setGroup('sync', 'b', { concurrency: 1 });
    await monque.start();
    const jobs = await put('a', 'a', 'a', 'b', 'b', 'c');
    await until(() => running.length === 4);
    expect(groups()).toEqual(['a', 'a', 'b', 'c']);
    await monque.setGroup('sync', 'b', { concurrency: null });
    await until(() => running.length === 5);
    letGo();
    await until(() => running.length === 1);
    letGo();
    await ends(monque, jobs);
    await monque.stop();
  });

  test('wait while their group is paused, or full, or started enough, and say so', async () => {
    const { monque, put, letGo, running } = await held({ concurrency: 1 });
    await monque.setGroup('sync', 'b', { paused: true });
    const rate = { limit: 1, per: 3_600_000 };
    await monque.setGroup('sync', 'c', { concurrency: 9, rate }, { reason: 'their quota' });
    await monque.start();
    await put('a', 'c');
    await until(() => running.length === 2);
    const [a, b, c] = (await put('a', 'b', 'c')) as [Job, Job, Job];
    const holder = running.find(({ group }) => group === 'a') as Job;
    const full = await monque.explain(a._id);
    expect(full).toMatchObject({
      reason: 'groupFull',
      details: { group: 'a', concurrency: 1, running: 1, holders: [holder._id] },
      message: `Its group 'a' runs 1 of the 1 jobs that it may run at once, such as ${holder._id.toHexString()}`,
    });
    expect(await monque.explain(b._id)).toMatchObject({
      reason: 'groupPaused',
      details: { group: 'b' },
      message: "Its group 'b' is paused; setGroup('sync', 'b', { paused: false }) ends that",
    });
    expect(await monque.explain(c._id)).toMatchObject({
      reason: 'groupRate',
      details: { group: 'c', inMs: expect.closeTo(3_600_000, -5) },
    });
    const { fullestGroups, groupsAreCut } = await monque.inspect();
    expect(groupsAreCut).toBe(false);
    expect(
      fullestGroups
        .map(({ name, group, waiting, running: runs, paused }) => {
          return [name, group, waiting, runs, paused];
        })
        .sort(),
    ).toEqual([
      ['sync', 'a', 1, 1, false],
      ['sync', 'b', 1, 0, true],
      ['sync', 'c', 1, 1, false],
    ]);
    await monque.setGroup('sync', 'b', { paused: false });
    await until(() => running.length === 3);
    letGo();
    await ends(monque, [b]);
    await until(() => running.length === 1);
    letGo();
    await ends(monque, [a]);
    await monque.stop();
  });

  test('wait in a group that may run none, without a holder to name', async () => {
    const { monque, put } = await held({});
    await monque.setGroup('sync', 'none', { concurrency: 0 });
    await monque.start();
    const [job] = (await put('none')) as [Job];
    expect(await monque.explain(job._id)).toMatchObject({
      reason: 'groupFull',
      details: { group: 'none', concurrency: 0, running: 0, holders: [] },
      message:
        "Its group 'none' lets no job start; setGroup('sync', 'none', …) with a higher concurrency ends that",
    });
    await monque.stop();
  });

  test('are shown as the fullest of those looked at, where not all groups or names were', async () => {
    const { monque } = await held({});
    for (let names = 2; names <= 10; names += 1) {
      monque.worker(`other ${names}`, () => undefined, { groups: {} });
    }
    await monque.pause('sync');
    await monque.start();
    const putGroups = (from: number, to: number): Promise<unknown> =>
      monque.enqueueMany(
        Array.from({ length: to - from }, (_, index) => ({
          ...{ name: 'sync', options: { group: `group ${from + index}` } },
        })),
      );
    await putGroups(0, 100);
    expect(await monque.inspect()).toMatchObject({ groupsAreCut: false });
    await putGroups(100, 101);
    const cut = await monque.inspect();
    expect([cut.groupsAreCut, cut.fullestGroups.length]).toEqual([true, 20]);
    await monque.deleteJobs({ group: 'group 0' });
    expect(await monque.inspect()).toMatchObject({ groupsAreCut: false });
    monque.worker('other 11', () => undefined, { groups: {} });
    expect(await monque.inspect()).toMatchObject({ groupsAreCut: true });
    await monque.stop();
  });

  test('start when their rate allows it, though nothing else happens', async () => {
    const world = makeWorld();
    const { monque } = world.makeInstance({ pollInterval: 30_000 });
    const starts: number[] = [];
    monque.worker('sync', () => void starts.push(world.clock.now()), {
      groups: { rate: { limit: 1, per: 700 } },
    });
    await monque.start();
    await monque.enqueueMany([1, 2, 3].map(() => ({ name: 'sync', options: { group: 'a' } })));
    await world.clock.advance(2_000);
    expect(starts).toHaveLength(3);
    for (const [index, start] of starts.slice(1).entries()) {
      expect(start - (starts[index] as number)).toBeGreaterThanOrEqual(690);
    }
    await monque.stop();
  });

  test('go before others of their group by priority, and are found by their group', async () => {
    const started: unknown[] = [];
    const monque = Monque.inMemory();
    const jobs = [
      await monque.enqueue('sync', 'later', { group: 'a', priority: 1 }),
      await monque.enqueue('sync', 'first', { group: 'a', priority: -1 }),
      await monque.enqueue('sync', 'plain'),
    ];
    expect(jobs[1]).toMatchObject({ group: 'a', priority: 101, rank: -1 });
    expect((await monque.getJobs({ group: 'a' })).map(({ data }) => data).sort()).toEqual([
      'first',
      'later',
    ]);
    monque.worker('sync', ({ data }) => void started.push(data), { concurrency: 1, groups: {} });
    await monque.start();
    await ends(monque, jobs);
    await monque.stop();
    const grouped = started.filter((data) => data !== 'plain');
    expect(grouped).toEqual(['first', 'later']);
  });

  test('are changed by another enqueue with their key, and stay in their group', async () => {
    const monque = Monque.inMemory();
    const options = { uniqueKey: 'k', whenTaken: 'replace' } as const;
    await monque.enqueue('sync', 1, { ...options, group: 'a' });
    const replaced = await monque.enqueue('sync', 2, { ...options, group: 'b', priority: 7 });
    expect(replaced).toMatchObject({ data: 2, group: 'a', priority: 101, rank: 7, fence: 1 });
    await monque.stop();
  });

  test('are never born claimed, and none of their name is while one of them waits', async () => {
    const { monque, put, letGo, running } = await held({ concurrency: 1 }, 2);
    await monque.start();
    const jobs = await put('a', 'a');
    await until(() => running.length === 1);
    const plain = await monque.enqueue('sync', 2);
    await until(() => running.length === 2);
    letGo();
    await ends(monque, [jobs[0] as Job, plain]);
    letGo();
    await until(() => running.length === 1);
    letGo();
    await ends(monque, jobs);
    await monque.stop();
  });

  test('are listed by page with what holds for them', async () => {
    const monque = Monque.inMemory();
    await monque.enqueueMany(
      ['a', 'b', 'a', 'c'].map((group) => ({ name: 'sync', options: { group } })),
    );
    await monque.setGroup('sync', 'd', { weight: 4, rate: { limit: 2, per: 10 } });
    const all = await monque.groups('sync');
    expect(all.map(({ group }) => group).sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(all.find(({ group }) => group === 'd')).toEqual({
      ...{ group: 'd', waiting: 0, running: 0, holders: [], paused: false, weight: 4 },
      rate: { limit: 2, perMs: 10, burst: 2 },
    });
    const first = await monque.groups('sync', { limit: 3 });
    const rest = await monque.groups('sync', { after: first.at(-1)?.group ?? '' });
    expect([...first, ...rest]).toEqual(all);
    await monque.setGroup('sync', 'd', { rate: null, weight: null });
    expect(await monque.groups('sync', { after: 'no such group', limit: 1 })).toHaveLength(1);
    await monque.stop();
  });

  test('of a worker that is added to a running scheduler keep its limits too', async () => {
    const monque = Monque.inMemory();
    monque.worker('other', () => undefined);
    await monque.start();
    monque.worker('sync', () => undefined, { groups: { concurrency: 3, weight: 5 } });
    await ends(monque, [await monque.enqueue('sync', 1, { group: 'a' })]);
    expect(await monque.groups('sync')).toMatchObject([{ group: 'a', concurrency: 3, weight: 5 }]);
    await monque.setGroup('sync', 'a', { weight: 2 });
    expect(await monque.groups('sync')).toMatchObject([{ group: 'a', concurrency: 3, weight: 2 }]);
    await monque.stop();
  });
});

describe('what is refused of groups before anything is sent', () => {
  const monque = Monque.inMemory();
  monque.worker('plain', () => undefined);

  test.each([
    ['sync', { group: '' }, 'options.group'],
    ['sync', { group: 'x'.repeat(257) }, 'options.group'],
    ['sync', { group: '\ud800' }, 'options.group'],
    ['sync', { group: 7 as never }, 'options.group'],
    ['sync', { group: 'a', order: 'b' }, 'options.group'],
    ['plain', { group: 'a' }, 'options.group'],
  ])('by an enqueue of %s: %j', async (name, options, field) => {
    const error = await monque.enqueue(name, 1, options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ field });
  });

  test.each([
    ['', 'a', {}, 'name'],
    ['sync', '', {}, 'group'],
    ['sync', 'a', { concurrency: -1 }, 'settings.concurrency'],
    ['sync', 'a', { rate: { limit: 1 } as never }, 'settings.rate.per'],
    ['sync', 'a', { weight: 0 }, 'settings.weight'],
    ['sync', 'a', { paused: 1 as never }, 'settings.paused'],
    ['sync', 'a', { other: 1 } as never, 'settings'],
  ])('by setGroup: %s %s %j', async (name, group, settings, field) => {
    const error = await monque.setGroup(name, group, settings).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ field });
  });

  test.each([
    ['', {}, 'name'],
    ['sync', { after: '' }, 'options.after'],
    ['sync', { limit: 0 }, 'options.limit'],
  ])('of a page of groups: %s %j', async (name, options, field) => {
    const error = await monque.groups(name, options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ field });
  });

  test.each([
    [{ concurrency: 1.5 }],
    [{ rate: { limit: 0, per: 1 } }],
    [{ weight: 1_001 }],
    [{ other: 1 } as never],
  ])('of a worker: %j', (groups) => {
    expect(() => monque.worker('other', () => undefined, { groups })).toThrow(InvalidArgumentError);
  });
});
