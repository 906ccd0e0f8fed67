/**
 * When a failed job runs again.
 *
 * @module
 */

/** What {@link calculateBackoff} reckons with. */
export interface BackoffParams {
  /** Failures so far, the one just met included. */
  readonly failCount: number;
  /** The base, in milliseconds. */
  readonly baseRetryIntervalMs: number;
  /** The longest delay, in milliseconds. */
  readonly maxBackoffDelayMs: number;
  /** The ledger's time. */
  readonly now: Date;
}

/** `now + 2^failCount x baseRetryInterval`, the delay cut at its maximum. */
export function calculateBackoff(params: BackoffParams): Date {
  const delayMs = 2 ** params.failCount * params.baseRetryIntervalMs;
  return new Date(params.now.getTime() + Math.min(delayMs, params.maxBackoffDelayMs));
}

/** What {@link retryDelayMs} reckons with. */
export interface RetryDelayParams {
  /** Attempts that failed so far, from 1. */
  readonly attempt: number;
  readonly baseMs: number;
  readonly longestMs: number;
  /** A number from 0 to 1 that spreads the delays of many clients. */
  readonly fraction: number;
}

/** How long to wait before a request to a database that did not answer is tried again: exponential, half of it jitter. */
export function retryDelayMs({ attempt, baseMs, longestMs, fraction }: RetryDelayParams): number {
  const fullMs = Math.min(baseMs * 2 ** (attempt - 1), longestMs);
  return fullMs * (0.5 + fraction / 2);
}
