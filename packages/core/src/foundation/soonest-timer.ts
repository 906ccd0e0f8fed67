/**
 * One timer for what may be wanted several times: the soonest time that was asked for holds.
 *
 * @module
 */
import type { Clock, Timer } from './clock.ts';

/** Calls back once, at the soonest of the times that it was set for; then it can be set again. */
export class SoonestTimer {
  readonly #clock: Clock;
  readonly #onTime: () => void;
  #next: { readonly atMs: number; readonly timer: Timer } | undefined;

  constructor(clock: Clock, onTime: () => void) {
    this.#clock = clock;
    this.#onTime = onTime;
  }

  /** Calls back in so many milliseconds, unless it does so sooner already. */
  set(inMs: number): void {
    const atMs = this.#clock.monotonic() + inMs;
    if (this.#next !== undefined && this.#next.atMs <= atMs) return;
    this.cancel();
    const onTime = (): void => {
      this.#next = undefined;
      this.#onTime();
    };
    this.#next = { atMs, timer: this.#clock.setTimer(onTime, inMs) };
  }

  /** Calls the timer off, if it is set. */
  cancel(): void {
    this.#next?.timer.cancel();
    this.#next = undefined;
  }
}
