/**
 * The log of all transitions of an in-memory ledger, which it keeps by option.
 *
 * What always holds: the log is bounded; of more entries the newest stay.
 *
 * @module
 */
import type { TransitionEntry } from '../ledger-repository.ts';
import { inOrder } from '../transition-log.ts';
import { packed } from './stored-job.ts';

/** How many entries the log keeps. */
const MOST_LOGGED = 10_000;

interface Logged {
  readonly id: string;
  readonly entry: TransitionEntry;
}

/** The log of all transitions. */
export class MemoryTransitions {
  #entries: Logged[] = [];

  /** Takes the entry of one transition. */
  add(id: string, entry: TransitionEntry): void {
    this.#entries.push({ id, entry: packed(entry) });
    // Cut seldom, since a list is cut as a whole.
    if (this.#entries.length >= 2 * MOST_LOGGED) this.#entries = this.#entries.slice(-MOST_LOGGED);
  }

  /** The newest entries of a job, the oldest of them first. */
  read(id: string, limit: number): TransitionEntry[] {
    const kept = this.#entries.slice(-MOST_LOGGED).filter((logged) => logged.id === id);
    return inOrder(kept.map(({ entry }) => packed(entry))).slice(-limit);
  }
}
