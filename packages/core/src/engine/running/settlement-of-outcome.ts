/**
 * From how a run ended to the one verb that records it.
 *
 * @module
 */

import { numberFrom } from '../../foundation/argument-checks.ts';
import { messageOf } from '../../foundation/errors.ts';
import { plannedDelayMs } from '../../job/backoff.ts';
import type { BackoffPlan, ClaimedJob, HistoryEntry } from '../../job/job.ts';
import { type NextRun, nextRunOf } from '../../job/next-run.ts';
import { startLock } from '../../job/unique-locks.ts';
import type { Settlement } from '../../ledger/settle-answers.ts';
import type { Outcome } from '../../workers/handler-outcome.ts';
import type { RetryPolicy } from '../../workers/worker.ts';

const LONGEST_REASON = 1_000;

const FALLBACK_BACKOFF: BackoffPlan = { type: 'exponential', delay: 1_000 };

/** What {@link toSettlement} reckons with. */
export interface SettlementContext {
  readonly now: Date;
  readonly retry: RetryPolicy;
  /** Drawn for a delay with jitter, from 0 up to 1. */
  readonly fraction: number;
  /** How long the run took, in milliseconds. */
  readonly durationMs: number;
  /** Told when the worker's own function for the delay fails; the delay then doubles from one second. */
  readonly report: (error: unknown) => void;
}

type Ending = Omit<Settlement, 'jobId' | 'claimToken' | 'fence' | 'seriesVersion'>;

/** Maps an outcome to the one verb that records it. The job of a series goes on with its next run, if there is one. */
export function toSettlement(
  job: ClaimedJob,
  outcome: Outcome,
  context: SettlementContext,
): Settlement {
  const { _id: jobId, claimToken, fence, seriesVersion } = job;
  return {
    jobId,
    claimToken,
    fence,
    ...(seriesVersion !== undefined && { seriesVersion }),
    ...endingOf(job, outcome, context),
  };
}

function endingOf(job: ClaimedJob, outcome: Outcome, context: SettlementContext): Ending {
  if (outcome.kind === 'released') return givingBack(job, outcome);
  if (outcome.kind === 'blocked') return blocking(job, outcome, context);
  if (outcome.kind === 'confirmed') return endingOf(job, outcome.of, context);
  const next = nextRunOf(job, context.now);
  switch (outcome.kind) {
    case 'completed':
      return completion(job, outcome, next, context);
    case 'failed':
      return failure(job, outcome, next, context);
    case 'snoozed':
      return snoozing(job, outcome.delayMs, next, context);
    case 'cancelled':
      return cancellation(job, outcome, next, context);
    case 'missed':
      return next === null
        ? { verb: 'cancelByHandler', record: { reason: MISSED } }
        : goOn(job, next, { reason: MISSED, skipped: next.skipped + 1 });
  }
}

/** A job that never started takes back the key that its claim gave up; one that did is not a missed run. */
function givingBack(
  job: ClaimedJob,
  { hadStarted, reason = INTERRUPTED }: Extract<Outcome, { kind: 'released' }>,
): Ending {
  if (hadStarted) return { verb: 'release', record: recordOf(job, { reason }) };
  const { uniqueKey, uniqueHold } = job;
  const isKept = uniqueKey !== undefined && uniqueHold === 'untilStarted';
  return { verb: 'release', ...(isKept && { startLock: startLock(uniqueKey) }) };
}

const INTERRUPTED = 'Its instance stopped waiting for it';
const MISSED = 'Its time had passed when it could have started';

function blocking(
  job: ClaimedJob,
  { gate, timeoutMs, stagesBefore }: Extract<Outcome, { kind: 'blocked' }>,
  { now }: SettlementContext,
): Ending {
  const isBounded = timeoutMs !== undefined;
  return {
    verb: 'block',
    gate,
    stagesBefore,
    ...(isBounded && { blockedUntil: new Date(now.getTime() + timeoutMs) }),
    record: recordOf(job, { reason: `Gate '${gate}'` }),
  };
}

function completion(
  job: ClaimedJob,
  { result, staged }: Extract<Outcome, { kind: 'completed' }>,
  next: NextRun | null,
  { now: at }: SettlementContext,
): Ending {
  const { lastStage: name, ...before } = staged ?? {};
  const ofResult = { ...before, ...(result !== undefined && { result, name: job.name }) };
  if (next === null) {
    return { verb: 'complete', ...ofResult, ...(name && { stageRecords: [{ name, at }] }) };
  }
  const { scheduledFor, skipped } = next;
  return {
    verb: 'repeat',
    ...ofResult,
    nextRunAt: scheduledFor,
    scheduledFor,
    ...(skipped > 0 && { record: recordOf(job, { skipped }) }),
  };
}

function failure(
  job: ClaimedJob,
  { error, isFinal }: Extract<Outcome, { kind: 'failed' }>,
  next: NextRun | null,
  context: SettlementContext,
): Ending {
  const failCount = job.failCount + 1;
  const maxRetries = job.maxRetries ?? context.retry.maxRetries;
  const failReason = messageOf(error).slice(0, LONGEST_REASON);
  const lastFailCount = maxRetries - 1;
  const record = recordOf(job, { reason: failReason, duration: Math.round(context.durationMs) });
  const isLast = isFinal || failCount >= maxRetries;
  const nextRunAt = isLast ? undefined : retryAt(job, failCount, error, context);
  // A retry keeps the plan: when the next run of the series comes first, it takes the place of the retry.
  const givesWay = nextRunAt === undefined || (next !== null && nextRunAt >= next.scheduledFor);
  if (next !== null && givesWay) return goOn(job, next, record);
  if (nextRunAt !== undefined)
    return { verb: 'retry', failReason, lastFailCount, nextRunAt, record };
  if (isFinal) return { verb: 'discard', failReason, record };
  return { verb: 'fail', failReason, lastFailCount, record };
}

function retryAt(
  job: ClaimedJob,
  failCount: number,
  error: Error,
  { now, retry, fraction, report }: SettlementContext,
): Date {
  const { maxBackoffDelayMs } = retry;
  let plan = job.backoff ?? retry.backoff;
  if (typeof plan === 'function') {
    try {
      const delayMs = plan(failCount, error);
      numberFrom(0, Number.MAX_VALUE)('backoff()', delayMs);
      return new Date(now.getTime() + Math.min(Math.round(delayMs), maxBackoffDelayMs));
    } catch (thrown) {
      report(thrown);
      plan = FALLBACK_BACKOFF;
    }
  }
  const delayMs = plannedDelayMs({ failCount, plan, maxBackoffDelayMs, fraction });
  return new Date(now.getTime() + delayMs);
}

function snoozing(
  job: ClaimedJob,
  delayMs: number,
  next: NextRun | null,
  { now }: SettlementContext,
): Ending {
  const nextRunAt = new Date(now.getTime() + delayMs);
  if (next === null || nextRunAt < next.scheduledFor) return { verb: 'snooze', nextRunAt };
  return goOn(job, next, { reason: 'Put off until after its next run' });
}

function cancellation(
  job: ClaimedJob,
  { by, reason }: Extract<Outcome, { kind: 'cancelled' }>,
  next: NextRun | null,
  { durationMs }: SettlementContext,
): Ending {
  const record = recordOf(job, {
    reason: (reason ?? 'Cancelled').slice(0, LONGEST_REASON),
    duration: Math.round(durationMs),
  });
  if (next !== null) return goOn(job, next, record);
  return { verb: by === 'handler' ? 'cancelByHandler' : 'cancelled', record };
}

/** The run stays in the history, the series goes on. */
function goOn(job: ClaimedJob, next: NextRun, record: Ending['record']): Ending {
  const { scheduledFor, skipped } = next;
  return {
    verb: 'repeatAfterFailure',
    nextRunAt: scheduledFor,
    scheduledFor,
    record: recordOf(job, { ...(skipped > 0 && { skipped }), ...record }),
  };
}

function recordOf(
  { claimedBy, scheduledFor }: ClaimedJob,
  record: Omit<HistoryEntry, 'verb' | 'at'>,
): Omit<HistoryEntry, 'verb' | 'at'> {
  return { by: claimedBy, ...(scheduledFor && { scheduledFor }), ...record };
}
