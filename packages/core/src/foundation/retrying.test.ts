import { describe, expect, test } from 'vitest';
import { ManualClock } from '../testing/index.ts';
import { type NextTry, type Retried, retryDelayMs, retrying } from './retrying.ts';

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

describe('retrying', () => {
  function failing(times: number, retried: Partial<Retried<number>> = {}) {
    const clock = new ManualClock();
    const calls: number[] = [];
    const delays: NextTry[] = [];
    const result = retrying({
      ...{ clock, random: { fraction: () => 1 } },
      call: async (attempt) => {
        calls.push(attempt);
        if (calls.length <= times) throw new Error(`failure ${calls.length}`);
        return 7;
      },
      onFailed: () => undefined,
      mayGoOn: () => true,
      onDelay: (next) => delays.push(next),
      ...retried,
    });
    return { clock, calls, delays, result };
  }

  test('calls once what works', async () => {
    const { result, delays } = failing(0);
    expect(await result).toEqual({ value: 7 });
    expect(delays).toEqual([]);
  });

  test('tries later and later, from 50 ms on, until it works', async () => {
    const { clock, result, calls, delays } = failing(3);
    await clock.advance(350);
    expect(await result).toEqual({ value: 7 });
    expect(calls).toEqual([1, 2, 3, 4]);
    expect(delays).toEqual([
      { attempt: 1, delayMs: 50 },
      { attempt: 2, delayMs: 100 },
      { attempt: 3, delayMs: 200 },
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('waits at most 30 seconds', async () => {
    const { clock, result, delays } = failing(20);
    await clock.advance(600_000);
    expect(await result).toEqual({ value: 7 });
    expect(Math.max(...delays.map(({ delayMs }) => delayMs))).toBe(30_000);
  });

  test('waits before its first try when one failed before', async () => {
    const { clock, result, calls } = failing(0, { failedBefore: 1 });
    await clock.advance(49);
    expect(calls).toEqual([]);
    await clock.advance(1);
    expect(await result).toEqual({ value: 7 });
  });

  test('ends without a value when it may not go on after a wait', async () => {
    const { clock, result, calls } = failing(9, { mayGoOn: () => false });
    await clock.advance(50);
    expect(await result).toBeUndefined();
    expect(calls).toEqual([1]);
  });

  test('ends with what is thrown when it is given a failure', async () => {
    const onFailed = (error: unknown, attempt: number): void => {
      if (attempt === 2) throw error;
    };
    const { clock, result } = failing(9, { onFailed });
    const ended = expect(result).rejects.toThrow('failure 2');
    await clock.advance(50);
    await ended;
  });

  test('waits no longer when its signal aborts', async () => {
    const stop = new AbortController();
    const { clock, result } = failing(9, {
      signal: stop.signal,
      mayGoOn: () => !stop.signal.aborted,
    });
    await clock.settle();
    stop.abort();
    expect(await result).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });
});
