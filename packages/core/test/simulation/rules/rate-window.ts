/** What must hold of a rate: in no window of time more starts than it allows. */
import type { RateLimit } from '../../../src/ledger/verbs/limits.ts';

/** More starts than a rate allows. */
export interface Excess {
  readonly count: number;
  readonly most: number;
}

/** The starts under one rate. */
export class RateWindow {
  readonly #rate: RateLimit;
  /** A start may be seen so much later than it was given. */
  readonly #laterMs: number;
  readonly #times: number[] = [];

  constructor(rate: RateLimit, laterMs: number) {
    this.#rate = rate;
    this.#laterMs = laterMs;
  }

  /** Notes a start, and says of each window that it falls into and that has too many. */
  start(atMs: number, besides = 0): readonly Excess[] {
    const times = this.#times;
    const { limit, perMs, burst } = this.#rate;
    times.push(atMs);
    times.sort((a, b) => a - b);
    const found: Excess[] = [];
    // Others that come after it may have been told of before.
    for (const [first, fromMs] of times.entries()) {
      if (fromMs > atMs) break;
      for (const [last, untilMs] of times.entries()) {
        if (untilMs < atMs) continue;
        const most = (limit * (untilMs - fromMs + this.#laterMs)) / perMs + burst + besides;
        const count = last - first + 1;
        if (count > most) found.push({ count, most });
      }
    }
    return found;
  }
}
