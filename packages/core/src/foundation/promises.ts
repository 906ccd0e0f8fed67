/**
 * What to do with a promise where a plain value was expected of the user's code.
 *
 * @module
 */

/**
 * True for a promise, or anything else with a `then`. Nobody waits for it; its rejection goes to `onRejected` and ends
 * nothing. Never throws, whatever the value is.
 */
export function isPromiseAside(
  value: unknown,
  onRejected: (error: unknown) => void = () => undefined,
): boolean {
  if (typeof value !== 'object' || value === null) return false;
  try {
    if (!('then' in value) || typeof value.then !== 'function') return false;
    // `resolve` calls `then` later and once; a method of the value itself could do anything.
    new Promise((resolve) => resolve(value)).catch(onRejected);
    return true;
  } catch {
    // A revoked proxy, or a getter that throws: no promise that anybody could wait for.
    return false;
  }
}
