/**
 * The names of an in-memory ledger that are paused.
 *
 * @module
 */
import type { PauseVerbs, SetPausedParams } from '../ledger-repository.ts';
import type { Hints } from './hints.ts';

/** Pauses names, and resumes them. */
export class MemoryPauses implements PauseVerbs {
  readonly #names = new Set<string>();
  readonly #hints: Hints;

  constructor(hints: Hints) {
    this.#hints = hints;
  }

  /** Pauses or resumes a name; again changes nothing. */
  async setPaused({ name, paused }: SetPausedParams): Promise<void> {
    if (paused === this.#names.has(name)) return;
    if (paused) this.#names.add(name);
    else this.#names.delete(name);
    this.#hints.send({ kind: 'pausesChanged' });
  }

  /** The names that are paused. */
  async readPaused(): Promise<readonly string[]> {
    return [...this.#names].sort();
  }
}
