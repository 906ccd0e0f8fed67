/**
 * How a run ended: a value the executor makes and the settler writes.
 *
 * A handler may return one of the values that {@link snooze}, {@link cancel} and {@link discard} make; anything else
 * it returns is the result of the job.
 *
 * @module
 */
import { integer, numberFrom, YEAR_MS } from '../../foundation/argument-checks.ts';
import { messageOf } from '../../foundation/errors.ts';
import { plannedDelayMs } from '../../job/backoff.ts';
import type { BackoffPlan, ClaimedJob, HistoryEntry } from '../../job/job.ts';
import { type NextRun, nextRunOf } from '../../job/next-run.ts';
import { startLock } from '../../job/unique-locks.ts';
import type { Settlement } from '../../ledger/verbs/settle.ts';
import type { BackoffFunction } from '../../options/enqueue-options.ts';

const LONGEST_REASON = 1_000;

const FALLBACK_BACKOFF: BackoffPlan = { type: 'exponential', delay: 1_000 };

const OUTCOME_BRAND = 'monque.HandlerOutcome';

/** A value that a handler returns to say how its run ended. */
export class HandlerOutcome {
  /** Marks every such value, whichever copy of this package made it. */
  readonly brand: string = OUTCOME_BRAND;
  /** What is to be recorded. */
  readonly outcome: Outcome;

  /** @internal Made by {@link snooze}, {@link cancel} and {@link discard}. */
  constructor(outcome: Outcome) {
    this.outcome = Object.freeze(outcome);
  }
}

/** True for what {@link snooze}, {@link cancel} or {@link discard} made, of this or another copy of this package. */
export function isHandlerOutcome(value: unknown): value is HandlerOutcome {
  return (
    typeof value === 'object' && value !== null && 'brand' in value && value.brand === OUTCOME_BRAND
  );
}

/**
 * Returned by a handler: run the job again later, without counting a failure.
 *
 * @param delayMs - milliseconds from now
 * @throws InvalidArgumentError when the delay is not a whole number from 0 to a year
 */
export function snooze(delayMs: number): HandlerOutcome {
  integer(0, YEAR_MS)('delayMs', delayMs);
  return new HandlerOutcome({ kind: 'snoozed', delayMs });
}

/** Returned by a handler: the job is not wanted any more; it ends as cancelled. The reason stands in its history. */
export function cancel(reason?: string): HandlerOutcome {
  return new HandlerOutcome({ kind: 'cancelled', by: 'handler', ...given(reason) });
}

/** Returned by a handler: trying again cannot help; the job fails for good, whatever retries are left. */
export function discard(reason: string): HandlerOutcome {
  return new HandlerOutcome({ kind: 'failed', error: new Error(String(reason)), isFinal: true });
}

function given(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined ? {} : { reason: String(reason) };
}

/** What must be recorded when a run of a job with stages ends. */
export interface StagedEnd {
  /** The stages that are recorded, no other and in this order. */
  readonly stagesBefore: readonly string[];
  /** The gates that were opened. */
  readonly gatesBefore: readonly string[];
  /** The stage that ends with the run. */
  readonly lastStage?: string;
}

/** How one run ended. */
export type Outcome =
  /** The handler, or the last stage, succeeded. */
  | { readonly kind: 'completed'; readonly result?: unknown; readonly staged?: StagedEnd }
  /** The run came to a closed gate. */
  | {
      readonly kind: 'blocked';
      readonly gate: string;
      /** How long the job waits there, in milliseconds; without end when left out. */
      readonly timeoutMs?: number;
      readonly stagesBefore: readonly string[];
    }
  /** The handler threw, took too long, or said that trying again cannot help. */
  | { readonly kind: 'failed'; readonly error: Error; readonly isFinal: boolean }
  /** The handler wants to run later. */
  | { readonly kind: 'snoozed'; readonly delayMs: number }
  /** The handler gave up since somebody asked to cancel the job, or said so itself. */
  | { readonly kind: 'cancelled'; readonly by: 'request' | 'handler'; readonly reason?: string }
  /** The time of this run of a series has passed; its handler was not called. */
  | { readonly kind: 'missed' }
  /** The handler completed the job inside its own transaction, and that was committed. */
  | { readonly kind: 'confirmed'; readonly of: Outcome }
  /** The handler never started, or gave up since this process told it to. */
  | { readonly kind: 'released'; readonly hadStarted: boolean; readonly reason?: string };

/** How failed runs of a worker are tried again. */
export interface RetryPolicy {
  readonly maxRetries: number;
  readonly backoff: BackoffPlan | BackoffFunction;
  readonly maxBackoffDelayMs: number;
}

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
