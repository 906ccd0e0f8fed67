/**
 * Waits until `condition` gives something truthy and returns it; throws after `deadlineMs`. Looks every `everyMs`; by default
 * less often the longer it has waited, since most looks are a query that takes time from what is waited for.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 10_000,
  everyMs?: number,
): Promise<NonNullable<T>> {
  const begin = performance.now();
  for (;;) {
    const value = await condition();
    if (value) return value;
    const waitedMs = performance.now() - begin;
    if (waitedMs > deadlineMs) throw new Error(`Waited ${deadlineMs} ms in vain for ${what}`);
    const restMs = everyMs ?? Math.min(50, Math.max(10, waitedMs / 10));
    await new Promise((resolve) => setTimeout(resolve, restMs));
  }
}

/** Settles as `work` does, or rejects after `deadlineMs`; `work` itself is not ended. */
export async function within<T>(what: string, work: Promise<T>, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took over ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
