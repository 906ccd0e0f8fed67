/**
 * Virtual time. One queue holds all that will happen: timers, requests and answers on their way. Nothing takes time
 * but waiting; what one event sets off runs to its end, promises included, before the next event begins.
 */
import { systemClock } from '../../src/foundation/clock.ts';
import { BinaryHeap } from '../../src/ledger/memory/binary-heap.ts';
import { Chance } from './chance.ts';

/** How many events happen in one round of the event loop. */
const TURNS_A_ROUND = 64;

/** Something that will happen, and may be called off. */
export interface Happening {
  readonly atMs: number;
  /** What happens at one time happens in an order of chance. */
  readonly tie: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Time and order of one simulated run. */
export class World {
  readonly chance: Chance;
  readonly #tieChance: Chance;
  readonly #queue = new BinaryHeap<Happening>(
    (a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.tie < b.tie),
  );
  #nowMs = 0;
  #steps = 0;

  constructor(seed: number) {
    this.chance = new Chance(seed);
    this.#tieChance = new Chance(this.chance.seed());
  }

  /** Milliseconds since the run began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many events have happened. */
  get steps(): number {
    return this.#steps;
  }

  /** Lets something happen later. */
  in(delayMs: number, run: () => void): Happening {
    const happening = {
      atMs: this.#nowMs + Math.max(delayMs, 0),
      tie: this.#tieChance.fraction(),
      run,
      isCancelled: false,
    };
    this.#queue.push(happening);
    return happening;
  }

  /** Resolves later. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.in(delayMs, resolve));
  }

  /** Lets everything happen in turn until it is over, asked after each event, or until nothing is left. */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let left = 0;
      let hasEnded = false;
      const turn = (): void => {
        left -= 1;
        if (hasEnded) return;
        try {
          hasEnded = isOver() || !this.#step();
          if (hasEnded) resolve();
          else if (left === 0) turns();
        } catch (error) {
          hasEnded = true;
          reject(error);
        }
      };
      // All promises that an event settled run before the next turn; several turns in one round of the event loop cost less.
      const turns = (): void => {
        for (left = 0; left < TURNS_A_ROUND; left += 1) systemClock.setImmediate(turn);
      };
      turns();
    });
  }

  #step(): boolean {
    for (;;) {
      const next = this.#queue.pop();
      if (next === undefined) return false;
      if (next.isCancelled) continue;
      this.#nowMs = next.atMs;
      this.#steps += 1;
      next.run();
      return true;
    }
  }
}
