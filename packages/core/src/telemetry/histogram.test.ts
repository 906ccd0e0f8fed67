import { expect, test } from 'vitest';
import { Histogram } from './histogram.ts';

test('counts each value in the bucket whose bound it does not exceed', () => {
  const histogram = new Histogram([1, 10]);
  for (const value of [0, 1, 1.5, 10, 11, 1_000]) histogram.record(value);
  expect(histogram.read()).toEqual({
    count: 6,
    sum: 1_023.5,
    min: 0,
    max: 1_000,
    buckets: [
      { upTo: 1, count: 2 },
      { upTo: 10, count: 2 },
      { upTo: Number.POSITIVE_INFINITY, count: 2 },
    ],
  });
});

test('what was read does not change with what is counted later', () => {
  const histogram = new Histogram([1]);
  histogram.record(1);
  const before = histogram.read();
  histogram.record(1);
  expect(before.count).toBe(1);
  expect(before.buckets[0]?.count).toBe(1);
  expect(Object.isFrozen(before.buckets)).toBe(true);
});
