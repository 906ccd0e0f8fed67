import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../testing/seeded-random.ts';
import { cutDemand } from './overdue.ts';

const before = new Date(0);
const random = new SeededRandom(1);

describe('a demand that is cut', () => {
  test('stays as it is where it fits', () => {
    const demand = [{ name: 'a', limit: 10, overdue: { before, limit: 5 } }];
    expect(cutDemand(demand, 10, random)).toBe(demand);
  });

  test('leaves each name at least one job, and nothing overdue to one that asked for no such', () => {
    const demand = [
      { name: 'a', limit: 90 },
      { name: 'b', limit: 10 },
    ];
    expect(cutDemand(demand, 9, random)).toEqual([
      { name: 'a', limit: 8 },
      { name: 'b', limit: 1 },
    ]);
  });

  test('keeps the part of overdue jobs: half of many, and half of the time one of one', () => {
    const many = cutDemand([{ name: 'a', limit: 100, overdue: { before, limit: 50 } }], 40, random);
    expect(many).toEqual([{ name: 'a', limit: 40, overdue: { before, limit: 20 } }]);
    const one = [{ name: 'a', limit: 10, overdue: { before, limit: 5 } }];
    const cut = Array.from({ length: 1_000 }, () => cutDemand(one, 1, random)[0]);
    expect(new Set(cut.map((demand) => demand?.limit))).toEqual(new Set([1]));
    const withOverdue = cut.filter((demand) => demand?.overdue !== undefined);
    expect(new Set(withOverdue.map((demand) => demand?.overdue?.limit))).toEqual(new Set([1]));
    expect(withOverdue.length).toBeGreaterThan(400);
    expect(withOverdue.length).toBeLessThan(600);
  });
});
