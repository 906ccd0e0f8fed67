import { describe, expect, test } from 'vitest';
import { InvalidCronError } from '../foundation/errors.ts';
import {
  everyMsOf,
  type IntervalPlan,
  keyOfInterval,
  planText,
  readInterval,
  readPlan,
  toEveryMs,
} from './interval-plan.ts';
import { firstRun, nextRun, nextRunOf, type SeriesPlan, unreadablePlan } from './next-run.ts';

const MINUTE_MS = 60_000;
const ANCHOR = at('00:00:12.345');
const FIVE_MINUTES: SeriesPlan = { repeatInterval: planText(5 * MINUTE_MS, ANCHOR) };

function at(time: string): Date {
  return new Date(`2026-06-01T${time}Z`);
}

describe('an interval', () => {
  test.each<[number | string, number, string]>([
    ['5 minutes', 300_000, 'every 5 minutes'],
    [300_000, 300_000, 'every 5 minutes'],
    ['1 hour and 30 minutes', 5_400_000, 'every 90 minutes'],
    ['1 second', 1_000, 'every 1 second'],
    ['24 hours', 86_400_000, 'every 1 day'],
    ['2 weeks', 1_209_600_000, 'every 2 weeks'],
    ['1.1 seconds', 1_100, 'every 1.1 seconds'],
    [1_001, 1_001, 'every 1.001 seconds'],
  ])('of %j has one key, however it is written', (every, everyMs, key) => {
    expect(toEveryMs({ every })).toBe(everyMs);
    expect(keyOfInterval(everyMs)).toBe(key);
  });

  test.each<[unknown]>([
    ['soon'],
    [''],
    ['3 months'],
    [999],
    ['0.5 seconds'],
    [1_000.5],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [-300_000],
    [10 * 365 * 86_400_000 + 1],
    [null],
    [{}],
    [true],
  ])('of %j is refused', (every) => {
    expect(everyMsOf(every)).toBeUndefined();
    expect(() => toEveryMs({ every: every as string })).toThrow(
      /`cron\.every` to be an interval such as `5 minutes`, or whole milliseconds/,
    );
  });

  test.each([
    [{}, /`cron\.every` to be an interval/],
    [{ every: undefined }, /`cron\.every` to be an interval/],
    [{ every: '5 minutes', at: 5 }, /`cron` to be one or more of: every/],
    [['5 minutes'], /`cron` to be an object/],
  ])('is refused as %j', (interval, message) => {
    expect(() => toEveryMs(interval as never)).toThrow(message);
  });
});

describe('the plan that a job keeps', () => {
  test('is a text that people can read, and this version too', () => {
    expect(FIVE_MINUTES.repeatInterval).toBe('every 5 minutes from 2026-06-01T00:00:12.345Z');
    for (const everyMs of [1_000, 1_001, 1_337, 59_999, 300_000, 86_399_999, 1_209_600_000]) {
      expect(readInterval(planText(everyMs, ANCHOR))?.everyMs).toBe(everyMs);
    }
    const late = new Date(8.64e15);
    expect(readInterval(planText(1_000, late))?.next(at('10:00'))).toEqual(late);
  });

  test.each([
    'every 5 minutes',
    'every now and then from 2026-06-01T00:00:12.345Z',
    'every 5 minutes from yesterday',
    'every 5 minutes from 2026-13-01T00:00:00.000Z',
    'every 10 milliseconds from 2026-06-01T00:00:12.345Z',
  ])('is not read as %j, so that the series is left to those who can', (repeatInterval) => {
    expect(readInterval(repeatInterval)).toBeUndefined();
    expect(unreadablePlan({ repeatInterval })).toBeInstanceOf(InvalidCronError);
    const run = { repeatInterval, scheduledFor: at('10:00') };
    expect(nextRunOf(run, at('10:00'))).toEqual({ scheduledFor: at('10:02'), skipped: 0 });
  });

  test('may be a cron expression as well', () => {
    const noon = readPlan('repeatInterval', '0 12 * * *', 'Europe/Berlin');
    expect(noon.next(at('00:00'))).toEqual(at('10:00'));
    expect(unreadablePlan(FIVE_MINUTES)).toBeUndefined();
  });
});

describe('the times of an interval', () => {
  const plan = readInterval(FIVE_MINUTES.repeatInterval) as IntervalPlan;

  test('are its anchor and what lies whole intervals after it', () => {
    expect(plan.next(at('00:00:12.344'))).toEqual(ANCHOR);
    expect(plan.next(ANCHOR)).toEqual(at('00:05:12.345'));
    expect(plan.next(at('00:05:12.344'))).toEqual(at('00:05:12.345'));
    expect(plan.next(new Date(0))).toEqual(ANCHOR);
    expect(plan.last(ANCHOR, at('00:10:12.345'))).toEqual(at('00:05:12.345'));
    expect(plan.last(ANCHOR, at('00:10:12.346'))).toEqual(at('00:10:12.345'));
  });

  test('end where there are no times any more', () => {
    expect(plan.next(new Date(8.64e15))).toBeNull();
  });

  test('are the same when the clocks are changed', () => {
    const hourly = { repeatInterval: planText(60 * MINUTE_MS, new Date('2026-03-28T23:30:00Z')) };
    let run = firstRun(hourly, new Date('2026-03-28T23:30:00Z'));
    for (let hours = 1; hours <= 24; hours += 1) {
      const expected = new Date(Date.parse('2026-03-28T23:30:00Z') + hours * 60 * MINUTE_MS);
      expect(run?.scheduledFor).toEqual(expected);
      run = nextRun(hourly, expected, expected);
    }
  });

  test('do not shift with runs that are late or last long', () => {
    const run = { ...FIVE_MINUTES, scheduledFor: at('00:05:12.345'), startedAt: at('00:05:40') };
    expect(nextRunOf(run, at('00:09:59'))?.scheduledFor).toEqual(at('00:10:12.345'));
  });

  test('keep within their start and end', () => {
    const startAt = at('12:00');
    const bounded = { repeatInterval: planText(MINUTE_MS, startAt), startAt, endAt: at('12:01') };
    expect(firstRun(bounded, at('09:00'))?.scheduledFor).toEqual(startAt);
    expect(nextRun(bounded, startAt, startAt)?.scheduledFor).toEqual(at('12:01'));
    expect(nextRun(bounded, at('12:01'), at('12:01'))).toBeNull();
  });
});

describe('times of an interval that were missed', () => {
  const [run, now] = [at('00:05:12.345'), at('00:31')];

  test('are passed over with skip', () => {
    const plan = { ...FIVE_MINUTES, missed: 'skip' } as const;
    expect(nextRun(plan, run, now)).toEqual({ scheduledFor: at('00:35:12.345'), skipped: 5 });
  });

  test('are one run with once', () => {
    expect(nextRun(FIVE_MINUTES, run, now)).toEqual({
      ...{ scheduledFor: at('00:30:12.345'), skipped: 4 },
    });
  });

  test('are all run with all, at most the last hundred', () => {
    const plan = { ...FIVE_MINUTES, missed: 'all' } as const;
    expect(nextRun(plan, run, now)).toEqual({ scheduledFor: at('00:10:12.345'), skipped: 0 });
    const later = new Date(run.getTime() + 200 * 5 * MINUTE_MS);
    expect(nextRun(plan, run, later)).toEqual({
      scheduledFor: new Date(run.getTime() + 101 * 5 * MINUTE_MS),
      skipped: 100,
    });
  });
});
