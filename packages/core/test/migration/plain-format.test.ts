import { Decimal128, ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import type { MigrateJobsOptions } from '../../src/migration/migration-options.ts';
import { BORN_AT, imported, NOW, toJob } from './kit.ts';

const PLAIN = { format: {} } as const;
const _id = ObjectId.createFromHexString('65f000000000000000000001');
const nextRunAt = new Date('2026-12-01T10:00:00Z');
const createdAt = new Date('2026-11-01T10:00:00Z');
const startedAt = new Date('2026-11-02T10:00:00Z');
const finishedAt = new Date('2026-11-02T10:00:05Z');

const waiting = { _id, name: 'email', data: { to: 'a' }, status: 'pending', nextRunAt, createdAt };

/** A queue that calls everything otherwise. */
const OTHER: Partial<MigrateJobsOptions> = {
  format: {
    name: 'email',
    fields: { data: 'payload.body', status: 'state', nextRunAt: 'run.at', priority: 'urgency' },
    statuses: { pending: ['new', 1], processing: ['busy'], completed: [], cancelled: ['gone'] },
    priorityOrder: 'higherFirst',
  },
};

describe('a job of a queue with a state and a due time', () => {
  test('becomes the same job as an enqueue would have made', () => {
    expect(imported(waiting, PLAIN)).toStrictEqual({
      kind: 'pending',
      notes: [],
      job: {
        _id,
        name: 'email',
        data: { to: 'a' },
        priority: 0,
        nextRunAt,
        status: 'pending',
        failCount: 0,
        fence: 0,
        createdAt,
        updatedAt: NOW,
        documentVersion: 1,
      },
    });
  });

  test('is due when it was made, where no time is stated', () => {
    const { nextRunAt: _, createdAt: __, ...timeless } = waiting;
    expect(imported(timeless, PLAIN).job).toMatchObject({ nextRunAt: BORN_AT, createdAt: BORN_AT });
  });

  test('keeps null for data, and has none where there was none', () => {
    expect(imported({ ...waiting, data: null }, PLAIN).job.data).toBeNull();
    const { data: _, ...empty } = waiting;
    expect(imported(empty, PLAIN).job.data).toBeUndefined();
  });

  test('is read by the fields and states that are described', () => {
    const document = { _id, payload: { body: 7 }, state: 1, run: { at: nextRunAt }, urgency: 3 };
    expect(imported(document, OTHER).job).toMatchObject({
      name: 'email',
      data: 7,
      nextRunAt,
      priority: -3,
      status: 'pending',
    });
    expect(imported({ ...document, state: 'busy' }, OTHER).notes).toEqual(['interrupted']);
    expect(toJob({ ...document, state: 'completed' }, OTHER)).toMatchObject({ left: 'shape' });
    expect(toJob({ ...document, state: 'gone' }, OTHER)).toMatchObject({ left: 'finished' });
  });

  test('holds its unique key', () => {
    expect(imported({ ...waiting, uniqueKey: 'a' }, PLAIN).job).toMatchObject({
      uniqueKey: 'a',
      uniqueLock: 'key:a',
    });
    const long = { ...waiting, uniqueKey: 'x'.repeat(2_000) };
    expect(toJob(long, PLAIN)).toMatchObject({ left: 'invalid' });
  });

  test('that was taken runs again, or is left', () => {
    const taken = { ...waiting, status: 'processing' };
    expect(imported(taken, PLAIN)).toMatchObject({
      kind: 'pending',
      notes: ['interrupted'],
      job: { nextRunAt },
    });
    expect(toJob(taken, { ...PLAIN, locked: 'leave' })).toMatchObject({ left: 'locked' });
  });

  test('has a number of any type for its priority', () => {
    const priority = Decimal128.fromString('5');
    expect(imported({ ...waiting, priority }, PLAIN).job.priority).toBe(5);
    expect(toJob({ ...waiting, priority: '5' }, PLAIN)).toMatchObject({ left: 'shape' });
  });
});

describe('a recurring job of such a queue', () => {
  const recurring = { ...waiting, repeatInterval: '0  9 * * *' };

  test('becomes a series with the key that it had, or its expression', () => {
    expect(imported(recurring, PLAIN)).toMatchObject({
      kind: 'series',
      notes: ['timezoneAssumed'],
      job: {
        repeatInterval: '0 9 * * *',
        uniqueKey: '0 9 * * *',
        uniqueLock: 'series:0 9 * * *',
        scheduledFor: nextRunAt,
      },
    });
    expect(imported({ ...recurring, uniqueKey: 'daily' }, PLAIN).job).toMatchObject({
      uniqueKey: 'daily',
      uniqueLock: 'series:daily',
    });
  });

  test('has the time zone and the plan that are known better', () => {
    const zoned = { ...recurring, timezone: 'Asia/Tokyo' };
    expect(imported(zoned, PLAIN)).toMatchObject({ notes: [], job: { timezone: 'Asia/Tokyo' } });
    const series = { email: { cron: '0 8 * * *', timezone: 'Europe/Rome' } };
    expect(imported(zoned, { ...PLAIN, series }).job).toMatchObject({
      repeatInterval: '0 8 * * *',
      timezone: 'Europe/Rome',
    });
  });

  test('may have an interval, which has no time zone', () => {
    const { job, notes } = imported({ ...waiting, repeatInterval: '5 minutes' }, PLAIN);
    expect(job.repeatInterval).toBe(`every 5 minutes from ${job.nextRunAt.toISOString()}`);
    expect([job.timezone, notes]).toEqual([undefined, []]);
  });

  test('with a plan that is neither a cron expression nor an interval is left', () => {
    expect(toJob({ ...waiting, repeatInterval: '5 moons' }, PLAIN)).toMatchObject({
      left: 'invalid',
      detail: expect.stringContaining('5 moons'),
    });
  });

  test('that is finished is no series', () => {
    const over = { ...recurring, status: 'completed', finishedAt };
    const { kind, job } = imported(over, { ...PLAIN, finished: 'all' });
    expect(kind).toBe('completed');
    expect(job).not.toHaveProperty('repeatInterval');
  });
});

describe('a finished job of such a queue', () => {
  const all = { ...PLAIN, finished: 'all' } as const;

  test('becomes a finished job with its times', () => {
    const completed = { ...waiting, status: 'completed', startedAt, finishedAt };
    expect(imported(completed, all).job).toMatchObject({
      status: 'completed',
      startedAt,
      finishedAt,
      nextRunAt: createdAt,
      fence: 1,
    });
  });

  test('ended when it is known to have been there last', () => {
    const failed = { ...waiting, status: 'failed', failReason: 'x'.repeat(2_000) };
    expect(imported({ ...failed, startedAt }, all).job.finishedAt).toEqual(startedAt);
    expect(imported(failed, all).job.finishedAt).toEqual(createdAt);
    expect(imported(failed, all).job.failReason).toHaveLength(1_000);
  });

  test('that was cancelled was never claimed', () => {
    const { job } = imported({ ...waiting, status: 'cancelled', finishedAt }, all);
    expect(job).toMatchObject({
      status: 'cancelled',
      fence: 0,
      finishedAt,
      history: [{ verb: 'cancel', at: finishedAt }],
    });
  });

  test('gives up its unique key', () => {
    const { job } = imported({ ...waiting, status: 'failed', uniqueKey: 'a', finishedAt }, all);
    expect(job.uniqueKey).toBe('a');
    expect(job).not.toHaveProperty('uniqueLock');
  });
});

describe('a document that is no job of that queue is left:', () => {
  test.each<[string, object]>([
    ['no name', { name: null }],
    ['no state', { status: undefined }],
    ['a state that is not known', { status: 'asleep' }],
    ['a due time that is no Date', { nextRunAt: 1_700_000_000 }],
    ['a reason that is no text', { failReason: ['a'] }],
  ])('%s', (_what, fields) => {
    expect(toJob({ ...waiting, ...fields }, PLAIN)).toMatchObject({ left: 'shape' });
  });
});

describe('an id that is no ObjectId', () => {
  const idOf = (documentId: unknown): string =>
    imported({ ...waiting, _id: documentId }, PLAIN).job._id.toHexString();

  test('always gives the same id, and another than others do', () => {
    const ids = ['a', 'b', 1, 2, { a: 1 }].map(idOf);
    expect(ids).toEqual(['a', 'b', 1, 2, { a: 1 }].map(idOf));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^0{8}[0-9a-f]{16}$/);
  });
});
