import { expect, test } from 'vitest';
import { inFlight } from './in-flight.ts';

test('every item is called for, and never more at once than allowed', async () => {
  const called: number[] = [];
  let underWay = 0;
  let most = 0;
  await inFlight(3, [1, 2, 3, 4, 5, 6, 7], async (item) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await Promise.resolve();
    underWay -= 1;
    called.push(item);
  });
  expect(called).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(most).toBe(3);
});

test('the first failure is reported', async () => {
  const failing = inFlight(2, [1, 2, 3], async (item) => {
    if (item === 2) throw new Error('no room for two');
  });
  await expect(failing).rejects.toThrow('no room for two');
});
