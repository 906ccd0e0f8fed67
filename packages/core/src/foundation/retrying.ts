/**
 * Tries something again that did not work, later and later.
 *
 * @module
 */
import { type Clock, sleep } from './clock.ts';
import type { Random } from './random.ts';

/** The first delay before a try, in milliseconds, unless a caller states another. */
const BASE_MS = 50;

/** The longest delay before a try, in milliseconds, unless a caller states another. */
const LONGEST_MS = 30_000;

/** What {@link retryDelayMs} computes with. */
export interface RetryDelayParams {
  /** Attempts that failed so far, from 1. */
  readonly attempt: number;
  /** Milliseconds; the delay after the first failure is half of it to all of it. */
  readonly baseMs?: number;
  readonly longestMs?: number;
  /** A number from 0 to 1 that spreads the delays of many clients. */
  readonly fraction: number;
}

/** How long to wait before a request to a database that did not answer is tried again: exponential, half of it jitter. */
export function retryDelayMs(params: RetryDelayParams): number {
  const { attempt, baseMs = BASE_MS, longestMs = LONGEST_MS, fraction } = params;
  const fullMs = Math.min(baseMs * 2 ** (attempt - 1), longestMs);
  return fullMs * (0.5 + fraction / 2);
}

/** A try that is to come. */
export interface NextTry {
  /** Attempts that failed so far, from 1. */
  readonly attempt: number;
  readonly delayMs: number;
}

/** How something is tried again. */
export interface RetryPlan extends Pick<RetryDelayParams, 'baseMs' | 'longestMs'> {
  readonly clock: Clock;
  readonly random: Pick<Random, 'fraction'>;
  /** Ends a wait at once. */
  readonly signal?: AbortSignal;
  /** Called with each delay before it begins. */
  readonly onDelay?: (next: NextTry) => void;
}

/** Waits before something is tried again that has failed `attempt` times. */
export async function pauseBeforeRetry(plan: RetryPlan, attempt: number): Promise<void> {
  const { clock, random, signal, onDelay, ...delays } = plan;
  const delayMs = retryDelayMs({ ...delays, attempt, fraction: random.fraction() });
  onDelay?.({ attempt, delayMs });
  await sleep(clock, delayMs, signal);
}

/** What {@link retrying} tries. */
export interface Retried<T> extends RetryPlan {
  /** Attempts that failed before the first of these; each further one waits first. @default 0 */
  readonly failedBefore?: number;
  /** One try; `attempt` counts from 1. */
  readonly call: (attempt: number) => Promise<T>;
  /** Called with what a try failed with, before the wait; what it throws ends the tries. */
  readonly onFailed: (error: unknown, attempt: number) => void;
  /** Asked after each wait; false ends the tries. */
  readonly mayGoOn: () => boolean;
}

/** Tries until a try resolves; undefined when it may not go on before. */
export async function retrying<T>(retried: Retried<T>): Promise<{ readonly value: T } | undefined> {
  const { failedBefore = 0, call, onFailed, mayGoOn, ...plan } = retried;
  for (let failed = failedBefore; ; failed += 1) {
    if (failed > 0) {
      await pauseBeforeRetry(plan, failed);
      if (!mayGoOn()) return undefined;
    }
    try {
      return { value: await call(failed + 1) };
    } catch (error) {
      onFailed(error, failed + 1);
    }
  }
}
