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
export async function within<T>(ms: number, work: Promise<T>, onTime: () => T): Promise<T> {
  let stop = (): void => undefined;
  const time = new Promise<'late'>((resolve) => {
    stop = later(ms, () => resolve('late'));
  });
  work.catch(() => undefined);
  try {
    const first = await Promise.race([work.then((value) => ({ value })), time]);
    return first === 'late' ? onTime() : first.value;
  } finally {
    stop();
  }
}
