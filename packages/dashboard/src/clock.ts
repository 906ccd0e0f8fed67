/**
 * The only door to the time and to timers. No timer keeps the process of the host alive.
 *
 * @module
 */

/** The time of this machine, in milliseconds. */
export function nowMs(): number {
  return Date.now();
}

/** Calls something later; gives what takes that back. */
export function later(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  timer.unref();
  return () => clearTimeout(timer);
}

/** The outcome of the work, or of `onTime` when it takes longer. Work that is given up harms nobody by failing later. */
export function within<T>(ms: number, work: Promise<T>, onTime: () => T): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = later(ms, () => resolve(Promise.resolve().then(onTime)));
    // What comes after the time changes nothing.
    void work.then(resolve, reject).finally(stop);
  });
}

/** A time as answers write it; of one that cannot be read, the beginning of time, so that none lacks what it promises. */
export function timeOf(value: unknown): string {
  const isTime = value instanceof Date && !Number.isNaN(value.getTime());
  return (isTime ? value : new Date(0)).toISOString();
}
