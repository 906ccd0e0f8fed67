import { expect, test } from 'vitest';
import * as real from '../../src/clock.ts';
import { backToNow, movable, passTime } from './server-clock.ts';

test('time that a file moved on is back for the files behind it', () => {
  const clock = movable({ ...real, nowMs: () => 1_000 });
  passTime(5_000);
  expect(clock.nowMs()).toBe(6_000);
  backToNow();
  expect(clock.nowMs()).toBe(1_000);
});
