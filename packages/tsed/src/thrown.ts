/**
 * What user code throws, which may be anything.
 *
 * @module
 */

/** What was thrown as an error; nothing that was thrown makes this throw. */
export function errorOf(thrown: unknown): Error {
  try {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  } catch {
    // Such as an object without a prototype, or a proxy that was revoked.
    return new Error('What was thrown has no text');
  }
}
