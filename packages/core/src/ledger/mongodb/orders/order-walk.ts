/**
 * A walk once around the lanes of all orders of a name, a part of the hashes at a time.
 *
 * What always holds: of a part that holds more lanes than one look reads only those count as looked at that were read,
 * and the next look goes on behind the last of them. So no lane is passed over, and no look is ever larger than that.
 *
 * @module
 */
import { hashOfLane, hashStart, LANE_HASHES } from '../../../job/lanes.ts';
import { EmptyWalks } from './empty-walks.ts';
import type { LaneRange } from './lane-queries.ts';

/** The part of all hashes that is looked at first, and how the next part is chosen by how many lanes were in it. */
const FIRST_WIDTH = LANE_HASHES / 256;
const FEW_HEADS = 100;
const MANY_HEADS = 500;
const WIDENING = 16;

/** Where the walks of a name go on, and how much of the hashes each look is for. */
export class OrderPlace {
  /** What the next lanes lie behind: where a hash begins, or a lane. */
  after: string;
  width: number = FIRST_WIDTH;
  /** Those in which nobody was found. */
  readonly emptyWalks: EmptyWalks = new EmptyWalks();

  /** @param fraction - from 0 to 1: where the first walk begins */
  constructor(fraction: number) {
    this.after = hashStart(Math.floor(fraction * LANE_HASHES));
  }
}

/** Once around, or a part of that. */
export class OrderWalk {
  readonly #place: OrderPlace;
  #after: string;
  /** Where the hashes end of the part that is looked at. */
  #end = 0;
  #walked: number;

  constructor(place: OrderPlace) {
    this.#place = place;
    if (place.width >= LANE_HASHES) {
      // All are looked at in one go.
      place.after = hashStart(0);
      place.emptyWalks.beginAgain();
    }
    this.#after = place.after;
    // Others of its hash may lie before the lane that it goes on behind: they come last.
    this.#walked = this.#after === hashStart(hashOfLane(this.#after)) ? 0 : -1;
  }

  /** True when all lanes were looked at. */
  get isAround(): boolean {
    return this.#walked >= LANE_HASHES;
  }

  /** The lanes of the next part. */
  next(): Omit<LaneRange, 'name'> {
    const hash = hashOfLane(this.#after);
    const left = LANE_HASHES - Math.max(hash, this.#walked);
    this.#end = hash + Math.min(this.#place.width, left);
    return { after: this.#after, before: hashStart(this.#end) };
  }

  /**
   * Notes that the part was looked at.
   *
   * @param heads - in how many lanes somebody waits
   * @param last - the last lane that was read, when there may be more behind it
   */
  looked(heads: number, last: string | undefined): void {
    const end = last === undefined ? this.#end : hashOfLane(last);
    this.#walked += end - hashOfLane(this.#after);
    this.#after = last ?? hashStart(end % LANE_HASHES);
    this.#place.after = this.#after;
    if (last !== undefined || heads > MANY_HEADS) this.#narrow();
    else if (heads < FEW_HEADS) this.#widen();
  }

  /** The look has failed, perhaps since it was for too much: the next one is for less, of the same lanes. */
  failed(): void {
    this.#narrow();
  }

  /** The walk ends here. True when it has looked at all lanes, or those before it have found nobody in the others. */
  ended(hasFound: boolean): boolean {
    const goneAround = this.#place.emptyWalks.goneAround(this.#walked, hasFound);
    return goneAround || this.isAround;
  }

  #narrow(): void {
    this.#place.width = Math.max(1, this.#place.width / WIDENING);
  }

  #widen(): void {
    this.#place.width = Math.min(this.#place.width * WIDENING, LANE_HASHES);
  }
}
