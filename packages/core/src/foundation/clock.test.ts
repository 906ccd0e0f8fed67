import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ManualClock } from '../testing/index.ts';
import { LONGEST_TIMER_MS, sleep, systemClock, withDeadline } from './clock.ts';

describe('systemClock', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    // First what was put in the place of fake timers, or those would come back later.
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  test('gives the wall time and the monotonic time', () => {
    vi.setSystemTime(123_456);
    const startMs = systemClock.monotonic();
    vi.advanceTimersByTime(1000);
    expect(systemClock.now()).toBe(124_456);
    expect(systemClock.monotonic() - startMs).toBe(1000);
  });

  test('a timer fires once after its delay', () => {
    const callback = vi.fn();
    systemClock.setTimer(callback, 100);
    vi.advanceTimersByTime(99);
    expect(callback).toHaveBeenCalledTimes(0);
    vi.advanceTimersByTime(1000);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test('a timer that was cancelled never fires', () => {
    const callback = vi.fn();
    const timer = systemClock.setTimer(callback, 100);
    timer.cancel();
    timer.cancel();
    vi.advanceTimersByTime(1000);
    expect(callback).toHaveBeenCalledTimes(0);
  });

  test('a delay below zero counts as zero, one beyond the longest is cut', () => {
    const set = vi.spyOn(globalThis, 'setTimeout');
    systemClock.setTimer(() => undefined, -5);
    systemClock.setTimer(() => undefined, 2 ** 40);
    expect(set.mock.calls.map(([, delayMs]) => delayMs)).toEqual([0, LONGEST_TIMER_MS]);
  });

  test('an immediate runs as soon as it can', () => {
    const callback = vi.fn();
    systemClock.setImmediate(callback);
    expect(callback).toHaveBeenCalledTimes(0);
    vi.runAllTimers();
    expect(callback).toHaveBeenCalledTimes(1);
  });
});

describe('sleep', () => {
  test('resolves after its delay and leaves no timer', async () => {
    const clock = new ManualClock();
    const slept = vi.fn();
    sleep(clock, 100).then(slept);
    await clock.advance(99);
    expect(slept).toHaveBeenCalledTimes(0);
    await clock.advance(1);
    expect(slept).toHaveBeenCalledTimes(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test('resolves at once when its signal aborts, and leaves no timer', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, 100, controller.signal);
    controller.abort();
    await sleeping;
    expect(clock.pendingTimers).toBe(0);
  });

  test('resolves at once when its signal was aborted before', async () => {
    const clock = new ManualClock();
    await sleep(clock, 100, AbortSignal.abort());
    expect(clock.pendingTimers).toBe(0);
  });

  test('forgets its signal once it is over', async () => {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    const sleeping = sleep(clock, 100, signal);
    await clock.advance(100);
    await sleeping;
    expect(removed).toHaveBeenCalledTimes(1);
  });
});

describe('withDeadline', () => {
  const late = (): Error => new Error('Late');

  test('settles as the work does when that is in time, and leaves no timer', async () => {
    const clock = new ManualClock();
    await expect(withDeadline(clock, Promise.resolve(5), 100, late)).resolves.toBe(5);
    const failing = withDeadline(clock, Promise.reject(new Error('Boom')), 100, late);
    await expect(failing).rejects.toThrow('Boom');
    await clock.settle();
    expect(clock.pendingTimers).toBe(0);
  });

  test('rejects when the work takes too long, and swallows what it does later', async () => {
    const clock = new ManualClock();
    let reject: (error: Error) => void = () => undefined;
    const promise = new Promise<never>((_resolve, rejectPromise) => {
      reject = rejectPromise;
    });
    const bounded = withDeadline(clock, promise, 100, late);
    const outcome = expect(bounded).rejects.toThrow('Late');
    await clock.advance(100);
    await outcome;
    reject(new Error('Too late to matter'));
    await clock.settle();
  });
});
