import { describe, expect, test } from 'vitest';
import { parseCron } from './cron.ts';
import { cronOfInterval } from './interval-cron.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe('an interval that divides the minute, the hour or the day has a cron expression:', () => {
  test.each<[string | number, string, number]>([
    ['10 seconds', '*/10 * * * * *', 10_000],
    ['1 second', '* * * * * *', 1_000],
    ['5 minutes', '*/5 * * * *', 5 * MINUTE_MS],
    ['five minutes', '*/5 * * * *', 5 * MINUTE_MS],
    ['15 min', '*/15 * * * *', 15 * MINUTE_MS],
    ['a minute', '* * * * *', MINUTE_MS],
    ['Minute', '* * * * *', MINUTE_MS],
    ['60 seconds', '* * * * *', MINUTE_MS],
    ['1 hour', '0 * * * *', HOUR_MS],
    ['an hour', '0 * * * *', HOUR_MS],
    ['30 minutes and 30 minutes', '0 * * * *', HOUR_MS],
    ['1.5 hours, 30 minutes', '0 */2 * * *', 2 * HOUR_MS],
    ['12 hours', '0 */12 * * *', 12 * HOUR_MS],
    [300_000, '*/5 * * * *', 5 * MINUTE_MS],
    ['300000', '*/5 * * * *', 5 * MINUTE_MS],
  ])('%s is %s', (interval, cron, apartMs) => {
    expect(cronOfInterval(interval)).toBe(cron);
    const plan = parseCron('cron', cron);
    let run = plan.next(new Date('2026-03-28T21:17:43Z'));
    for (let runs = 0; runs < 200; runs += 1) {
      const next = plan.next(run as Date);
      expect(Number(next) - Number(run)).toBe(apartMs);
      run = next;
    }
  });
});

test.each<string | number>([
  '7 minutes',
  '45 minutes',
  '90 seconds',
  '5 hours',
  '1 day',
  '24 hours',
  '2 weeks',
  '1 month',
  '500',
  250,
  0,
  -60_000,
  Number.NaN,
  '',
  'every now and then',
  '3 constructor',
  'several minutes',
  '3:30 pm',
])('%s has none', (interval) => {
  expect(cronOfInterval(interval)).toBeUndefined();
});
