/**
 * What was done through this server, by whom. In memory, and bounded.
 *
 * @module
 */
import type { ActivityAnswer } from '../api/types.ts';

/** The most entries that are kept. */
const MOST = 500;

/** One entry. */
export type Deed = ActivityAnswer['entries'][number];

/** The newest deeds. */
export class Activity {
  readonly #deeds: Deed[] = [];

  note(deed: Deed): void {
    this.#deeds.push(deed);
    if (this.#deeds.length > MOST) this.#deeds.shift();
  }

  /** The newest first. */
  read(): Deed[] {
    return this.#deeds.toReversed();
  }
}
