import { expect, test } from 'vitest';
import { cronTimes } from './cron-times.ts';

const after = new Date('2026-03-28T12:00:00Z');

test('the times of an expression come in their order, over the day when the clock is put forward', () => {
  const options = { timezone: 'Europe/Berlin', after, limit: 2 };
  const times = cronTimes('30 2 * * *', options).map((time) => time.toISOString());
  expect(times).toEqual(['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z']);
});

test('they end at a time, or after so many', () => {
  const until = new Date('2026-03-28T14:00:00Z');
  expect(cronTimes('@hourly', { after, until })).toHaveLength(2);
  expect(cronTimes('@hourly', { after })).toHaveLength(10);
  expect(cronTimes('@hourly', { after, limit: 3 })).toHaveLength(3);
});

test.each<[string, string, object]>([
  ['INVALID_CRON', 'nonsense', { after }],
  ['INVALID_CRON', '0 0 1--100000000 * *', { after }],
  ['INVALID_ARGUMENT', '@daily', { after: undefined }],
  ['INVALID_ARGUMENT', '@daily', { after, limit: 0 }],
  ['INVALID_ARGUMENT', '@daily', { after, timezone: 'Nowhere/None' }],
])('%s is thrown for %s with %j', (code, cron, options) => {
  expect(() => cronTimes(cron, options as never)).toThrow(expect.objectContaining({ code }));
});
