/**
 * A bound for one call, which ends it and not what it sent.
 *
 * @module
 */
import { type Clock, withDeadline } from '../foundation/clock.ts';
import { UnknownOutcomeError } from '../foundation/errors.ts';

/**
 * What an enqueue answers, unless that takes longer than its `callTimeout` in milliseconds.
 *
 * @throws UnknownOutcomeError when it takes longer
 */
export function withinCallTimeout<T>(
  clock: Clock,
  callTimeout: number | undefined,
  answer: Promise<T>,
): Promise<T> {
  if (callTimeout === undefined) return answer;
  return withDeadline(
    clock,
    answer,
    callTimeout,
    () =>
      new UnknownOutcomeError(
        `The enqueue was not confirmed within the callTimeout of ${callTimeout} ms; the job may be stored, now or until resendLimit is over`,
      ),
  );
}
