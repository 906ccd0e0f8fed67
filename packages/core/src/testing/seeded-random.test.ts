import { describe, expect, test } from 'vitest';
import { SeededRandom } from './seeded-random.ts';

function draw(seed: number): unknown[] {
  const random = new SeededRandom(seed);
  return [
    random.fraction(),
    random.token(),
    random.objectId(5000).toHexString(),
    random.fraction(),
  ];
}

describe('SeededRandom', () => {
  test('one seed gives one series, another seed another', () => {
    expect(draw(7)).toEqual(draw(7));
    const [first, second] = [draw(7), draw(8)];
    for (const [index, value] of first.entries()) expect(value).not.toEqual(second[index]);
  });

  test('fractions lie from 0 up to 1 and spread evenly', () => {
    const random = new SeededRandom(1);
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let round = 0; round < 10_000; round += 1) {
      const tenth = Math.floor(random.fraction() * 10);
      tenths[tenth] = (tenths[tenth] ?? Number.NaN) + 1;
    }
    for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  test('no two tokens of a series are alike', () => {
    const random = new SeededRandom(3);
    const tokens = Array.from({ length: 5000 }, () => random.token());
    expect(new Set(tokens).size).toBe(5000);
    expect(tokens.every((token) => /^[0-9a-f]{24}$/.test(token))).toBe(true);
  });

  test('ids carry their time and sort in the order in which they were made', () => {
    const random = new SeededRandom(3);
    const ids = Array.from({ length: 300 }, () => random.objectId(1_234_567_890_999));
    const hexes = ids.map((id) => id.toHexString());
    expect(ids[0]?.getTimestamp()).toEqual(new Date(1_234_567_890_000));
    expect(hexes).toEqual([...hexes].sort());
    expect(new Set(hexes).size).toBe(300);
  });
});
