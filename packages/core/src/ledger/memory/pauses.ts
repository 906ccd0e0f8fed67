/**
 * The names of an in-memory ledger that are paused.
 *
 * @module
 */
import type { PauseRecord, PauseVerbs, SetPausedParams } from '../ledger-repository.ts';
import type { Hints } from './hints.ts';

/** Pauses names, and resumes them. */
export class MemoryPauses implements PauseVerbs {
  readonly #pauses = new Map<string, PauseRecord>();
  readonly #hints: Hints;

  constructor(hints: Hints) {
    this.#hints = hints;
  }

  /** Pauses or resumes a name; again changes nothing. */
  async setPaused({ name, paused, now: at, by, reason }: SetPausedParams): Promise<void> {
    if (paused === this.#pauses.has(name)) return;
    const why = { ...(by && { by }), ...(reason && { reason }) };
    if (paused) this.#pauses.set(name, { name, at, ...why });
    else this.#pauses.delete(name);
    this.#hints.send({ kind: 'pausesChanged' });
  }

  /** The names that are paused. */
  async readPaused(): Promise<readonly PauseRecord[]> {
    const pauses = [...this.#pauses.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return structuredClone(pauses);
  }
}
