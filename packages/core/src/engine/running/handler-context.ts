/**
 * What a handler is given beside its job.
 *
 * One is made for each run. A getter in a literal would be another function for each, and make a dictionary of the
 * object: three times as long to make, and a kilobyte more to collect.
 *
 * @module
 */
import type { JobContext } from '../../workers/handler.ts';

const SIGNAL_OF = Symbol('signalOf');

/** One getter for all contexts. */
const SIGNAL: PropertyDescriptor = Object.freeze({
  enumerable: true,
  get(this: { readonly [SIGNAL_OF]: () => AbortSignal }): AbortSignal {
    return this[SIGNAL_OF]();
  },
});

/**
 * Makes the context of one run; a copy of it has all its parts.
 *
 * @param signalOf - called when the handler asks for the signal, which most never do
 * @param parts - become the context
 */
export function handlerContext(
  signalOf: () => AbortSignal,
  parts: Omit<JobContext, 'signal'>,
): JobContext {
  Object.defineProperty(parts, SIGNAL_OF, { value: signalOf });
  Object.defineProperty(parts, 'signal', SIGNAL);
  return Object.freeze(parts) as JobContext;
}
