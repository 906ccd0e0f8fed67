import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../testing/index.ts';
import { type Random, sample, systemRandom } from './random.ts';

describe('systemRandom', () => {
  test('a fraction lies from 0 up to 1', () => {
    for (let draw = 0; draw < 100; draw += 1) {
      const fraction = systemRandom.fraction();
      expect(fraction >= 0 && fraction < 1).toBe(true);
    }
  });

  test('no two tokens are alike', () => {
    const tokens = Array.from({ length: 1000 }, () => systemRandom.token());
    expect(new Set(tokens).size).toBe(1000);
    expect(tokens.every((token) => /^[\w-]{16}$/.test(token))).toBe(true);
  });

  test('an id carries the time it is made for, in seconds', () => {
    const id = systemRandom.objectId(1_234_567_890_999);
    expect(id.getTimestamp()).toEqual(new Date(1_234_567_890_000));
    expect(systemRandom.objectId(1_234_567_890_999).equals(id)).toBe(false);
  });
});

describe('sample', () => {
  const items = [1, 2, 3, 4, 5, 6, 7, 8];

  test('takes as many as are wanted, in their old order', () => {
    const random = new SeededRandom(1);
    for (let count = 0; count <= items.length; count += 1) {
      const chosen = sample(random, items, count);
      expect(chosen).toHaveLength(count);
      expect(chosen).toEqual([...chosen].sort((a, b) => a - b));
      expect(new Set(chosen).size).toBe(count);
    }
  });

  test('takes everything when there is no more than that', () => {
    const highest: Random = { ...systemRandom, fraction: () => 0.999_999 };
    expect(sample(highest, items, 100)).toEqual(items);
    expect(sample(highest, [], 3)).toEqual([]);
  });

  test('gives every item the same chance', () => {
    const random = new SeededRandom(2);
    const counts = new Map(items.map((item) => [item, 0]));
    for (let round = 0; round < 4000; round += 1) {
      for (const item of sample(random, items, 2)) counts.set(item, (counts.get(item) ?? 0) + 1);
    }
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});
