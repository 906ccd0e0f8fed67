/**
 * How often values of each size were measured, in fixed buckets, so that it takes the same room however many there
 * were.
 *
 * @module
 */

/** The bounds of the buckets for times, in milliseconds. */
export const TIME_BOUNDS_MS: readonly number[] = Object.freeze([
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000],
  ...[60_000, 300_000, 1_800_000, 7_200_000, 86_400_000],
]);

/** The bounds of the buckets for numbers of jobs. */
export const SIZE_BOUNDS: readonly number[] = Object.freeze([
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000],
]);

/** What a histogram holds. */
export interface HistogramReading {
  /** How many values there were. */
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** How many values were in each bucket; those beyond the last bound are in the last, whose bound is `Infinity`. */
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[];
}

/** Counts values by their size. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  /** @param bounds - ascending; a value that equals a bound is in its bucket */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** Counts one value. */
  record(value: number): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > Number(bounds[index])) index += 1;
    this.#counts[index] = Number(this.#counts[index]) + 1;
    this.#count += 1;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** A copy of what was counted so far. */
  read(): HistogramReading {
    const bounds = [...this.#bounds, Number.POSITIVE_INFINITY];
    const buckets = this.#counts.map((count, index) =>
      Object.freeze({ upTo: Number(bounds[index]), count }),
    );
    return Object.freeze({
      count: this.#count,
      sum: this.#sum,
      min: this.#min,
      max: this.#max,
      buckets: Object.freeze(buckets),
    });
  }
}
