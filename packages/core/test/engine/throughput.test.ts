import { describe, expect, test } from 'vitest';
import { MOST_ROWS } from '../../src/context/throughput-recorder.ts';
import { discard, JobStatus, Monque, snooze } from '../../src/index.ts';
import { MemoryThroughput, MOST_MINUTES } from '../../src/ledger/memory/throughput/throughput.ts';
import { addCounts, NO_COUNTS } from '../../src/ledger/throughput-sums.ts';
import { ManualClock } from '../../src/testing/index.ts';
import type { ThroughputPoint } from '../../src/types-api.ts';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';

const MINUTE_MS = 60_000;
const KEPT = { throughputHistory: 86_400_000 } as const;

function together(points: readonly ThroughputPoint[]): ReturnType<typeof addCounts> {
  return points.map(({ at: _, name: __, ...counts }) => counts).reduce(addCounts, NO_COUNTS);
}

test('a history of throughput is kept for an hour to a year, or not at all', () => {
  const throughputHistories = [false, 3_600_000, 366 * 86_400_000, 60_000, true];
  const refused = throughputHistories.filter((throughputHistory) => {
    try {
      Monque.inMemory({ throughputHistory: throughputHistory as number });
      return false;
    } catch (error) {
      expect(error).toMatchObject({ field: 'options.throughputHistory' });
      return true;
    }
  });
  expect(refused).toEqual([366 * 86_400_000, 60_000, true]);
});

describe('what happens is counted by minute for all processes', () => {
  test('with how runs ended, how long they waited and how long they took', async () => {
    const { clock, makeInstance } = makeWorld();
    const [{ monque }, { monque: other }] = [makeInstance(KEPT), makeInstance(KEPT)];
    const options = { maxRetries: 2, backoff: { type: 'fixed', delay: 10 } } as const;
    const slow = deferred();
    monque.worker('fine', () => slow.promise, { concurrency: 1 });
    monque.worker('hopeless', () => discard('never'));
    monque.worker('later', ({ fence }) => (fence === 1 ? snooze(5) : undefined));
    monque.worker('twice', () => Promise.reject(new Error('always')), options);
    await monque.start();
    await other.enqueueMany([{ name: 'fine' }, { name: 'fine' }, { name: 'later' }]);
    await monque.enqueueMany([{ name: 'hopeless' }, { name: 'twice' }]);
    await clock.advance(2_500);
    slow.resolve();
    await clock.advance(2 * MINUTE_MS);
    await other.stop();
    const found = await monque.getThroughput({ perName: true });
    const { points, stepMs, from, at, isCut, isRecorded } = found;
    const of = (name: string) => together(points.filter((point) => point.name === name));
    expect(of('fine')).toMatchObject({ enqueued: 2, started: 2, ended: 2, completed: 2 });
    expect(of('fine').longestRunMs).toBeGreaterThanOrEqual(1_000);
    expect(of('fine').runMs).toBeGreaterThanOrEqual(of('fine').longestRunMs);
    expect(of('fine').longestWaitMs).toBeGreaterThanOrEqual(1_000);
    expect(of('fine').waitMs).toBeGreaterThanOrEqual(of('fine').longestWaitMs);
    expect(of('hopeless')).toMatchObject({ enqueued: 1, failed: 1, retried: 0 });
    expect(of('later')).toMatchObject({ started: 2, others: 1, completed: 1 });
    expect(of('twice')).toMatchObject({ enqueued: 1, failed: 1, retried: 1 });
    expect({ stepMs, isCut, isRecorded }).toEqual({
      ...{ stepMs: MINUTE_MS, isCut: false, isRecorded: true },
    });
    expect(from.getTime() % MINUTE_MS).toBe(0);
    expect(points.every((point) => point.at >= from && point.at <= at)).toBe(true);
    const all = await monque.getThroughput({ step: 3_600_000, from: new Date(from) });
    expect(together(all.points)).toEqual(together(points));
    expect(all.points.every(({ name }) => name === undefined)).toBe(true);
    const some = await monque.getThroughput({ name: ['twice', 'none'] });
    expect(together(some.points)).toMatchObject({ enqueued: 1 });
    expect(together((await monque.getThroughput({ name: 'fine' })).points).enqueued).toBe(2);
    await monque.stop();
  });

  test('a run that is cancelled counts as cancelled', async () => {
    const { monque, clock } = makeOne(KEPT);
    monque.worker('long', (_, { signal }) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    });
    await monque.start();
    const { _id } = await monque.enqueue('long');
    await clock.advance(10);
    await monque.cancelJob(_id);
    await clock.advance(1_000);
    expect((await monque.getJob(_id))?.status).toBe(JobStatus.CANCELLED);
    await monque.stop();
    expect(together((await monque.getThroughput()).points)).toMatchObject({
      ...{ cancelled: 1, completed: 0, failed: 0, others: 0 },
    });
  });

  test('with one call a minute, and none while nothing happens', async () => {
    const { monque, clock, faulty } = makeOne(KEPT);
    monque.worker('fine', () => undefined);
    await monque.start();
    await clock.advance(10 * MINUTE_MS);
    expect(faulty.calls('addThroughput')).toBe(0);
    for (let minute = 0; minute < 10; minute += 1) {
      for (let count = 0; count < 3; count += 1) {
        await monque.enqueue('fine');
        await clock.advance(20_000);
      }
    }
    const calls = faulty.calls('addThroughput');
    expect(calls).toBeGreaterThanOrEqual(9);
    expect(calls).toBeLessThanOrEqual(11);
    await clock.advance(10 * MINUTE_MS);
    const atRest = faulty.calls('addThroughput');
    expect(atRest).toBeLessThanOrEqual(calls + 1);
    await clock.advance(10 * MINUTE_MS);
    expect(faulty.calls('addThroughput')).toBe(atRest);
    const { points } = await monque.getThroughput({ from: new Date(0), step: 86_400_000 });
    expect(together(points)).toMatchObject({ enqueued: 30, completed: 30 });
    await monque.stop();
    expect(faulty.calls('addThroughput')).toBe(atRest);
  });

  test('of a process that was not started when it stores the next job, and when it stops', async () => {
    const { monque, clock, faulty } = makeOne(KEPT);
    await monque.enqueue('a');
    await clock.advance(5 * MINUTE_MS);
    expect(faulty.calls('addThroughput')).toBe(0);
    await monque.enqueue('a');
    await clock.advance(1);
    expect(faulty.calls('addThroughput')).toBe(1);
    await monque.enqueue('a');
    await monque.stop();
    expect(faulty.calls('addThroughput')).toBe(2);
    const { points } = await monque.getThroughput();
    expect(points.map(({ enqueued }) => enqueued)).toEqual([1, 2]);
    await monque.stop();
  });

  test('by one name where there are too many', async () => {
    const { monque } = makeOne(KEPT);
    const names = Array.from({ length: MOST_ROWS + 2 }, (_, index) => `job-${index}`);
    await monque.enqueueMany([...names, ...names.slice(-2)].map((name) => ({ name })));
    await monque.stop();
    const { points } = await monque.getThroughput({ perName: true });
    expect(points).toHaveLength(MOST_ROWS + 1);
    expect(points.filter(({ name }) => name === '(other)')).toMatchObject([{ enqueued: 4 }]);
    expect(together(points).enqueued).toBe(MOST_ROWS + 4);
  });

  test('and what could not be added is reported and lost, and nothing else is', async () => {
    const { monque, clock, faulty, events } = makeOne(KEPT);
    await monque.start();
    await monque.enqueue('a');
    faulty.plan('addThroughput', { fail: 'before' });
    await clock.advance(3 * MINUTE_MS);
    const reported = payloads(events, 'job:error').map(({ error }) => error.message);
    expect(reported.filter((message) => message.includes('addThroughput'))).toHaveLength(1);
    await monque.enqueue('a');
    await clock.advance(3 * MINUTE_MS);
    expect(together((await monque.getThroughput()).points).enqueued).toBe(1);
    await monque.stop();
  });

  test('only where that is asked for', async () => {
    const { monque, clock, faulty } = makeOne();
    await monque.start();
    await monque.enqueue('a');
    await clock.advance(5 * MINUTE_MS);
    await monque.stop();
    expect(faulty.calls('addThroughput')).toBe(0);
    expect(await monque.getThroughput()).toMatchObject({ points: [], isRecorded: false });
  });
});

describe('getThroughput', () => {
  test('looks at the hour before a time, or at what lies between two', async () => {
    const { monque, ledger } = makeWorldOfMinutes();
    const row = (minute: number) => ({
      ...{ ...NO_COUNTS, enqueued: 1, name: 'a', at: new Date(minute * MINUTE_MS) },
    });
    await ledger.addThroughput({ rows: [0, 59, 60, 61].map(row), keptMs: 8e14 });
    const minutesOf = async (options: object): Promise<number[]> =>
      (await monque.getThroughput(options)).points.map(({ at }) => at.getTime() / MINUTE_MS);
    expect(await minutesOf({ before: new Date(61 * MINUTE_MS) })).toEqual([59, 60]);
    const range = { from: new Date(0.5 * MINUTE_MS), before: new Date(60 * MINUTE_MS) };
    expect(await minutesOf(range)).toEqual([0, 59]);
    expect(await minutesOf({ ...range, timeout: 1_000 })).toEqual([0, 59]);
  });

  test('says that there are more points than it gives', async () => {
    const { monque, ledger } = makeWorldOfMinutes();
    const rows = Array.from({ length: 10_001 }, (_, minute) => ({
      ...{ ...NO_COUNTS, enqueued: 1, name: 'a', at: new Date(minute * MINUTE_MS) },
    }));
    await ledger.addThroughput({ rows, keptMs: 8e14 });
    const { points, isCut } = await monque.getThroughput({ from: new Date(0) });
    expect({ length: points.length, isCut }).toEqual({ length: 10_000, isCut: true });
    expect(points[0]?.at).toEqual(new Date(0));
  });

  test.each([
    [{ step: 30_000 }, 'options.step'],
    [{ step: 90_000 }, 'options.step'],
    [{ step: 86_460_000 }, 'options.step'],
    [{ from: 5 }, 'options.from'],
    [{ before: 'now' }, 'options.before'],
    [{ from: new Date(2e12), before: new Date(1e12) }, 'options.before'],
    [{ name: '' }, 'options.name'],
    [{ name: [] }, 'options.name'],
    [{ perName: 1 }, 'options.perName'],
    [{ timeout: 0 }, 'options.timeout'],
    [{ until: 1 }, 'options'],
  ])('refuses %j', async (options, field) => {
    const { monque } = makeOne();
    await expect(monque.getThroughput(options as object)).rejects.toMatchObject({
      ...{ code: 'INVALID_ARGUMENT', field },
    });
  });

  test('of an actor is asked for by name', async () => {
    const asked: unknown[] = [];
    const { monque } = makeOne({
      access: {
        may: ({ verb, name }) => {
          asked.push([verb, name]);
          return name === 'a';
        },
      },
    });
    const anna = monque.as('anna');
    await anna.getThroughput({ name: 'a' });
    await expect(anna.getThroughput()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(asked).toEqual([
      ['readThroughput', 'a'],
      ['readThroughput', undefined],
    ]);
  });
});

describe('countJobs', () => {
  test('counts what a filter has, up to a limit, and says when there is more', async () => {
    const { monque } = makeOne();
    await monque.enqueueMany(['a', 'a', 'a', 'b'].map((name) => ({ name })));
    expect(await monque.countJobs({})).toEqual({ count: 4, isCut: false });
    expect(await monque.countJobs({ name: 'a' }, { limit: 2 })).toEqual({ count: 2, isCut: true });
    expect(await monque.countJobs({ name: 'a' }, { limit: 3 })).toEqual({ count: 3, isCut: false });
    const archived = { archived: true, timeout: 1_000 };
    expect(await monque.countJobs({}, archived)).toEqual({ count: 0, isCut: false });
  });

  test.each([
    [undefined, {}, 'filter'],
    [{ name: undefined }, {}, 'filter.name'],
    [{}, { limit: 0 }, 'options.limit'],
    [{}, { timeout: 0 }, 'options.timeout'],
    [{}, { archived: 1 }, 'options.archived'],
  ])('refuses %j with %j', async (filter, options, field) => {
    const { monque } = makeOne();
    await expect(monque.countJobs(filter as object, options as object)).rejects.toMatchObject({
      ...{ code: 'INVALID_ARGUMENT', field },
    });
  });

  test('of an actor is asked for by name', async () => {
    const { monque } = makeOne({ access: { may: ({ name }) => name === 'a' } });
    const anna = monque.as('anna');
    expect(await anna.countJobs({ name: 'a' })).toEqual({ count: 0, isCut: false });
    await expect(anna.countJobs({ name: ['a', 'b'] })).rejects.toMatchObject({
      ...{ code: 'ACCESS_DENIED' },
    });
    await expect(anna.countJobs({})).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });
});

describe('the minutes of a ledger in memory', () => {
  const rowAt = (at: Date, name = 'a') => ({ ...NO_COUNTS, enqueued: 1, name, at });
  const all = { from: new Date(0), before: new Date(8e15), stepMs: MINUTE_MS, limit: 1e6 };

  test('leave when their time is over', async () => {
    const clock = new ManualClock();
    const throughput = new MemoryThroughput(clock);
    const at = new Date(clock.now());
    await throughput.addThroughput({ rows: [rowAt(at)], keptMs: 3_600_000 });
    await clock.advance(3_599_000);
    await throughput.addThroughput({ rows: [], keptMs: 3_600_000 });
    expect(await throughput.readThroughput(all)).toHaveLength(1);
    await clock.advance(1_000);
    await throughput.addThroughput({ rows: [], keptMs: 3_600_000 });
    expect(await throughput.readThroughput(all)).toEqual([]);
  });

  test('are bounded: of too many the oldest leave', async () => {
    const clock = new ManualClock();
    const throughput = new MemoryThroughput(clock);
    const at = new Date(clock.now());
    const names = Array.from({ length: MOST_MINUTES + 2 }, (_, index) => `job-${index}`);
    const rows = names.map((name) => rowAt(at, name));
    await throughput.addThroughput({ rows, keptMs: 3_600_000 });
    const kept = await throughput.readThroughput({ ...all, perName: true });
    expect(kept).toHaveLength(MOST_MINUTES);
    expect(kept.map(({ name }) => name)).not.toContain('job-1');
  });
});

function makeWorldOfMinutes() {
  const { ledger, makeInstance } = makeWorld();
  return { ledger, monque: makeInstance().monque };
}
