import type { Document } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { groupHashStart, LANE_HASHES, laneOf, laneOfGroup } from '../../../job/lanes.ts';
import type { LastTurn } from '../../group-choice.ts';
import { IndexName } from '../server/indexes.ts';
import { DueLanes, type DueWalk } from './due-lanes.ts';
import type { MongoLanes } from './lanes.ts';

const MINUTE_MS = 60_000;
const HALF_MS = 5_000;
const MANY = 3_000;

interface Read {
  readonly kind: 'lanes' | 'time' | 'count';
  /** How much of the hashes. */
  readonly width?: number;
  readonly found: number;
}

/** Lanes with how many due jobs each has, and what reads of them do. */
class World {
  readonly due = new Map<string, number>();
  readonly reads: Read[] = [];
  nowMs = 0;
  readMs = 0;
  /** Throws for a part that cannot be read. */
  onPart: (width: number) => void = () => undefined;
  readonly #walks: DueLanes;

  constructor() {
    const clock = { monotonic: () => this.nowMs };
    const parts = { bounds: { clock, random: { fraction: () => 0 } } };
    const aggregate = async (pipeline: Document[], hint?: string) => this.#read(pipeline, hint);
    this.#walks = new DueLanes({ parts, aggregate } as unknown as MongoLanes);
  }

  add(count: number, jobs: number): string[] {
    const first = this.due.size;
    const added = Array.from({ length: count }, (_, index) => laneOfGroup(`${first + index}`));
    for (const lane of added) this.due.set(lane, jobs);
    return added;
  }

  begin(turns: number): DueWalk {
    const untilMs = this.nowMs + HALF_MS;
    return this.#walks.walk({ name: 'sync', turns, now: new Date(0), untilMs });
  }

  /** Gives so many lanes a turn, of which each takes all due jobs of its lane, unless all are full. */
  async claim(turns: number, areFull = false): Promise<{ lanes: string[]; isAll: boolean }> {
    const walk = this.begin(turns);
    const lanes: string[] = [];
    while (!walk.isOver && (areFull || lanes.length < turns)) {
      for (const { _id } of await walk.next()) lanes.push(_id);
    }
    const first = Math.max(
      lanes.findIndex((lane) => lane > walk.last.lane),
      0,
    );
    const served = areFull ? [] : [...lanes.slice(first), ...lanes.slice(0, first)].slice(0, turns);
    for (const lane of served) if (this.due.has(lane)) this.due.set(lane, 0);
    return { lanes: served, isAll: walk.end(turnOf(served.at(-1))) };
  }

  async #read(pipeline: Document[], hint?: string): Promise<Document[]> {
    this.nowMs += this.readMs;
    const range: Document = pipeline[0]?.$match.lane;
    if (pipeline.some(({ $count }) => $count !== undefined)) {
      const lanes = [...this.due.keys()].filter((lane) => isIn(range, lane)).length;
      this.reads.push({ kind: 'count', found: lanes });
      return lanes === 0 ? [] : [{ lanes }];
    }
    const all = [...this.due].filter(([, jobs]) => jobs > 0).sort(([a], [b]) => (a < b ? -1 : 1));
    if (hint === IndexName.CLAIM) {
      this.reads.push({ kind: 'time', found: all.length });
      return all.map(([_id, jobs]) => ({ _id, jobs }));
    }
    const width = widthOf(range);
    this.onPart(width);
    const limit = pipeline.find(({ $limit }) => $limit !== undefined)?.$limit;
    const found = all.filter(([lane]) => isIn(range, lane)).slice(0, limit);
    this.reads.push({ kind: 'lanes', width, found: found.length });
    return found.map(([_id]) => ({ _id }));
  }

  /** The kinds of the reads since the last look, in order. */
  kinds(): string[] {
    return this.reads.splice(0).map(({ kind }) => kind);
  }
}

function isIn({ $gt, $gte, $lt, $lte }: Document, lane: string): boolean {
  const isBehind = $gt === undefined ? lane >= $gte : lane > $gt;
  return isBehind && ($lt === undefined ? lane <= $lte : lane < $lt);
}

function widthOf({ $gt, $gte, $lt, $lte }: Document): number {
  const hashOf = (lane: string): number =>
    lane === groupHashStart(LANE_HASHES) ? LANE_HASHES : Number.parseInt(lane.slice(1, 9), 16);
  return hashOf($lt ?? $lte) - hashOf($gt ?? $gte);
}

function turnOf(lane: string | undefined): LastTurn | undefined {
  return lane === undefined ? undefined : { lane, left: 0 };
}

/** After a walk that found no due job. */
async function idleWorld(lanes: number): Promise<World> {
  const world = new World();
  world.add(lanes, 0);
  await world.claim(5);
  world.kinds();
  return world;
}

function timeIsUp(): never {
  throw Object.assign(new Error('operation exceeded time limit'), { code: 50 });
}

describe('a walk through lanes of groups', () => {
  test('brings no more lanes in a reply than one claim looks at, and serves all that are due at once', async () => {
    const world = await idleWorld(0);
    const lanes = world.add(9_000, 1);
    const served: string[] = [];
    for (let claims = 0; claims < 18; claims += 1) {
      const claimed = await world.claim(500);
      served.push(...claimed.lanes);
      if (claims < 17) expect(claimed.isAll).toBe(false);
    }
    expect(served.toSorted()).toEqual(lanes.toSorted());
    expect(Math.max(...world.reads.map(({ found }) => found))).toBe(2_000);
    expect(await world.claim(500)).toEqual({ lanes: [], isAll: true });
  });

  test('goes on behind a reply that was cut, where no lane in it had room', async () => {
    const world = await idleWorld(0);
    world.add(9_000, 1);
    const seen = new Set<string>();
    let isAll = false;
    for (let claims = 0; !isAll && claims < 20; claims += 1) {
      const walk = world.begin(500);
      while (!walk.isOver) for (const { _id } of await walk.next()) seen.add(_id);
      isAll = walk.end(undefined);
    }
    expect(isAll).toBe(true);
    expect(seen.size).toBe(9_000);
  });

  test('counts the lanes before it looks at all of them, and again after ten minutes', async () => {
    const world = new World();
    world.add(500, 0);
    await world.claim(5);
    expect(world.kinds().slice(0, 4)).toEqual(['lanes', 'lanes', 'count', 'lanes']);
    await world.claim(5);
    expect(world.kinds()).toEqual(['lanes']);
    world.add(MANY - 500, 0);
    world.nowMs += 10 * MINUTE_MS;
    await world.claim(5);
    expect(world.kinds()).toEqual(['count', 'time']);
  });

  test('leaves it to the next claim to look by time, where it learns on its way that there are many', async () => {
    const world = new World();
    const due = world.add(MANY, 0)[0] ?? '';
    expect(await world.claim(5)).toEqual({ lanes: [], isAll: false });
    expect(world.kinds()).toEqual(['lanes', 'lanes', 'count']);
    world.due.set(due, 1);
    expect(await world.claim(5)).toEqual({ lanes: [due], isAll: true });
    expect(world.kinds()).toEqual(['time']);
  });

  test('finds the few lanes with a due job of many by their time', async () => {
    const world = await idleWorld(100_000);
    const due = world.add(3, 5).toSorted();
    world.due.set(laneOf('an order'), 1);
    const { lanes, isAll } = await world.claim(5);
    expect(lanes.toSorted()).toEqual(due);
    expect(isAll).toBe(true);
    expect(world.kinds()).toEqual(['time']);
    expect(await world.claim(5)).toEqual({ lanes: [], isAll: true });
  });

  test('looks at lanes where more jobs are due than are looked at one by one', async () => {
    const world = await idleWorld(MANY);
    const due = [...world.add(1, 600), ...world.add(1, 1)].toSorted();
    const { lanes, isAll } = await world.claim(5);
    expect(lanes.toSorted()).toEqual(due);
    expect(isAll).toBe(true);
    expect(world.kinds()).toEqual(['time', 'lanes']);
  });

  test('asks for less for ten minutes after a part that took too long', async () => {
    const world = await idleWorld(MANY);
    const [noisy = ''] = world.add(1, 600);
    world.onPart = (width) => {
      if (width > LANE_HASHES / 8) timeIsUp();
    };
    await expect(world.claim(5)).rejects.toThrow('exceeded');
    world.kinds();
    for (const minutes of [0, 9]) {
      world.nowMs += minutes * MINUTE_MS;
      world.due.set(noisy, 600);
      expect(await world.claim(5)).toEqual({ lanes: [noisy], isAll: true });
      expect(world.reads.every(({ width = 0 }) => width <= LANE_HASHES / 16)).toBe(true);
      expect(world.kinds()).toEqual(['time', ...Array(17).fill('lanes')]);
    }
    world.nowMs += MINUTE_MS;
    world.due.set(noisy, 600);
    await world.claim(5);
    await expect(world.claim(5)).rejects.toThrow('exceeded');
  });

  test('asks for as much again after any other error', async () => {
    const world = await idleWorld(10);
    world.onPart = () => {
      throw new Error('The connection broke');
    };
    await expect(world.claim(5)).rejects.toThrow('broke');
    world.onPart = () => undefined;
    await world.claim(5);
    expect(world.reads).toEqual([{ kind: 'lanes', width: LANE_HASHES, found: 0 }]);
  });

  test('ends when its time is over, and the next one goes on where it ended', async () => {
    const world = await idleWorld(MANY);
    world.add(1, 600);
    world.onPart = (width) => {
      if (width > LANE_HASHES / 8) timeIsUp();
    };
    await expect(world.claim(5)).rejects.toThrow('exceeded');
    world.kinds();
    world.readMs = HALF_MS / 5;
    const claims: boolean[] = [];
    while (!claims.includes(true) && claims.length < 10) {
      claims.push((await world.claim(5, true)).isAll);
    }
    // With the walk before them once around.
    expect(claims).toEqual([false, false, false, true]);
    const parts = world.reads.filter(({ kind }) => kind === 'lanes');
    // Each: a look by time, and four parts of a sixteenth.
    expect(parts).toHaveLength(16);
    expect(parts.some(({ found }) => found > 0)).toBe(true);
  });
});
