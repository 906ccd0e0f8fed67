/**
 * Over how many places of a queue claims are spread, so that processes that work it off together do not take the same
 * jobs.
 *
 * @module
 */

const POOR_WIN_RATE = 0.7;
const POOREST_WIN_RATE = 0.25;
const WIDEST = 16;
const NARROWING = 0.9;

/** Learns from what claims won. */
export class Widening {
  #factor = 1;

  /** How many times as many jobs are looked at as are wanted, from 1 to 16. */
  get factor(): number {
    return this.#factor;
  }

  /** Of how many places one is chosen. */
  get places(): number {
    return Math.ceil(this.#factor);
  }

  /**
   * Wider as much as rivals won more; narrower slowly, since a place that nobody else took proves little. In a queue that
   * is worked off, where each hint wakes every process, there is nothing to spread over.
   */
  adapt(won: number, attempted: number, isSaturated: boolean): void {
    if (!isSaturated) this.#factor = 1;
    if (attempted === 0 || !isSaturated) return;
    const winRate = won / attempted;
    this.#factor =
      winRate < POOR_WIN_RATE
        ? Math.min(this.#factor / Math.max(winRate, POOREST_WIN_RATE), WIDEST)
        : Math.max(this.#factor * NARROWING, 1);
  }
}
