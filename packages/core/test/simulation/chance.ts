/** Everything that a simulated run leaves to chance, drawn from its seed. */
import { SeededRandom } from '../../src/testing/seeded-random.ts';

const SEED_RANGE = 2 ** 32;

/** A stream of chance. */
export class Chance {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** From 0 (included) to 1 (excluded). */
  fraction(): number {
    return this.#random.fraction();
  }

  /** True in that part of all cases. Draws nothing for what never happens. */
  happens(part: number): boolean {
    return part > 0 && this.#random.fraction() < part;
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.#random.fraction() * (high - low + 1));
  }

  /** One of the items; there must be one. */
  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random.fraction() * items.length)] as T;
  }

  /** A seed for a stream of its own, so that two parts do not change each other's draws. */
  seed(): number {
    return Math.floor(this.#random.fraction() * SEED_RANGE);
  }
}
