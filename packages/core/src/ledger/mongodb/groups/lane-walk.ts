/**
 * A walk once around the lanes of all groups of a name, from behind one of them, a part of the hashes at a time.
 *
 * @module
 */
import type { Document } from 'mongodb';
import { groupHashStart, hashOfGroupLane, LANE_HASHES } from '../../../job/lanes.ts';
import type { LastTurn } from '../../group-choice.ts';
import { EmptyWalks } from '../orders/empty-walks.ts';

/** The part of all hashes that is looked at first. */
const FIRST_WIDTH = LANE_HASHES / 256;

/** How much wider the next part is when there were few lanes in this one. */
const WIDENING = 16;

/** So long a part that took too long is not asked for again, and a count of lanes stands, in milliseconds. */
const STANDS_MS = 600_000;

/** Once around. */
export class LaneWalk {
  readonly #from: string;
  readonly #isWithFrom: boolean;
  #at: Document;
  #hash: number;
  #isBehindEnd = false;
  #isDone = false;

  /** @param last - its lane comes last, or first where the turn was cut short */
  constructor({ lane, left }: LastTurn) {
    this.#from = lane;
    this.#isWithFrom = left > 0;
    this.#at = this.#isWithFrom ? { $gte: lane } : { $gt: lane };
    this.#hash = hashOfGroupLane(lane);
  }

  /** How much of the hashes was looked at. */
  get walked(): number {
    if (this.#isDone) return LANE_HASHES;
    const hash = this.#hash + (this.#isBehindEnd ? LANE_HASHES : 0);
    return hash - hashOfGroupLane(this.#from);
  }

  /** True when all lanes were in some part. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The lanes of the next part. */
  next(width: number): Document {
    if (width >= LANE_HASHES && !this.#isBehindEnd && this.#hash === hashOfGroupLane(this.#from)) {
      this.#isDone = true;
      return { $gte: groupHashStart(0), $lt: groupHashStart(LANE_HASHES) };
    }
    const from = this.#at;
    const end = Math.min(this.#hash + Math.max(Math.ceil(width), 1), LANE_HASHES);
    if (this.#isBehindEnd && end > hashOfGroupLane(this.#from)) {
      this.#isDone = true;
      return { ...from, ...(this.#isWithFrom ? { $lt: this.#from } : { $lte: this.#from }) };
    }
    this.#isBehindEnd ||= end === LANE_HASHES;
    this.#hash = end % LANE_HASHES;
    this.#at = { $gte: groupHashStart(this.#hash) };
    return { ...from, $lt: groupHashStart(end) };
  }
}

/** Where a walk goes on, and how much of the hashes it looks at. */
export class Place {
  /** The turn that was given last. */
  last: LastTurn;
  width: number = FIRST_WIDTH;
  /** Those in which no lane got a turn. */
  readonly emptyWalks: EmptyWalks = new EmptyWalks();
  #widest = LANE_HASHES;
  #widestUntilMs = Number.NEGATIVE_INFINITY;
  #hasMany = false;
  #countStandsUntilMs = Number.NEGATIVE_INFINITY;

  /** @param fraction - from 0 to 1: where the first walk begins */
  constructor(fraction: number) {
    this.last = { lane: groupHashStart(Math.floor(fraction * (LANE_HASHES - 1))), left: 0 };
  }

  /** A walk begins, at this monotonic time. */
  begin(nowMs: number): void {
    if (nowMs >= this.#widestUntilMs) this.#widest = LANE_HASHES;
  }

  /** Chooses how much to look at next by how many lanes were in the last part. */
  adapt(lanes: number, wanted: number): void {
    const width = lanes < wanted / WIDENING ? this.width * WIDENING : (this.width * wanted) / lanes;
    // Nearly all are read in one go.
    this.width = Math.min(width > LANE_HASHES / 2 ? LANE_HASHES : width, this.#widest);
  }

  /** The last part took longer than a read may, since many lanes were in it whose jobs are not due. */
  tookTooLong(nowMs: number): void {
    this.width = Math.max(this.width / WIDENING, 1);
    this.#widest = Math.max(this.width, FIRST_WIDTH);
    this.#widestUntilMs = nowMs + STANDS_MS;
    this.counted(true, nowMs);
  }

  /** True when nearly all lanes are looked at in one go, since few of them had a due job. */
  get isWhole(): boolean {
    return this.width >= LANE_HASHES;
  }

  /** True while parts are small since a larger one took too long. */
  get isNarrowed(): boolean {
    return this.#widest < LANE_HASHES;
  }

  /** True where few lanes in the widest part have a due job, and many have others. */
  get looksByTime(): boolean {
    return this.#hasMany && this.width >= this.#widest;
  }

  /** True when it is not known whether many lanes have jobs. */
  wantsCount(nowMs: number): boolean {
    return nowMs >= this.#countStandsUntilMs;
  }

  /** Whether many lanes have jobs. */
  counted(areMany: boolean, nowMs: number): void {
    this.#hasMany = areMany;
    this.#countStandsUntilMs = nowMs + STANDS_MS;
  }
}
