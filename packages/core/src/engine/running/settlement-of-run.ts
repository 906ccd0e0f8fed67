/**
 * From a run that has ended to the one verb that records it.
 *
 * What always holds: nothing is asked, drawn or changed here, but that the worker's own function for the delay is called;
 * so the same end, at the same time and with the same facts, gives the same settlement.
 *
 * @module
 */

import { messageOf } from '../../foundation/errors.ts';
import { storableText } from '../../foundation/texts.ts';
import { plannedDelayMs } from '../../job/backoff.ts';
import { enqueuedName, mayBeBuried } from '../../job/dead-letters.ts';
import type { ClaimedJob, HistoryEntry, Job } from '../../job/job.ts';
import { type NextRun, nextRunOf } from '../../job/next-run.ts';
import { startLock } from '../../job/unique-locks.ts';
import type { Settlement } from '../../ledger/verbs/settle.ts';
import type { Outcome } from '../../workers/handler-outcome.ts';
import { CANCELLED, type EndedRun } from './ended-run.ts';

const LONGEST_REASON = 1_000;

/** The end of a run that came to a gate which was opened before the end was recorded. */
const GATE_OPENED: Outcome = Object.freeze({
  kind: 'released',
  hadStarted: true,
  reason: 'The gate that it came to was opened meanwhile',
});

/** What the ledger said since the run ended. */
export interface LaterFacts {
  /** The job as the ledger showed it last, under the same claim; the claimed one when it was not read again. */
  readonly current?: Job;
  /** True when somebody asked to cancel the job. */
  readonly isCancelled?: boolean;
  /** True when the gate that the run came to was opened. */
  readonly isGateOpen?: boolean;
}

/** What is written of a run beside whose it is. */
type Content = Omit<Settlement, 'jobId' | 'claimToken' | 'fence' | 'seriesVersion'>;

/** The job that goes on, with all that its next time is computed from. */
interface Basis extends Pick<EndedRun, 'retry' | 'fraction' | 'durationMs'> {
  readonly job: ClaimedJob;
  readonly now: Date;
}

/**
 * What is to be written of a run that has ended. The job of a series goes on with its next run, if there is one.
 *
 * @param now - the time the run counts as ended at
 */
export function settlementOf(ended: EndedRun, now: Date, facts: LaterFacts = {}): Settlement {
  const { retry, fraction, durationMs, notes } = ended;
  const job = (facts.current ?? ended.job) as ClaimedJob;
  const { _id: jobId, claimToken, fence, seriesVersion } = job;
  return {
    jobId,
    claimToken,
    fence,
    ...(seriesVersion !== undefined && { seriesVersion }),
    ...contentOf(outcomeOf(ended, facts), { job, now, retry, fraction, durationMs }),
    ...notes,
  };
}

function outcomeOf({ outcome }: EndedRun, { isCancelled, isGateOpen }: LaterFacts): Outcome {
  if (isCancelled) return CANCELLED;
  return isGateOpen ? GATE_OPENED : outcome;
}

function contentOf(outcome: Outcome, basis: Basis): Content {
  const { job, now } = basis;
  if (outcome.kind === 'released') return givingBack(job, outcome);
  if (outcome.kind === 'blocked') return blocking(job, outcome, now);
  if (outcome.kind === 'confirmed') return contentOf(outcome.of, basis);
  const next = nextRunOf(job, now);
  switch (outcome.kind) {
    case 'completed':
      return completion(job, outcome, next, now);
    case 'failed':
      return failure(outcome, next, basis);
    case 'snoozed':
      return snoozing(outcome.delayMs, next, basis);
    case 'cancelled':
      return cancellation(outcome, next, basis);
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
): Content {
  if (hadStarted) return { verb: 'release', record: recordOf(job, { reason }) };
  const { uniqueKey, uniqueHold } = job;
  const isKept = uniqueKey !== undefined && uniqueHold === 'untilStarted';
  return { verb: 'release', ...(isKept && { startLock: startLock({ ...job, uniqueKey }) }) };
}

const INTERRUPTED = 'Its instance stopped waiting for it';
const MISSED = 'Its time had passed when it could have started';

function blocking(
  job: ClaimedJob,
  { gate, timeoutMs, stagesBefore }: Extract<Outcome, { kind: 'blocked' }>,
  now: Date,
): Content {
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
  at: Date,
): Content {
  const { lastStage: name, ...before } = staged ?? {};
  const ofResult = { ...before, ...(result !== undefined && { result, name: enqueuedName(job) }) };
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
  { error, isFinal }: Extract<Outcome, { kind: 'failed' }>,
  next: NextRun | null,
  basis: Basis,
): Content {
  const { job, now, retry, durationMs } = basis;
  const failCount = job.failCount + 1;
  // One that was written manually may be no whole number.
  const maxRetries = Math.ceil(job.maxRetries ?? retry.maxRetries);
  const failReason = storableText(messageOf(error), LONGEST_REASON);
  const lastFailCount = maxRetries - 1;
  const record = recordOf(job, { reason: failReason, duration: Math.round(durationMs) });
  const isLast = isFinal || failCount >= maxRetries;
  const nextRunAt = isLast ? undefined : retryAt(failCount, error, basis);
  // A retry keeps the plan: when the next run of the series comes first, it takes the place of the retry.
  const givesWay = nextRunAt === undefined || (next !== null && nextRunAt >= next.scheduledFor);
  if (next !== null && givesWay) return goOn(job, next, record);
  if (nextRunAt !== undefined)
    return { verb: 'retry', failReason, lastFailCount, nextRunAt, record };
  const { deadLetter } = retry;
  if (deadLetter !== undefined && mayBeBuried(job)) {
    const source = { name: job.name, failedAt: now, failCount: job.failCount, reason: failReason };
    return { verb: 'bury', failReason, deadLetter, source, record };
  }
  if (isFinal) return { verb: 'discard', failReason, record };
  return { verb: 'fail', failReason, lastFailCount, record };
}

function retryAt(failCount: number, error: Error, { job, now, retry, fraction }: Basis): Date {
  const { maxBackoffDelayMs } = retry;
  const plan = job.backoff ?? retry.backoff;
  const delayMs =
    typeof plan === 'function'
      ? Math.min(Math.round(plan(failCount, error)), maxBackoffDelayMs)
      : plannedDelayMs({ failCount, plan, maxBackoffDelayMs, fraction });
  return new Date(now.getTime() + delayMs);
}

function snoozing(delayMs: number, next: NextRun | null, { job, now }: Basis): Content {
  const nextRunAt = new Date(now.getTime() + delayMs);
  if (next === null || nextRunAt < next.scheduledFor) return { verb: 'snooze', nextRunAt };
  return goOn(job, next, { reason: 'Put off until after its next run' });
}

function cancellation(
  { by, reason }: Extract<Outcome, { kind: 'cancelled' }>,
  next: NextRun | null,
  { job, durationMs }: Basis,
): Content {
  const record = recordOf(job, {
    reason: storableText(reason ?? 'Cancelled', LONGEST_REASON),
    duration: Math.round(durationMs),
  });
  if (next !== null) return goOn(job, next, record);
  return { verb: by === 'handler' ? 'cancelByHandler' : 'cancelled', record };
}

/** The run stays in the history, the series goes on. */
function goOn(job: ClaimedJob, next: NextRun, record: Content['record']): Content {
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
