/**
 * Runs code outside the asynchronous context of whoever happened to call.
 *
 * An `AsyncLocalStorage` of an application follows its calls through promises and timers. What wakes a scheduler is
 * often one request among many; without a door out, the jobs of all others would run with the store of that one.
 *
 * @module
 */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';

/** Calls a function, and returns what it returns; see {@link detachedHere} and {@link apart} for the context. */
export type Detached = <T>(run: () => T) => T;

/** Calls a function in the context of the caller; what the function enters with `enterWith` ends with it. */
export const apart: Detached = (run) => new AsyncResource('monque').runInAsyncScope(run);

/**
 * A door to the context in which this is called. Each call through the door has a context of its own, which begins as
 * that one: what the function enters with `enterWith` ends with it.
 */
export function detachedHere(): Detached {
  const inContext = AsyncLocalStorage.snapshot();
  return (run) => inContext(() => apart(run));
}
