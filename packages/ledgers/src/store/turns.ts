/**
 * Takes turns within one process.
 *
 * @module
 */

/** Runs what it is given one after the other, in the order in which it was given. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs the work after all that was given before it has ended, well or not. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
