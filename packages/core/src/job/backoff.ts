/**
 * When a failed job runs again.
 *
 * @module
 */
import type { BackoffPlan } from './job.ts';

/** What {@link plannedDelayMs} works with. */
export interface PlannedDelayParams {
  /** Failures so far, the one just met included. */
  readonly failCount: number;
  readonly plan: BackoffPlan;
  /** The longest delay of a plan that states none, in milliseconds. */
  readonly maxBackoffDelayMs: number;
  /** A number from 0 up to 1, drawn for this delay. */
  readonly fraction: number;
}

/** The delay before a retry that a plan gives, in milliseconds. */
export function plannedDelayMs(params: PlannedDelayParams): number {
  const { failCount, plan, maxBackoffDelayMs, fraction } = params;
  const { type, delay, maxDelay = maxBackoffDelayMs, jitter = 0 } = plan;
  const fullMs = type === 'fixed' ? delay : 2 ** failCount * delay;
  return Math.round(Math.min(fullMs, maxDelay) * (1 - jitter * fraction));
}
