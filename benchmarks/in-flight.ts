/**
 * Many calls with a fixed number under way at once.
 *
 * @module
 */

/** Calls `call` for every item, with at most `most` calls under way; rejects with the first failure. */
export async function inFlight<T>(
  most: number,
  items: readonly T[],
  call: (item: T) => Promise<unknown>,
): Promise<void> {
  const waiting = items.values();
  const lane = async (): Promise<void> => {
    for (const item of waiting) await call(item);
  };
  await Promise.all(Array.from({ length: most }, lane));
}
