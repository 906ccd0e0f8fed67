import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/index.ts';
import { InvalidArgumentError } from '../../src/index.ts';
import { MANUAL_CLOCK_START } from '../../src/testing/index.ts';
import { makeOne } from './kit.ts';

function at(ms: number): Date {
  return new Date(MANUAL_CLOCK_START.getTime() + ms);
}

describe('getJobs', () => {
  test('lists by due time, at most 100 unless a limit says otherwise', async () => {
    const { monque } = makeOne();
    await monque.enqueueMany(
      Array.from({ length: 120 }, (_, index) => ({
        name: 'work',
        data: index,
        options: { runAt: at(1_000 - index) },
      })),
    );
    const jobs = await monque.getJobs();
    expect(jobs).toHaveLength(100);
    expect(jobs[0]?.data).toBe(119);
    expect(await monque.getJobs({ limit: 1_000 })).toHaveLength(120);
    expect((await monque.getJobs({ limit: 2, skip: 3 })).map(({ data }) => data)).toEqual([
      116, 115,
    ]);
  });

  test('filters by names, states, unique key and creation', async () => {
    const { monque, clock } = makeOne();
    const a = await monque.enqueue('a', 1, { uniqueKey: 'k' });
    await clock.advance(1_000);
    const b = await monque.enqueue('b', 2);
    await monque.cancelJob(b._id);
    const ids = (jobs: readonly Job[]) => jobs.map(({ data }) => data);
    expect(ids(await monque.getJobs({ name: 'a' }))).toEqual([1]);
    expect(ids(await monque.getJobs({ name: ['a', 'b'] }))).toEqual([1, 2]);
    expect(ids(await monque.getJobs({ status: 'cancelled' }))).toEqual([2]);
    expect(ids(await monque.getJobs({ status: ['pending', 'failed'] }))).toEqual([1]);
    expect(ids(await monque.getJobs({ uniqueKey: 'k' }))).toEqual([1]);
    expect(ids(await monque.getJobs({ createdFrom: at(500) }))).toEqual([2]);
    expect(ids(await monque.getJobs({ createdBefore: at(500) }))).toEqual([1]);
    expect(a.uniqueKey).toBe('k');
  });

  test('and what else takes options refuses null by an error that names them', async () => {
    const { monque, faulty } = makeOne();
    const { _id } = await monque.enqueue('work');
    const none = null as never;
    const calls: readonly [string, () => Promise<unknown>][] = [
      ['options', () => monque.getJobs(none)],
      ['options', () => monque.getJobsWithCursor(none)],
      ['options', () => monque.cancelJob(_id, none)],
      ['options', () => monque.enqueue('work', 1, none)],
      ['options', () => monque.schedule('* * * * *', 'work', 1, none)],
      ['options', () => monque.unschedule('work', none)],
      ['options', () => monque.waitFor(_id, none)],
      ['options', async () => monque.worker('other', () => undefined, none)],
      ['filter', () => monque.getSchedules(none)],
      ['filter', () => monque.getQueueStats(none)],
      ['id', () => monque.waitFor(none)],
      ['id', () => monque.retryJob(none)],
      ['id', () => monque.rescheduleJob(none, new Date())],
      ['runAt', () => monque.rescheduleJob(_id, none)],
      ['entries', () => monque.enqueueMany(none)],
      ['name', () => monque.pause(none)],
    ];
    for (const [field, call] of calls) {
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(error, field).toBeInstanceOf(InvalidArgumentError);
      expect(error).toMatchObject({ field });
    }
    for (const verb of ['findJobs', 'getJob', 'amend', 'findSeries', 'readStats'] as const) {
      expect(faulty.calls(verb)).toBe(0);
    }
  });

  test('takes typed values only, never an operator', async () => {
    const { monque, faulty } = makeOne();
    const wrong: unknown[] = [
      { name: { $ne: 'a' } },
      { status: 'done' },
      { status: [] },
      { name: ['a', { $gt: '' }] },
      { limit: 0 },
      { limit: 1.5 },
      { skip: -1 },
      { $where: '1' },
      { archived: 'yes' },
      { createdFrom: '2020' },
    ];
    for (const options of wrong) {
      await expect(monque.getJobs(options as never)).rejects.toBeInstanceOf(InvalidArgumentError);
    }
    expect(faulty.calls('findJobs')).toBe(0);
  });
});

describe('getJobsWithCursor', () => {
  test('refuses a cursor of a list in another order or direction', async () => {
    const { monque, faulty } = makeOne();
    for (let index = 0; index < 3; index += 1) await monque.enqueue('work', index);
    const list = { orderBy: 'nextRunAt', direction: 'descending', limit: 1 } as const;
    const { nextCursor } = await monque.getJobsWithCursor(list);
    const { previousCursor, jobs } = await monque.getJobsWithCursor({
      ...list,
      cursor: String(nextCursor),
    });
    expect(jobs).toHaveLength(1);
    const reads = faulty.calls('findJobs');
    for (const cursor of [nextCursor, previousCursor].map(String)) {
      for (const other of [
        { direction: 'ascending' },
        { direction: undefined },
        { orderBy: 'createdAt' },
        { orderBy: undefined },
      ]) {
        const page = monque.getJobsWithCursor({ ...list, ...other, cursor } as never);
        await expect(page).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
          field: 'options.cursor',
        });
      }
    }
    expect(faulty.calls('findJobs')).toBe(reads);
  });

  test.each(['_id', 'createdAt', 'updatedAt', 'nextRunAt'] as const)(
    'pages by %s in both directions, forth and back',
    async (orderBy) => {
      const { monque, clock } = makeOne();
      for (let index = 0; index < 7; index += 1) {
        await monque.enqueue('work', index, { runAt: at(Math.floor(index / 3) * 1_000) });
        await clock.advance(index % 2);
      }
      for (const direction of ['ascending', 'descending'] as const) {
        const whole = await monque.getJobsWithCursor({ orderBy, direction });
        expect(whole).toMatchObject({ nextCursor: null, previousCursor: null });
        const expected = whole.jobs.map(({ data }) => data);
        expect(expected).toHaveLength(7);
        const first = await monque.getJobsWithCursor({ orderBy, direction, limit: 3 });
        expect(first.previousCursor).toBeNull();
        const second = await monque.getJobsWithCursor({
          orderBy,
          direction,
          limit: 3,
          cursor: String(first.nextCursor),
        });
        const third = await monque.getJobsWithCursor({
          orderBy,
          direction,
          limit: 3,
          cursor: String(second.nextCursor),
        });
        expect(third.nextCursor).toBeNull();
        const seen = [first, second, third].flatMap(({ jobs }) => jobs.map(({ data }) => data));
        expect(seen).toEqual(expected);
        const back = await monque.getJobsWithCursor({
          orderBy,
          direction,
          limit: 3,
          cursor: String(third.previousCursor),
        });
        expect(back.jobs).toEqual(second.jobs);
        const start = await monque.getJobsWithCursor({
          orderBy,
          direction,
          limit: 3,
          cursor: String(back.previousCursor),
        });
        expect(start.jobs).toEqual(first.jobs);
        expect(start.previousCursor).toBeNull();
      }
    },
  );

  test('neither hides nor repeats a job when others are added meanwhile', async () => {
    const { monque } = makeOne();
    for (let index = 0; index < 6; index += 1) {
      await monque.enqueue('work', index, { runAt: at(index * 1_000) });
    }
    const first = await monque.getJobsWithCursor({ orderBy: 'nextRunAt', limit: 3 });
    await monque.enqueue('work', 'early', { runAt: at(-5_000) });
    const second = await monque.getJobsWithCursor({
      orderBy: 'nextRunAt',
      cursor: String(first.nextCursor),
    });
    expect([...first.jobs, ...second.jobs].map(({ data }) => data)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('back to jobs that are gone by now is an empty page', async () => {
    const { monque } = makeOne();
    const jobs = [await monque.enqueue('a'), await monque.enqueue('a'), await monque.enqueue('a')];
    const first = await monque.getJobsWithCursor({ limit: 2 });
    const second = await monque.getJobsWithCursor({ limit: 2, cursor: String(first.nextCursor) });
    await monque.deleteJobs({ createdBefore: new Date(Number(jobs[2]?.createdAt) + 1) });
    expect(
      await monque.getJobsWithCursor({ limit: 2, cursor: String(second.previousCursor) }),
    ).toEqual({ jobs: [], nextCursor: null, previousCursor: null });
  });

  test('of no jobs has no cursors; a wrong cursor is refused', async () => {
    const { monque } = makeOne();
    expect(await monque.getJobsWithCursor()).toEqual({
      jobs: [],
      nextCursor: null,
      previousCursor: null,
    });
    await monque.enqueue('a');
    await monque.enqueue('a');
    const { nextCursor } = await monque.getJobsWithCursor({ limit: 1 });
    for (const options of [
      { cursor: 'nonsense' },
      { cursor: String(nextCursor), orderBy: 'createdAt' as const },
      { cursor: Buffer.from('createdAt on x 00').toString('base64url') },
    ]) {
      await expect(monque.getJobsWithCursor(options)).rejects.toMatchObject({
        field: 'options.cursor',
      });
    }
  });
});

describe('getBacklog', () => {
  test('counts what is due and what has failed, of names that wait or of those that are asked for', async () => {
    const { monque, clock } = makeOne();
    monque.worker('fails', () => Promise.reject(new Error('no')), { maxRetries: 1 });
    await monque.start();
    await monque.enqueueMany([{ name: 'waits' }, { name: 'waits' }, { name: 'fails' }]);
    await clock.advance(2_000);
    const waits = { name: 'waits', due: 2, dueIsCut: false, queueLagMs: 2_000 };
    const none = { failed: 0, failedIsCut: false };
    expect(await monque.getBacklog()).toEqual({
      ...{ at: new Date(clock.now()), names: [{ ...waits, ...none }], namesAreCut: false },
    });
    const { names } = await monque.getBacklog({ names: ['fails', 'waits'] });
    expect(names).toMatchObject([{ name: 'fails', due: 0, failed: 1 }, waits]);
    const wrong = await monque.getBacklog({ names: ['a', ''] }).catch((error: unknown) => error);
    expect(wrong).toMatchObject({ field: 'filter.names[1]' });
    for (const bad of ['a', Array.from({ length: 201 }, (_, index) => `${index}`)]) {
      const refused = monque.getBacklog({ names: bad as never });
      await expect(refused).rejects.toMatchObject({ field: 'filter.names' });
    }
    await monque.stop();
  });
});

describe('getQueueStats', () => {
  test('counts by state, with real waiting and running times', async () => {
    const { monque, clock } = makeOne({ maxRetries: 1 });
    monque.worker('work', async (job) => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, Number(job.data)));
      if (job.data === 3_000) throw new Error('no');
    });
    await monque.enqueueMany([1_000, 3_000].map((data) => ({ name: 'work', data })));
    await monque.enqueue('later', 0, { runAt: at(60_000) });
    await monque.enqueue('due');
    await clock.advance(2_000);
    await monque.start();
    await clock.advance(8_000);
    const stats = await monque.getQueueStats();
    expect(stats).toMatchObject({
      counts: { pending: 2, processing: 0, blocked: 0, completed: 1, failed: 1, cancelled: 0 },
      total: 4,
      due: 1,
      queueLagMs: 10_000,
      longestRunMs: expect.closeTo(3_000, -2),
    });
    expect(stats.meanWaitMs).toBeCloseTo(2_000, -2);
    expect(stats.meanRunMs).toBeCloseTo(2_000, -2);
    expect(await monque.getQueueStats({ name: 'none' })).toEqual({
      counts: { pending: 0, processing: 0, blocked: 0, completed: 0, failed: 0, cancelled: 0 },
      total: 0,
      due: 0,
      queueLagMs: 0,
      meanWaitMs: 0,
      meanRunMs: 0,
      longestRunMs: 0,
    });
    await monque.stop();
  });
});
