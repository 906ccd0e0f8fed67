/**
 * A run that has ended, as a value: all that its record in the ledger and its events are made from.
 *
 * @module
 */

import { numberFrom } from '../../foundation/argument-checks.ts';
import { isPromiseAside } from '../../foundation/promises.ts';
import { plannedDelayMs } from '../../job/backoff.ts';
import type { BackoffPlan, ClaimedJob } from '../../job/job.ts';
import type { Outcome } from '../../workers/handler-outcome.ts';
import type { RetryPolicy } from '../../workers/worker.ts';
import type { OpenNotes } from './run-notes.ts';

const FALLBACK_BACKOFF: BackoffPlan = { type: 'exponential', delay: 1_000 };

/** The end of a run that somebody asked to cancel. */
export const CANCELLED: Outcome = Object.freeze({ kind: 'cancelled', by: 'request' });

/** How one run ended. It does not change while its record is tried again. */
export interface EndedRun {
  /** As it was claimed, with the stages that the run recorded and the metadata that its handler left. */
  readonly job: ClaimedJob;
  readonly outcome: Outcome;
  /** How it is tried again if it failed. A function for the delay always answers: see {@link sureRetry}. */
  readonly retry: RetryPolicy;
  /** Drawn for a delay with jitter, from 0 up to 1. */
  readonly fraction: number;
  readonly durationMs: number;
  /** What the handler reported and is not stored yet. */
  readonly notes: OpenNotes;
  /** How it ended if the transaction was committed in which its handler wanted to complete it. */
  readonly ifCommitted?: Outcome;
}

/** An end of which nothing else is to be said: no handler ran to it, so nothing was reported and nothing measured. */
export function bareEnd(job: ClaimedJob, outcome: Outcome, retry: RetryPolicy): EndedRun {
  return { job, outcome, retry, fraction: 0, durationMs: 0, notes: {} };
}

/**
 * The same policy, with a function for the delay that always gives one: what the worker's own function throws, or
 * gives instead of a delay, is reported, and the delay then doubles from one second.
 */
export function sureRetry(policy: RetryPolicy, report: (error: unknown) => void): RetryPolicy {
  const { backoff, maxBackoffDelayMs } = policy;
  if (typeof backoff !== 'function') return policy;
  const sure = (failCount: number, error: Error): number => {
    try {
      const delayMs = backoff(failCount, error);
      // What a promise rejects with must not end the process.
      isPromiseAside(delayMs);
      numberFrom(0, Number.MAX_VALUE)('backoff()', delayMs);
      return delayMs;
    } catch (thrown) {
      report(thrown);
      return plannedDelayMs({ failCount, plan: FALLBACK_BACKOFF, maxBackoffDelayMs, fraction: 0 });
    }
  };
  return { ...policy, backoff: sure };
}
