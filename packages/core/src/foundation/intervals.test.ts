import { expect, test } from 'vitest';
import { intervalMsOf } from './intervals.ts';

test.each([
  ['5 minutes', 300_000],
  ['1 hour and 30 minutes', 5_400_000],
  ['a day, two hours', 93_600_000],
  ['250', 250],
])('%s are so many milliseconds', (text, ms) => {
  expect(intervalMsOf(text)).toBe(ms);
});

test.each(['', 'soon', '5 moons', 'eleven minutes', '5 minutes of peace'])(
  '%j is no interval',
  (text) => {
    expect(intervalMsOf(text)).toBeUndefined();
  },
);
