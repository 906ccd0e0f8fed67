/**
 * What user code throws, which may be anything.
 *
 * @module
 */
import { inspect } from 'node:util';

/** What was thrown as an error; nothing that was thrown makes this throw. */
export function errorOf(thrown: unknown): Error {
  try {
    if (thrown instanceof Error) return thrown;
  } catch {
    // A proxy that was revoked answers to nothing.
  }
  return new Error(typeof thrown === 'string' ? thrown : inspect(thrown));
}
