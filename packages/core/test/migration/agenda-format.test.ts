import { Long } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { nextRunOf } from '../../src/job/next-run.ts';
import { AGENDA_DOCUMENTS } from './agenda-documents.ts';
import { BORN_AT, imported, NOW, toJob } from './kit.ts';

const { later, urgent, report, sweep, off, done, broken, hangs } = AGENDA_DOCUMENTS;

describe('a job of Agenda that runs once', () => {
  test('becomes the same job as an enqueue would have made, under its id', () => {
    expect(imported(later)).toStrictEqual({
      kind: 'pending',
      notes: [],
      job: {
        _id: later?._id,
        name: 'later',
        data: { n: 4 },
        priority: 0,
        nextRunAt: new Date('2040-01-01T10:00:00Z'),
        status: 'pending',
        failCount: 0,
        fence: 0,
        createdAt: BORN_AT,
        updatedAt: NOW,
        documentVersion: 1,
      },
    });
  });

  test.each<[unknown, number, string[]]>([
    [10, -10, []],
    [0, 0, []],
    [-20, 20, []],
    [Long.fromNumber(7), -7, []],
    [7n, -7, []],
    ['high', -10, []],
    [null, 0, []],
    [undefined, 0, []],
    [2.4, -2, ['priorityBounded']],
    [500, -100, ['priorityBounded']],
    [-500, 100, ['priorityBounded']],
  ])('of priority %s gets %s', (given, priority, notes) => {
    const { job, notes: found } = imported({ ...urgent, priority: given });
    expect(job.priority).toBe(priority);
    expect(found).toEqual(notes);
  });

  test('keeps the only one of its name the only one', () => {
    const { job } = imported({ ...later, type: 'single' });
    expect(job).toMatchObject({ uniqueKey: 'later', uniqueLock: 'key:later' });
    expect(imported(later).job).not.toHaveProperty('uniqueKey');
  });

  test('has no data where Agenda had none', () => {
    expect(imported({ ...later, data: null }).job.data).toBeUndefined();
  });

  test('that waits for a retry is pending', () => {
    const retried = { ...broken, nextRunAt: new Date('2026-11-21T09:00:00Z') };
    expect(imported(retried)).toMatchObject({
      kind: 'pending',
      job: { failCount: 0, nextRunAt: retried.nextRunAt },
    });
  });
});

describe('a job of Agenda that a worker had taken', () => {
  test('is due at once when its run had started', () => {
    const { kind, notes, job } = imported(hangs);
    expect({ kind, notes }).toEqual({ kind: 'pending', notes: ['interrupted'] });
    expect(job.nextRunAt).toEqual(hangs?.lastRunAt);
  });

  test('is due when it was, when its run had not started', () => {
    const lockedAt = new Date('2039-12-31T23:59:59Z');
    expect(imported({ ...later, lockedAt })).toMatchObject({
      notes: ['interrupted'],
      job: { nextRunAt: later?.nextRunAt },
    });
    expect(imported({ ...later, lockedAt, nextRunAt: null }).job.nextRunAt).toEqual(lockedAt);
  });

  test('runs again also when its worker was stopped and gave up the lock', () => {
    expect(imported({ ...hangs, lockedAt: null })).toMatchObject({
      kind: 'pending',
      notes: ['interrupted'],
    });
  });

  test('keeps the run of a series that was interrupted', () => {
    const lastRunAt = new Date('2026-11-20T08:00:00Z');
    const running = { ...report, lastRunAt, lockedAt: lastRunAt };
    expect(imported(running).job).toMatchObject({ nextRunAt: lastRunAt, scheduledFor: lastRunAt });
  });

  test('is left when the options say so', () => {
    expect(toJob(hangs ?? {}, { locked: 'leave' })).toMatchObject({ left: 'locked' });
  });
});

describe('a recurring job of Agenda', () => {
  test('becomes the series that a schedule of its plan would have made', () => {
    expect(imported(report)).toStrictEqual({
      kind: 'series',
      notes: [],
      job: {
        _id: report?._id,
        name: 'report',
        data: { n: 6 },
        priority: 0,
        nextRunAt: new Date('2026-11-23T08:00:00Z'),
        uniqueKey: '0 9 * * 1-5',
        uniqueLock: 'series:0 9 * * 1-5',
        repeatInterval: '0 9 * * 1-5',
        timezone: 'Europe/Berlin',
        seriesVersion: 1,
        scheduledFor: new Date('2026-11-23T08:00:00Z'),
        status: 'pending',
        failCount: 0,
        fence: 0,
        createdAt: BORN_AT,
        updatedAt: NOW,
        documentVersion: 1,
      },
    });
  });

  test('keeps its start and its end', () => {
    const startDate = new Date('2026-01-01T00:00:00Z');
    const endDate = new Date('2027-01-01T00:00:00Z');
    expect(imported({ ...report, startDate, endDate }).job).toMatchObject({
      startAt: startDate,
      endAt: endDate,
    });
  });

  test('keeps its interval, counted from its next run, the same in every time zone', () => {
    const { job, notes } = imported({ ...sweep, repeatTimezone: 'Asia/Kolkata' });
    expect(notes).toEqual([]);
    const next = sweep?.nextRunAt as Date;
    const repeatInterval = `every 5 minutes from ${next.toISOString()}`;
    const key = 'every 5 minutes';
    const fields = { repeatInterval, nextRunAt: next, scheduledFor: next, uniqueKey: key };
    expect(job).toMatchObject({ ...fields, uniqueLock: `series:${key}` });
    expect(job).not.toHaveProperty('timezone');
    expect(imported({ ...sweep, repeatInterval: 300_000 }).job).toMatchObject(fields);
    const odd = imported({ ...sweep, repeatInterval: '7 minutes' }).job;
    expect(nextRunOf(odd, next)?.scheduledFor).toEqual(new Date(next.getTime() + 420_000));
  });

  test('with an interval and a start is counted from that, as schedule has it', () => {
    const startDate = new Date('2026-01-01T00:00:00Z');
    expect(imported({ ...sweep, startDate }).job).toMatchObject({
      ...{ startAt: startDate, repeatInterval: 'every 5 minutes from 2026-01-01T00:00:00.000Z' },
    });
  });

  test('without a time zone gets the one of the options, which is reported', () => {
    const zoneless = { ...report, repeatTimezone: null };
    expect(imported(zoneless).notes).toEqual(['timezoneAssumed']);
    expect(imported(zoneless).job).not.toHaveProperty('timezone');
    const { job } = imported(zoneless, { timezone: 'Europe/Paris' });
    expect(job.timezone).toBe('Europe/Paris');
  });

  test.each<[string, object]>([
    ['an interval that is too short', { repeatInterval: 500 }],
    ['an interval that the calendar has', { repeatInterval: '1 month' }],
    ['an interval that cannot be read', { repeatInterval: 'whenever' }],
    ['a time of the day in words', { repeatInterval: null, repeatAt: '3:30pm' }],
    ['days to skip', { skipDays: [0, 6] }],
    ['days to skip as a text', { skipDays: 'sat,sun' }],
    ['something else for an interval', { repeatInterval: { every: 1 } }],
  ])('with %s is left until it is given a cron expression', (_what, fields) => {
    const document = { ...report, ...fields };
    expect(toJob(document)).toMatchObject({ left: 'interval' });
    const series = { report: { cron: '0 3 * * *', timezone: 'Asia/Tokyo', uniqueKey: 'nightly' } };
    expect(imported(document, { series }).job).toMatchObject({
      repeatInterval: '0 3 * * *',
      timezone: 'Asia/Tokyo',
      uniqueKey: 'nightly',
      uniqueLock: 'series:nightly',
    });
  });

  test('skips no days where the list of them is empty', () => {
    expect(imported({ ...report, skipDays: [] }).kind).toBe('series');
  });

  test('in a time zone that does not exist is left', () => {
    expect(toJob({ ...report, repeatTimezone: 'Europe/Atlantis' })).toMatchObject({
      left: 'invalid',
      detail: expect.stringContaining('Europe/Atlantis'),
    });
  });

  test('that has no run any more is left', () => {
    const over = { ...report, nextRunAt: null };
    expect(toJob({ ...over, endDate: new Date('2026-11-01') })).toMatchObject({ left: 'finished' });
    expect(toJob(over)).toMatchObject({ left: 'neverDue' });
    const late = { ...report, endDate: new Date('2026-11-22') };
    expect(toJob(late)).toMatchObject({ left: 'finished' });
  });

  test('that is disabled is left', () => {
    expect(toJob(off ?? {})).toMatchObject({ left: 'disabled' });
  });
});

describe('a finished job of Agenda', () => {
  test('is left when nothing else is said', () => {
    expect(toJob(done ?? {})).toMatchObject({ left: 'finished' });
    expect(toJob(broken ?? {}, { finished: 'leave' })).toMatchObject({ left: 'finished' });
    expect(toJob(done ?? {}, { finished: 'failed' })).toMatchObject({ left: 'finished' });
  });

  test('becomes a completed job as a run of it would have left it', () => {
    expect(imported(done, { finished: 'all' })).toStrictEqual({
      kind: 'completed',
      notes: [],
      job: {
        _id: done?._id,
        name: 'done',
        data: { n: 1 },
        priority: 0,
        nextRunAt: BORN_AT,
        status: 'completed',
        failCount: 0,
        fence: 1,
        startedAt: done?.lastRunAt,
        finishedAt: done?.lastFinishedAt,
        lastToken: 'migrated',
        createdAt: BORN_AT,
        updatedAt: done?.lastFinishedAt,
        documentVersion: 1,
      },
    });
  });

  test('becomes a failed job with its reason', () => {
    expect(imported(broken, { finished: 'failed' })).toMatchObject({
      kind: 'failed',
      job: {
        status: 'failed',
        failCount: 1,
        failReason: 'Out of paper',
        finishedAt: broken?.failedAt,
        history: [{ verb: 'fail', at: broken?.failedAt, reason: 'Out of paper' }],
      },
    });
  });

  test('that failed is known by the time alone', () => {
    const { lastFinishedAt: _, failReason: __, ...old } = broken ?? {};
    expect(imported(old, { finished: 'all' })).toMatchObject({
      kind: 'failed',
      job: { failReason: 'The other queue gave no reason', finishedAt: broken?.failedAt },
    });
  });

  test('that was never to run is left', () => {
    expect(toJob({ ...later, nextRunAt: null })).toMatchObject({ left: 'neverDue' });
  });
});

describe('a document that is no job of Agenda is left, and reported:', () => {
  test.each<[string, object, string]>([
    ['no name', { name: undefined }, 'name'],
    ['a name that is no text', { name: 7 }, 'name'],
    ['no type', { type: undefined }, 'type'],
    ['another type', { type: 'plural' }, 'type'],
    ['a due time that is no Date', { nextRunAt: 'tomorrow' }, 'nextRunAt'],
    ['a time that is none', { nextRunAt: new Date(Number.NaN) }, 'nextRunAt'],
    ['a priority that is none', { priority: 'quickly' }, 'priority'],
  ])('%s', (_what, fields, field) => {
    const detail = expect.stringContaining(field);
    expect(toJob({ ...later, ...fields })).toMatchObject({ left: 'shape', detail });
  });

  test.each<[string, object, string]>([
    ['a name that is too long', { name: 'x'.repeat(300) }, 'name'],
    ['data with a key that MongoDB reads as an operator', { data: { $where: 1 } }, 'data.$where'],
  ])('%s is what an enqueue refuses too', (_what, fields, field) => {
    const detail = expect.stringContaining(field);
    expect(toJob({ ...later, ...fields })).toMatchObject({ left: 'invalid', detail });
  });

  test('data that is larger than the scheduler takes', () => {
    const large = { ...later, data: 'x'.repeat(100) };
    expect(toJob(large, { maxPayloadSize: 50 })).toMatchObject({ left: 'invalid' });
    expect(imported(large, { maxPayloadSize: 200 }).job.data).toHaveLength(100);
  });
});
