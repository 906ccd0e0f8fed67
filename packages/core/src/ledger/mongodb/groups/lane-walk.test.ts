import { expect, test } from 'vitest';
import { groupHashStart, LANE_HASHES } from '../../../job/lanes.ts';
import { LaneWalk } from './lane-walk.ts';

test('a walk goes on at the first hash behind the last, and ends where it began', () => {
  const from = `${groupHashStart(LANE_HASHES / 2)}a`;
  const walk = new LaneWalk({ lane: from, left: 0 });
  const quarter = LANE_HASHES / 4;
  const parts = Array.from({ length: 5 }, () => {
    const part = walk.next(quarter);
    return { part, share: walk.walked / LANE_HASHES, isDone: walk.isDone };
  });
  const start = (hash: number): string => groupHashStart(hash);
  expect(parts).toEqual([
    { part: { $gt: from, $lt: start(3 * quarter) }, share: 0.25, isDone: false },
    { part: { $gte: start(3 * quarter), $lt: start(LANE_HASHES) }, share: 0.5, isDone: false },
    { part: { $gte: start(0), $lt: start(quarter) }, share: 0.75, isDone: false },
    { part: { $gte: start(quarter), $lt: start(2 * quarter) }, share: 1, isDone: false },
    { part: { $gte: start(2 * quarter), $lte: from }, share: 1, isDone: true },
  ]);
});

test('a walk begins with a lane whose turn was cut short, and ends before it', () => {
  const lane = `${groupHashStart(LANE_HASHES / 2)}a`;
  const walk = new LaneWalk({ lane, left: 1 });
  const parts = Array.from({ length: 3 }, () => walk.next(LANE_HASHES / 2));
  const [begin, middle, end] = [0, LANE_HASHES / 2, LANE_HASHES].map((hash) =>
    groupHashStart(hash),
  );
  expect(parts).toEqual([
    { $gte: lane, $lt: end },
    { $gte: begin, $lt: middle },
    { $gte: middle, $lt: lane },
  ]);
});
