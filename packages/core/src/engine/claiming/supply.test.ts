import { expect, test } from 'vitest';
import { SupplyGauge } from './supply.ts';

/** What a gauge says at the end of each second in which so many jobs came in ten rounds, with more to come. */
function secondsOf(...jobs: number[]): string[] {
  const gauge = new SupplyGauge();
  let nowMs = 0;
  return jobs.map((count) => {
    let said = '';
    for (let round = 0; round < 10; round += 1) {
      said = gauge.note(count / 10, true, nowMs);
      nowMs += 101;
    }
    return said;
  });
}

test('a thousand jobs with more to come make a backlog at once, a hundred when it has stood for a second', () => {
  expect(secondsOf(2_000)).toEqual(['backlogged']);
  expect(secondsOf(120, 120, 120)).toEqual(['scarce', 'backlogged', 'backlogged']);
  expect(secondsOf(90, 90, 90)).toEqual(['scarce', 'scarce', 'scarce']);
});

test('a backlog does not come and go with a few jobs more or less', () => {
  expect(secondsOf(120, 120, 90, 60, 120, 40, 40, 90, 90)).toEqual([
    'scarce',
    ...Array(5).fill('backlogged'),
    ...Array(3).fill('scarce'),
  ]);
});
