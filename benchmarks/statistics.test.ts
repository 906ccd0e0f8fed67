import { expect, test } from 'vitest';
import { median, percentile, spread } from './statistics.ts';

test('the median is the middle value, whatever the order', () => {
  expect(median([30, 10, 20])).toBe(20);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
});

test('a percentile is the smallest value that enough of the others do not exceed', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentile(hundred, 0.5)).toBe(50);
  expect(percentile(hundred, 0.95)).toBe(95);
  expect(percentile(hundred, 0.99)).toBe(99);
  expect(percentile([5, 1], 0.99)).toBe(5);
});

test('of nothing there is neither', () => {
  expect(median([])).toBeNaN();
  expect(percentile([], 0.5)).toBeNaN();
});

test('values that lie apart by a tenth of their median have a spread of a tenth', () => {
  expect(spread([95, 100, 105])).toBeCloseTo(0.1);
});
