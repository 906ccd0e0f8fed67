/**
 * A clock that moves only when it is told to.
 *
 * @module
 */
import { type Clock, hostClock, LONGEST_TIMER_MS, type Timer } from '../foundation/clock.ts';

/** The time at which a manual clock starts when nothing else is said: the start of 2025, UTC. */
export const MANUAL_CLOCK_START: Date = new Date(Date.UTC(2025, 0, 1));

/** How often `settle` lets immediates run that keep setting new ones. */
const SETTLE_TURNS_MOST = 1000;

/** What a manual clock is given. */
export interface ManualClockOptions {
  /** The wall time at which it starts. @default MANUAL_CLOCK_START */
  readonly start?: Date;
}

interface PendingTimer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/**
 * Time for tests. Wall time and monotonic time stand still until {@link ManualClock.advance}, which also fires the
 * timers; a timer of no delay waits for it too. Immediates and promises need no advance: they run through Node.js as
 * usual, so code that only awaits goes on by itself.
 *
 * Await one `advance` before the next. It waits for what runs inside this process; it does not wait for sockets, so a
 * test on a real database waits for a condition instead.
 */
export class ManualClock implements Clock {
  readonly #timers = new Set<PendingTimer>();
  #monotonicMs = 0;
  #wallAheadMs: number;
  #immediates = 0;

  constructor(options: ManualClockOptions = {}) {
    this.#wallAheadMs = (options.start ?? MANUAL_CLOCK_START).getTime();
  }

  /** How many timers are set and neither fired nor cancelled. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#wallAheadMs + this.#monotonicMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const delay = Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS);
    const timer = { dueMs: this.#monotonicMs + delay, callback };
    this.#timers.add(timer);
    return {
      cancel: () => {
        this.#timers.delete(timer);
      },
    };
  }

  setImmediate(callback: () => void): void {
    this.#immediates += 1;
    hostClock.setImmediate(() => {
      this.#immediates -= 1;
      callback();
    });
  }

  /**
   * Moves both times on by `ms` milliseconds. The timers that fall due fire in the order of their times, those of one
   * time in the order in which they were set, each at its own time; between them everything settles, so a timer that
   * is set meanwhile takes part.
   *
   * Rejects with what a timer's callback throws; the time is then that of the timer.
   */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#monotonicMs + ms;
    await this.settle();
    for (;;) {
      const timer = this.#firstTimer();
      if (timer === undefined || timer.dueMs > targetMs) break;
      this.#timers.delete(timer);
      this.#monotonicMs = timer.dueMs;
      timer.callback();
      await this.settle();
    }
    this.#monotonicMs = targetMs;
  }

  /** Moves the wall time alone, in either direction, as when somebody sets the clock of a machine. */
  jumpWall(ms: number): void {
    this.#wallAheadMs += ms;
  }

  /** Resolves when promises and immediates that are ready have run. Time stands still. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < SETTLE_TURNS_MOST; turn += 1) {
      await new Promise<void>((resolve) => hostClock.setImmediate(resolve));
      if (this.#immediates === 0) return;
    }
  }

  #firstTimer(): PendingTimer | undefined {
    let first: PendingTimer | undefined;
    for (const timer of this.#timers) {
      if (first === undefined || timer.dueMs < first.dueMs) first = timer;
    }
    return first;
  }
}
