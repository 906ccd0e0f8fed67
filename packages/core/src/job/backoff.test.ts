import { describe, expect, test } from 'vitest';
import { plannedDelayMs } from './backoff.ts';
import type { BackoffPlan } from './job.ts';

function delayMs(failCount: number, plan: Partial<BackoffPlan> = {}, fraction = 0): number {
  const whole: BackoffPlan = { type: 'exponential', delay: 1000, ...plan };
  return plannedDelayMs({ failCount, plan: whole, maxBackoffDelayMs: 60_000, fraction });
}

describe('plannedDelayMs', () => {
  test('an exponential delay doubles with every failure, from twice the base', () => {
    expect([1, 2, 3, 4].map((failCount) => delayMs(failCount))).toEqual([2000, 4000, 8000, 16_000]);
  });

  test('a fixed delay stays the same', () => {
    expect([1, 2, 9].map((failCount) => delayMs(failCount, { type: 'fixed' }))).toEqual([
      1000, 1000, 1000,
    ]);
  });

  test('the delay is cut at its maximum, however many failures there are', () => {
    expect(delayMs(6)).toBe(60_000);
    expect(delayMs(5000)).toBe(60_000);
    expect(delayMs(5, { maxDelay: 5000 })).toBe(5000);
  });

  test('jitter shortens the delay by the part that is drawn', () => {
    expect(delayMs(1, { jitter: 0.5 }, 0)).toBe(2000);
    expect(delayMs(1, { jitter: 0.5 }, 0.5)).toBe(1500);
    expect(delayMs(1, { jitter: 1 }, 0.25)).toBe(1500);
  });
});
