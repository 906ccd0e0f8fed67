/**
 * The only door to time. Everything that reads a clock or sets a timer takes a {@link Clock}, so that tests and the
 * simulation can replace time as a whole.
 *
 * @module
 */

/** A timer that was set and may be called off. */
export interface Timer {
  /** Calls the timer off; does nothing if it has fired or was cancelled before. */
  cancel(): void;
}

/** `upkeep`: work that may come late, such as pruning; `timeout`: the end of the time that a handler has. */
export type TimerKind = 'upkeep' | 'timeout';

/** Two kinds of time and the timers. {@link systemClock} is the real one. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970; may jump in either direction. */
  now(): number;
  /** Milliseconds from some fixed point; never goes back, may stand still while the machine is suspended. */
  monotonic(): number;
  /**
   * Calls back once after a delay.
   *
   * @param delayMs - milliseconds; anything below zero counts as zero. A delay beyond {@link LONGEST_TIMER_MS} is cut
   * to it, so a caller that waits longer looks at the clock again when it is called.
   * @param kind - what it is for, where a clock for tests may care; a clock may ignore it
   */
  setTimer(callback: () => void, delayMs: number, kind?: TimerKind): Timer;
  /** Calls back as soon as pending I/O had its turn. */
  setImmediate(callback: () => void): void;
}

/** The longest delay a timer of Node.js keeps, in milliseconds (about 24.8 days). A longer one would fire at once. */
export const LONGEST_TIMER_MS = 2_147_483_647;

/** The clock and the timers of the process. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(callback: () => void, delayMs: number): Timer {
    const handle = setTimeout(callback, Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS));
    return { cancel: () => clearTimeout(handle) };
  },
  setImmediate(callback: () => void): void {
    setImmediate(callback);
  },
});

/** True where somebody replaced the timers of the process before this module was loaded, as test runners can. */
export const areTimersFaked: boolean = 'clock' in globalThis.setImmediate;

const { setImmediate: hostImmediate } = globalThis;
const hostMonotonic = performance.now.bind(performance);

/** The turns and the time of the process as they were when this module was loaded, whoever replaces them since. */
export const hostClock: Pick<Clock, 'monotonic' | 'setImmediate'> = Object.freeze({
  monotonic: () => hostMonotonic(),
  setImmediate(callback: () => void): void {
    hostImmediate(callback);
  },
});

/** Resolves after `delayMs` milliseconds, or at once when `signal` aborts. */
export function sleep(
  clock: Clock,
  delayMs: number,
  signal?: AbortSignal,
  kind?: TimerKind,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.setTimer(finish, delayMs, kind);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

/**
 * Settles as `promise` does, or rejects with `lateError()` when that takes longer than `deadlineMs` milliseconds.
 * The work behind the promise is not ended by that; a late rejection of it is swallowed.
 */
export function withDeadline<T>(
  clock: Clock,
  promise: Promise<T>,
  deadlineMs: number,
  lateError: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(() => reject(lateError()), deadlineMs);
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}
