import { describe, expect, test } from 'vitest';
import { hashStart, LANE_HASHES } from '../../../job/lanes.ts';
import { OrderPlace, OrderWalk } from './order-walk.ts';

const QUARTER = LANE_HASHES / 4;

/** Neither few lanes nor many, so that the width stays. */
const SOME = 300;

/** A place of which each look is for a quarter of the hashes. */
function placeAt(after: string): OrderPlace {
  const place = new OrderPlace(0);
  place.after = after;
  place.width = QUARTER;
  return place;
}

/** What a walk once around looks at. */
function partsOf(place: OrderPlace): readonly (readonly [string, string])[] {
  const walk = new OrderWalk(place);
  const parts: (readonly [string, string])[] = [];
  while (!walk.isAround && parts.length < 9) {
    const { after, before } = walk.next();
    parts.push([after, before]);
    walk.looked(SOME, undefined);
  }
  return parts;
}

describe('a walk through orders', () => {
  test('goes once around from where a hash begins, and ends there', () => {
    const place = placeAt(hashStart(1.5 * QUARTER));
    const starts = [1.5, 2.5, 3.5].map((quarters) => hashStart(quarters * QUARTER));
    expect(partsOf(place)).toEqual([
      [starts[0], starts[1]],
      [starts[1], starts[2]],
      [starts[2], hashStart(LANE_HASHES)],
      [hashStart(0), hashStart(QUARTER)],
      [hashStart(QUARTER), starts[0]],
    ]);
    expect(place.after).toBe(starts[0]);
  });

  test('looks last at the lanes of the hash it began within', () => {
    const lane = `${hashStart(2 * QUARTER)}:a`;
    const parts = partsOf(placeAt(lane));
    expect(parts[0]).toEqual([lane, hashStart(3 * QUARTER)]);
    expect(parts.at(-1)?.[1]).toBe(hashStart(2 * QUARTER + 1));
  });

  test('goes on behind the last lane that was read where a part holds more, and is for less then', () => {
    const place = placeAt(hashStart(0));
    const walk = new OrderWalk(place);
    walk.next();
    const last = `${hashStart(QUARTER / 2)}:a`;
    walk.looked(2_000, last);
    expect(walk.next()).toEqual({
      after: last,
      before: hashStart(QUARTER / 2 + QUARTER / 16),
    });
    expect(place.after).toBe(last);
  });

  test('of lanes with one hash passes none over, however many they are', () => {
    const walk = new OrderWalk(placeAt(hashStart(7)));
    walk.next();
    walk.looked(2_000, `${hashStart(7)}:a`);
    walk.next();
    walk.looked(2_000, `${hashStart(7)}:b`);
    expect(walk.next().after).toBe(`${hashStart(7)}:b`);
    expect(walk.isAround).toBe(false);
  });

  test('that fails stays where it was, and is for less the next time, down to one hash', () => {
    const place = placeAt(hashStart(QUARTER));
    for (let times = 0; times < 20; times += 1) {
      const walk = new OrderWalk(place);
      walk.next();
      walk.failed();
    }
    expect(place).toMatchObject({ after: hashStart(QUARTER), width: 1 });
  });

  test('counts with those before it as a look at all only where it goes on behind them', () => {
    const place = placeAt(hashStart(2 * QUARTER));
    const first = new OrderWalk(place);
    first.next();
    first.looked(0, undefined);
    expect(first.ended(false)).toBe(false);
    expect(place.width).toBe(LANE_HASHES);
    const second = new OrderWalk(place);
    expect(second.next()).toEqual({ after: hashStart(0), before: hashStart(LANE_HASHES) });
    second.looked(2_000, `${hashStart(3 * QUARTER)}:a`);
    expect(second.ended(false)).toBe(false);
    // From there on once around.
    place.width = QUARTER;
    const third = new OrderWalk(place);
    third.next();
    third.looked(SOME, undefined);
    third.next();
    third.looked(SOME, undefined);
    expect(third.ended(false)).toBe(true);
  });
});
