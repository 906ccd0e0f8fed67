/**
 * A bound for one call, which ends it and not what it sent.
 *
 * @module
 */
import { type Clock, withDeadline } from '../foundation/clock.ts';
import { UnknownOutcomeError } from '../foundation/errors.ts';

/** A call with its options, and what is answered when it takes too long. */
export type CallInTime<T> = readonly [
  options: { readonly callTimeout?: number },
  call: Promise<T>,
  whenLate?: (error: UnknownOutcomeError) => T,
];

/**
 * What a call answers, unless that takes longer than the `callTimeout` of its options, in milliseconds.
 *
 * @param given - the call refuses options that are wrong before anything else
 * @throws UnknownOutcomeError when it takes longer and nothing is answered then
 */
export function withinCallTimeout<T>(
  clock: Clock,
  ...[options, call, whenLate]: CallInTime<T>
): Promise<T> {
  const { callTimeout } = Object(options) as typeof options;
  if (typeof callTimeout !== 'number') return call;
  const confirmed = `confirmed within its callTimeout of ${callTimeout} ms`;
  const late = new UnknownOutcomeError(
    `The call was not ${confirmed}; what it stores may be stored, now or until resendLimit is over`,
  );
  const answer = withDeadline(clock, call, callTimeout, () => late);
  if (whenLate === undefined) return answer;
  return answer.catch((error: unknown) => {
    if (error === late) return whenLate(late);
    throw error;
  });
}
