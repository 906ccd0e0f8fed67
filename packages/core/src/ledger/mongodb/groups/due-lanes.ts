/**
 * Finds the lanes of groups that have a due job, with the first such job of each: once around from behind the lane that
 * had the last turn, a part of the hashes at a time.
 *
 * What always holds: no reply has more lanes than one claim looks at, however many jobs become due together; a part that
 * took the server too long is not asked for again for some time, but smaller ones; and where many lanes have jobs of
 * which few are due, those are found by their time, whatever the number of lanes.
 *
 * @module
 */
import type { Document } from 'mongodb';
import { groupHashStart, hashOfGroupLane, isGroupLane, LANE_HASHES } from '../../../job/lanes.ts';
import type { LastTurn } from '../../group-choice.ts';
import { isTimeUp } from '../server/driver-errors.ts';
import { IndexName } from '../server/indexes.ts';
import { countedLanes, groupHeads, headsByTime } from './group-queries.ts';
import { LaneWalk, Place } from './lane-walk.ts';
import type { MongoLanes } from './lanes.ts';

/** The most lanes one claim looks at for a name; the next claim goes on behind them. */
const MOST_HEADS = 2_000;

/** How many lanes are read in one go, at least and at most: twice as many as are wanted, since some are full. */
const FEWEST_A_READ = 20;
const MOST_A_READ = 500;

/** As few due jobs are looked at one by one. */
const MOST_BY_TIME = 500;

/**
 * The part of the hashes in which lanes are counted, and how many in it are many: then there are a thousand, and to pass
 * by those without a due job costs as much as a look at due jobs.
 */
const COUNTED_PART = { $gte: groupHashStart(0), $lt: groupHashStart(LANE_HASHES / 128) };
const MANY_IN_PART = 8;

/** What lanes are looked for. */
export interface DueWalkParams {
  readonly name: string;
  /** How many lanes the claim would give a turn. */
  readonly turns: number;
  readonly now: Date;
  /** When a walk ends whose parts are small since a larger one took too long, by monotonic time; one is read in any case. */
  readonly untilMs: number;
}

/** The walks of all names, each from where the last one ended. */
export class DueLanes {
  readonly #lanes: MongoLanes;
  readonly #places = new Map<string, Place>();

  constructor(lanes: MongoLanes) {
    this.#lanes = lanes;
  }

  /** Begins a walk. */
  walk(params: DueWalkParams): DueWalk {
    const { random, clock } = this.#lanes.parts.bounds;
    const place = this.#places.get(params.name) ?? new Place(random.fraction());
    this.#places.set(params.name, place);
    place.begin(clock.monotonic());
    return new DueWalk(this.#lanes, place, params);
  }
}

/** One walk, for one claim. */
export class DueWalk {
  readonly #lanes: MongoLanes;
  readonly #place: Place;
  readonly #params: DueWalkParams;
  readonly #walk: LaneWalk;
  /** Its lane comes last, or first where the turn was cut short. */
  readonly last: LastTurn;
  #count = 0;
  #isEnded = false;
  #hasLookedByTime = false;
  #foundByTime = false;
  /** Where a reply did not go on. */
  #cutAt: string | undefined;

  constructor(lanes: MongoLanes, place: Place, params: DueWalkParams) {
    this.#lanes = lanes;
    this.#place = place;
    this.#params = params;
    this.last = place.last;
    this.#walk = new LaneWalk(this.last);
  }

  /** True when one claim looks at no more. */
  get isOver(): boolean {
    return this.#hasAll || this.#isEnded || this.#count >= MOST_HEADS;
  }

  get #hasAll(): boolean {
    return this.#foundByTime || (this.#walk.isDone && this.#cutAt === undefined);
  }

  /** The lanes of the next part, in their order. */
  async next(): Promise<readonly Document[]> {
    const place = this.#place;
    if (place.isWhole) await this.#countLanes();
    if (place.looksByTime && !this.#hasLookedByTime) {
      // In the middle of a walk that is for the next claim.
      if (this.#walk.walked > 0) {
        this.#isEnded = true;
        return [];
      }
      const all = await this.#byTime();
      if (all !== undefined) return all;
    }
    const heads = await this.#nextPart();
    this.#count += heads.length;
    if (heads.length >= MOST_HEADS) this.#cutAt = heads.at(-1)?._id;
    const isLate = this.#lanes.parts.bounds.clock.monotonic() >= this.#params.untilMs;
    this.#isEnded = isLate && place.isNarrowed;
    return heads;
  }

  /** Where whole walks find few lanes, there are few, or there are many of which few have a due job. */
  async #countLanes(): Promise<void> {
    const nowMs = this.#lanes.parts.bounds.clock.monotonic();
    if (!this.#place.wantsCount(nowMs)) return;
    const pipeline = countedLanes(this.#params.name, COUNTED_PART);
    const [counted] = await this.#lanes.aggregate(pipeline);
    this.#place.counted(counted?.lanes >= MANY_IN_PART, nowMs);
  }

  /** All lanes with a due job; undefined where too many jobs are due. */
  async #byTime(): Promise<readonly Document[] | undefined> {
    const { name, now } = this.#params;
    this.#hasLookedByTime = true;
    const pipeline = headsByTime(name, MOST_BY_TIME, now);
    const found = await this.#lanes.aggregate(pipeline, IndexName.CLAIM);
    if (found.reduce((sum, { jobs }) => sum + jobs, 0) >= MOST_BY_TIME) return undefined;
    this.#foundByTime = true;
    // Jobs with an order have the same priority.
    return found.filter(({ _id }) => isGroupLane(String(_id)));
  }

  async #nextPart(): Promise<Document[]> {
    const { name, now } = this.#params;
    const place = this.#place;
    const part = this.#walk.next(place.width);
    try {
      const heads = await this.#lanes.aggregate(groupHeads(name, part, MOST_HEADS, now));
      place.adapt(heads.length, this.#wanted);
      return heads;
    } catch (error) {
      if (isTimeUp(error)) place.tookTooLong(this.#lanes.parts.bounds.clock.monotonic());
      throw error;
    }
  }

  get #wanted(): number {
    return Math.min(Math.max(2 * this.#params.turns, FEWEST_A_READ), MOST_A_READ);
  }

  /**
   * Ends the walk; the next one goes on behind.
   *
   * @param served - the last turn of this claim
   * @returns true when all lanes were looked at, by this walk or by those before it that served none
   */
  end(served: LastTurn | undefined): boolean {
    const place = this.#place;
    const walked = this.#cutAt === undefined ? this.#walk.walked : 0;
    const hasAll = this.#hasAll;
    const hasSeen = hasAll ? LANE_HASHES : walked;
    const goneAround = place.emptyWalks.goneAround(hasSeen, served !== undefined);
    if (served !== undefined) place.last = served;
    else if (!hasAll) {
      place.last = { lane: this.#cutAt ?? behind(this.last.lane, walked), left: 0 };
    }
    return goneAround || hasAll;
  }
}

/** Where a walk goes on that has looked at so much of the hashes. */
function behind(lane: string, walked: number): string {
  return groupHashStart((hashOfGroupLane(lane) + walked) % LANE_HASHES);
}
