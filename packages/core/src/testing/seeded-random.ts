/**
 * Chance that repeats itself.
 *
 * @module
 */
import { ObjectId } from 'mongodb';
import type { Random } from '../foundation/random.ts';

const UINT32_RANGE = 2 ** 32;
const COUNTER_RANGE = 2 ** 24;
const WARM_UP_ROUNDS = 16;

/**
 * A source of chance and ids that gives the same series for the same seed. Ids made in the same second sort in the
 * order in which they were made. Not for secrets.
 */
export class SeededRandom implements Random {
  readonly #state: Uint32Array;
  readonly #idMiddle: string;
  #idCounter = 0;

  /** @param seed - a whole number; only its lowest 32 bits count */
  constructor(seed: number) {
    this.#state = Uint32Array.of(seed, 0x9e3779b9, 0x243f6a88, 1);
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) this.#nextUint32();
    this.#idMiddle = (this.#nextHex() + this.#nextHex()).slice(0, 10);
  }

  fraction(): number {
    return this.#nextUint32() / UINT32_RANGE;
  }

  token(): string {
    return this.#nextHex() + this.#nextHex() + this.#nextHex();
  }

  objectId(nowMs: number): ObjectId {
    const seconds = hex(Math.floor(nowMs / 1000) % UINT32_RANGE, 8);
    const counter = hex(this.#idCounter % COUNTER_RANGE, 6);
    this.#idCounter += 1;
    return ObjectId.createFromHexString(seconds + this.#idMiddle + counter);
  }

  #nextHex(): string {
    return hex(this.#nextUint32(), 8);
  }

  /** The generator sfc32: 128 bits of state, so that the series of two seeds do not run into each other. */
  #nextUint32(): number {
    const [a, b, c, counter] = this.#state as unknown as [number, number, number, number];
    const result = (a + b + counter) >>> 0;
    this.#state[0] = b ^ (b >>> 9);
    this.#state[1] = c + (c << 3);
    this.#state[2] = ((c << 21) | (c >>> 11)) + result;
    this.#state[3] = counter + 1;
    return result;
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
