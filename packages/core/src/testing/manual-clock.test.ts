import { describe, expect, test, vi } from 'vitest';
import { LONGEST_TIMER_MS, sleep } from '../foundation/clock.ts';
import { MANUAL_CLOCK_START, ManualClock } from './manual-clock.ts';

describe('ManualClock', () => {
  test('time stands still until it is told to move', async () => {
    const clock = new ManualClock();
    await clock.settle();
    expect([clock.now(), clock.monotonic()]).toEqual([MANUAL_CLOCK_START.getTime(), 0]);
    await clock.advance(1500);
    expect([clock.now(), clock.monotonic()]).toEqual([MANUAL_CLOCK_START.getTime() + 1500, 1500]);
  });

  test('it starts when it is told to', () => {
    expect(new ManualClock({ start: new Date(77) }).now()).toBe(77);
  });

  test('the wall time alone may jump, in either direction, and moves no timer', async () => {
    const clock = new ManualClock({ start: new Date(1000) });
    const callback = vi.fn();
    clock.setTimer(callback, 10);
    clock.jumpWall(500);
    expect([clock.now(), clock.monotonic()]).toEqual([1500, 0]);
    clock.jumpWall(-1000);
    await clock.advance(9);
    expect(clock.now()).toBe(509);
    expect(callback).toHaveBeenCalledTimes(0);
  });

  test('timers fire in the order of their times, each at its own time', async () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    const note = (name: string) => (): void => {
      fired.push(`${name} at ${clock.monotonic()}`);
    };
    clock.setTimer(note('late'), 30);
    clock.setTimer(note('first'), 10);
    clock.setTimer(note('second'), 10);
    clock.setTimer(note('beyond'), 101);
    await clock.advance(100);
    expect(fired).toEqual(['first at 10', 'second at 10', 'late at 30']);
    expect(clock.pendingTimers).toBe(1);
  });

  test('a timer that is set by a timer, or by code that awaits one, takes part', async () => {
    const clock = new ManualClock();
    const times: number[] = [];
    const loop = async (): Promise<void> => {
      for (let round = 0; round < 3; round += 1) {
        await sleep(clock, 10);
        times.push(clock.monotonic());
      }
    };
    const looping = loop();
    await clock.advance(100);
    await looping;
    expect(times).toEqual([10, 20, 30]);
    expect(clock.monotonic()).toBe(100);
  });

  test('a timer without delay waits for an advance, be it of nothing', async () => {
    const clock = new ManualClock();
    const callback = vi.fn();
    clock.setTimer(callback, -5);
    await clock.settle();
    expect(callback).toHaveBeenCalledTimes(0);
    await clock.advance(0);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test('a delay beyond the longest is cut, as the real clock does', async () => {
    const clock = new ManualClock();
    const callback = vi.fn();
    clock.setTimer(callback, 2 ** 40);
    await clock.advance(LONGEST_TIMER_MS);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test('a cancelled timer never fires', async () => {
    const clock = new ManualClock();
    const callback = vi.fn();
    const timer = clock.setTimer(callback, 10);
    timer.cancel();
    await clock.advance(100);
    timer.cancel();
    expect(callback).toHaveBeenCalledTimes(0);
  });

  test('what a timer throws rejects the advance, at the time of the timer', async () => {
    const clock = new ManualClock();
    clock.setTimer(() => {
      throw new Error('Boom');
    }, 10);
    await expect(clock.advance(100)).rejects.toThrow('Boom');
    expect(clock.monotonic()).toBe(10);
  });

  test('immediates run by themselves, and settling waits for a chain of them', async () => {
    const clock = new ManualClock();
    let rounds = 0;
    const next = (): void => {
      rounds += 1;
      if (rounds < 20) clock.setImmediate(next);
    };
    clock.setImmediate(next);
    await clock.settle();
    expect(rounds).toBe(20);
  });

  test('settling ends although immediates never do', async () => {
    const clock = new ManualClock();
    let isOver = false;
    const spin = (): void => {
      if (!isOver) clock.setImmediate(spin);
    };
    clock.setImmediate(spin);
    await clock.settle();
    isOver = true;
    await clock.settle();
    expect(clock.pendingTimers).toBe(0);
  });
});
