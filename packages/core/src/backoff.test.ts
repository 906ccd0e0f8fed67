import { describe, expect, test } from 'vitest';
import { calculateBackoff, retryDelayMs } from './backoff.ts';

const now = new Date(1_000_000);

function delayMs(
  failCount: number,
  baseRetryIntervalMs = 1000,
  maxBackoffDelayMs = 60_000,
): number {
  const params = { failCount, baseRetryIntervalMs, maxBackoffDelayMs, now };
  return calculateBackoff(params).getTime() - now.getTime();
}

describe('calculateBackoff', () => {
  test('the delay doubles with every failure, from twice the base', () => {
    expect([1, 2, 3, 4].map((failCount) => delayMs(failCount))).toEqual([2000, 4000, 8000, 16_000]);
  });

  test('a job that never failed waits for the base', () => {
    expect(delayMs(0)).toBe(1000);
  });

  test('the delay is cut at its maximum, however many failures there are', () => {
    expect(delayMs(6)).toBe(60_000);
    expect(delayMs(5000)).toBe(60_000);
  });
});

describe('retryDelayMs', () => {
  const params = { baseMs: 100, longestMs: 1000, fraction: 0 };

  test('the first attempt waits for half the base up to the base', () => {
    expect(retryDelayMs({ ...params, attempt: 1 })).toBe(50);
    expect(retryDelayMs({ ...params, attempt: 1, fraction: 1 })).toBe(100);
  });

  test('the delay doubles with every attempt up to the longest', () => {
    const delays = [2, 3, 4, 5, 50].map((attempt) =>
      retryDelayMs({ ...params, attempt, fraction: 1 }),
    );
    expect(delays).toEqual([200, 400, 800, 1000, 1000]);
  });
});
