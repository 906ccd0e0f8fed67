import { expect, test } from 'vitest';
import { ManualClock } from '../testing/index.ts';
import { SoonestTimer } from './soonest-timer.ts';

function makeTimer() {
  const clock = new ManualClock();
  let count = 0;
  const timer = new SoonestTimer(clock, () => {
    count += 1;
  });
  return { clock, timer, calls: () => count };
}

test('the soonest of several times holds, and after it the timer can be set again', async () => {
  const { clock, timer, calls } = makeTimer();
  timer.set(50);
  timer.set(20);
  timer.set(80);
  expect(clock.pendingTimers).toBe(1);
  await clock.advance(19);
  expect(calls()).toBe(0);
  await clock.advance(100);
  expect(calls()).toBe(1);
  timer.set(10);
  await clock.advance(10);
  expect(calls()).toBe(2);
});

test('a timer that was called off does not call back, and can be set again for later', async () => {
  const { clock, timer, calls } = makeTimer();
  timer.set(20);
  timer.cancel();
  timer.cancel();
  expect(clock.pendingTimers).toBe(0);
  timer.set(50);
  await clock.advance(49);
  expect(calls()).toBe(0);
  await clock.advance(1);
  expect(calls()).toBe(1);
});
