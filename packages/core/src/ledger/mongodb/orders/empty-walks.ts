/**
 * When walks through lanes, which end after so many, count as a look at all of them.
 *
 * @module
 */
import { LANE_HASHES } from '../../../job/lanes.ts';

/** The walks for one name that found nothing, one after the other. */
export class EmptyWalks {
  #walked = 0;

  /**
   * Notes a walk.
   *
   * @param walked - how much of the hashes it looked at
   * @returns true when this one and those before it found nothing and went once around; then the count begins again
   */
  goneAround(walked: number, hasFound: boolean): boolean {
    this.#walked = hasFound ? 0 : this.#walked + walked;
    if (this.#walked < LANE_HASHES) return false;
    this.#walked = 0;
    return true;
  }

  /** The next walk does not go on where the last one ended. */
  beginAgain(): void {
    this.#walked = 0;
  }
}
