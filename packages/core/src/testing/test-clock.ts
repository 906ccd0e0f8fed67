/**
 * The clock of a test scheduler: a manual clock that tells the timers of handlers from those of the engine, and jumps
 * over the engine's idle ticks.
 *
 * What always holds: it stands at whole milliseconds, so that no due time is missed by a part of one; what may come late comes at most so often in one advance, and once more at its end; everything
 * else fires at its own time.
 *
 * @module
 */
import type { Clock, Timer, TimerKind } from '../foundation/clock.ts';
import { ManualClock } from './manual-clock.ts';

/** How often work that may come late is done in one advance. */
const LATE_TURNS_AN_ADVANCE = 32;

/** Time for one test scheduler. */
export class TestClock extends ManualClock {
  /** What the engine is given, so that its timers are told from those of handlers. */
  readonly ofEngine: Clock = {
    now: () => this.now(),
    monotonic: () => this.monotonic(),
    setImmediate: (callback) => this.setImmediate(callback),
    setTimer: (callback, delayMs, kind) => this.#setEngineTimer(callback, delayMs, kind),
  };
  /** Awaited whenever everything has settled on the way of an advance. */
  onSettled: (() => Promise<void>) | undefined;
  readonly #awaited = new Set<object>();
  #wakings = 0;
  #step = { ms: 0, untilMs: 0 };

  /** How many timers are set for which a handler, or the test, waits. */
  get awaitedTimers(): number {
    return this.#awaited.size;
  }

  /** How often such a timer has fired. */
  get wakings(): number {
    return this.#wakings;
  }

  override setTimer(callback: () => void, delayMs: number): Timer {
    const mark = {};
    this.#awaited.add(mark);
    const timer = super.setTimer(() => {
      this.#awaited.delete(mark);
      this.#wakings += 1;
      callback();
    }, Math.ceil(delayMs));
    return {
      cancel: () => {
        this.#awaited.delete(mark);
        timer.cancel();
      },
    };
  }

  override async advance(ms: number): Promise<void> {
    this.#step = { ms: Math.ceil(ms / LATE_TURNS_AN_ADVANCE), untilMs: this.monotonic() + ms };
    try {
      await super.advance(ms);
    } finally {
      this.#step = { ms: 0, untilMs: 0 };
    }
  }

  override async settle(): Promise<void> {
    await super.settle();
    await this.onSettled?.();
  }

  #setEngineTimer(callback: () => void, delayMs: number, kind?: TimerKind): Timer {
    if (kind === 'timeout') return this.setTimer(callback, delayMs);
    const wholeMs = Math.ceil(delayMs);
    if (kind === undefined) return super.setTimer(callback, wholeMs);
    const { ms, untilMs } = this.#step;
    return super.setTimer(callback, Math.max(wholeMs, Math.min(ms, untilMs - this.monotonic())));
  }
}
