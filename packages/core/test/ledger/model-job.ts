/** What the verbs do to one job of the model, written from the design and not from the code. */

import { comeToRest, fits, leaveGate } from './model-stages.ts';
import { type JobView, type SettleVerb, STAGED_VERBS, type StepOf } from './model-step.ts';

const MOST_HISTORY = 20;

/** What a settlement works with. */
export interface SettleContext {
  readonly step: StepOf<'settle'>;
  readonly version: number | undefined;
  readonly nowMs: number;
}

const ENDS = {
  complete: 'completed',
  repeat: 'pending',
  repeatAfterFailure: 'pending',
  retry: 'pending',
  snooze: 'pending',
  block: 'blocked',
  release: 'pending',
  fail: 'failed',
  discard: 'failed',
  cancelled: 'cancelled',
  cancelByHandler: 'cancelled',
} as const;

const UNRECORDED: readonly SettleVerb[] = ['complete', 'snooze'];

/** Ends a claim that stands by the word of its holder, or says why not. */
export function settleJob(job: JobView, { step, version, nowMs }: SettleContext): string {
  const { verb, result, progress } = step;
  const isOldPlan = job.version !== version;
  const isPlanless = verb === 'release' || verb === 'block';
  if ((isOldPlan && !isPlanless) || !mayEnd(job, step)) {
    if (isOldPlan) return 'replanned';
    if (job.askedMs !== undefined) return 'cancelRequested';
    return verb === 'block' && job.gates.includes(step.gate) ? 'gateOpen' : 'refused';
  }
  if (job.token !== undefined) job.lastToken = job.token;
  if (!UNRECORDED.includes(verb)) note(job, verb);
  const runAgainMs = nowMs + step.delayMs;
  if (verb === 'block') comeToRest(job, step, nowMs);
  if (verb === 'repeat' || verb === 'repeatAfterFailure') {
    if (verb === 'repeat') replace(job, 'result', result);
    startNextRun(job, runAgainMs);
  } else {
    if (progress !== null) job.progress = progress;
    if (verb === 'complete' && result !== null) job.result = result;
    if (verb === 'retry' || verb === 'snooze') job.dueMs = runAgainMs;
    if (verb === 'retry' || verb === 'fail' || verb === 'discard') {
      Object.assign(job, { failCount: job.failCount + 1, failReason: 'Boom' });
    }
  }
  leave(job, ENDS[verb], nowMs);
  if (verb === 'cancelled') leaveWindow(job);
  return 'settled';
}

function mayEnd(
  job: JobView,
  { verb, lastFailCount, stagesBefore, gate }: StepOf<'settle'>,
): boolean {
  const isAsked = job.askedMs !== undefined;
  if (STAGED_VERBS.includes(verb) && !fits(job, stagesBefore)) return false;
  if (verb === 'block') return !isAsked && !job.gates.includes(gate);
  if (verb === 'retry') return !isAsked && job.failCount < lastFailCount;
  if (verb === 'snooze' || verb === 'release') return !isAsked;
  if (verb === 'fail') return job.failCount >= lastFailCount;
  return verb !== 'cancelled' || isAsked;
}

/** Cancels a job that waits, or asks for it. */
export function cancelJob(job: JobView, nowMs: number): string {
  if (job.status === 'processing') {
    if (job.askedMs === undefined) Object.assign(job, { askedMs: nowMs, updatedMs: nowMs });
    return 'requested';
  }
  if (job.status !== 'pending' && job.status !== 'blocked') return 'refused';
  const nextMs = nextRunMs(job, nowMs);
  if (nextMs !== null) {
    startNextRun(job, nextMs);
    leaveGate(job);
    Object.assign(job, { status: 'pending', updatedMs: nowMs });
    note(job, 'skipRun');
    return 'skipped';
  }
  if (job.repeats) endSeries(job, nowMs);
  else {
    note(job, 'cancel');
    leave(job, 'cancelled', nowMs);
    leaveWindow(job);
  }
  return 'cancelled';
}

/** Takes a claim from the dead; where the job is then. */
export function rescueJob(
  job: JobView,
  rescueLimit: number,
  nowMs: number,
): 'pending' | 'failed' | 'cancelled' {
  const isAsked = job.askedMs !== undefined;
  const isLast = job.rescueCount + 1 >= rescueLimit;
  const nextMs = isAsked || isLast ? nextRunMs(job, nowMs) : null;
  if (nextMs !== null) {
    note(job, 'rescueToNextRun');
    startNextRun(job, nextMs);
    leave(job, 'pending', nowMs);
    return 'pending';
  }
  job.rescueCount += 1;
  const status = isAsked ? 'cancelled' : isLast ? 'failed' : 'pending';
  const verbs = { pending: 'rescue', failed: 'rescueToFailed', cancelled: 'rescueToCancelled' };
  note(job, verbs[status]);
  if (status === 'failed') job.failReason = `The instance that ran it died ${rescueLimit} times`;
  leave(job, status, nowMs);
  if (isAsked) leaveWindow(job);
  return status;
}

/** Gives a series another plan. */
export function replanJob(job: JobView, step: StepOf<'replan'>, nowMs: number): string {
  if (step.isStale || job.version === undefined) return 'stale';
  if (job.finishedMs !== undefined) return 'stale';
  // What is left of a series that was ended has no plan, and never gets one.
  if (job.uniqueLock === undefined) return 'stale';
  job.version += 1;
  job.repeats = true;
  job.updatedMs = nowMs;
  replace(job, 'seriesEndMs', step.endsAfterMs === null ? null : nowMs + step.endsAfterMs);
  if (job.status !== 'pending') {
    note(job, 'replanRunning');
    return 'written';
  }
  note(job, 'replan');
  forgetRun(job);
  forgetStages(job);
  if (step.delayMs !== null) {
    Object.assign(job, { dueMs: nowMs + step.delayMs, scheduledMs: nowMs + step.delayMs });
  }
  return 'written';
}

/** Ends a series: at once while it waits, after its run while it runs. */
export function endSeries(job: JobView, nowMs: number): string {
  if (job.finishedMs !== undefined) return 'stale';
  job.version = (job.version ?? 0) + 1;
  job.repeats = false;
  job.updatedMs = nowMs;
  const isOn = job.status === 'processing';
  note(job, isOn ? 'endSeriesAfterRun' : 'endSeries');
  if (!isOn) leave(job, 'cancelled', nowMs);
  return 'written';
}

/** Makes a job pending again that failed or was cancelled, with the lock that it takes for it. */
export function redriveJob(
  job: JobView,
  lock: RetakenLock | undefined,
  { delayMs }: StepOf<'redrive'>,
  nowMs: number,
): void {
  forgetRun(job);
  delete job.finishedMs;
  delete job.askedMs;
  if (lock !== undefined) job[lock.field] = lock.text;
  Object.assign(job, { status: 'pending', dueMs: nowMs + delayMs, updatedMs: nowMs });
  job.fence += 1;
  note(job, 'redrive');
}

/** A lock that a redriven job takes again. */
export interface RetakenLock {
  readonly field: 'uniqueLock' | 'startLock';
  readonly text: string;
}

/** The lock that a finished job gave up, as far as it still needs it. */
export function retakenLock({ key, hold, repeats, version }: JobView): RetakenLock | undefined {
  if (key === undefined || hold === 'window') return undefined;
  if (hold === 'started') return { field: 'startLock', text: `key:${key}` };
  if (repeats) return { field: 'uniqueLock', text: `series:${key}` };
  return version === undefined ? { field: 'uniqueLock', text: `key:${key}` } : undefined;
}

/** Ends the wait at a gate that was not opened in time; where the job is then. */
export function expireGate(job: JobView, nowMs: number): 'failed' | 'pending' {
  const nextMs = nextRunMs(job, nowMs);
  note(job, nextMs === null ? 'expireGate' : 'expireGateToNextRun');
  if (nextMs === null) job.failReason = `The gate '${job.blockedBy}' was not opened in time`;
  else startNextRun(job, nextMs);
  const status = nextMs === null ? 'failed' : 'pending';
  leave(job, status, nowMs);
  return status;
}

/** Adds to the history. */
export function note(job: JobView, verb: string): void {
  job.history = [...job.history, verb].slice(-MOST_HISTORY);
}

/** The next full second after this run and after now; null for a job that has no next run. */
function nextRunMs({ repeats, scheduledMs, seriesEndMs }: JobView, nowMs: number): number | null {
  const latestMs = Math.max(scheduledMs ?? nowMs, nowMs);
  const nextMs = Math.floor(latestMs / 1000) * 1000 + 1000;
  return repeats && nextMs <= (seriesEndMs ?? Infinity) ? nextMs : null;
}

function startNextRun(job: JobView, ms: number): void {
  forgetRun(job);
  forgetStages(job);
  delete job.askedMs;
  Object.assign(job, { dueMs: ms, scheduledMs: ms });
}

function forgetRun(job: JobView): void {
  Object.assign(job, { failCount: 0, rescueCount: 0 });
  delete job.failReason;
  delete job.progress;
}

function forgetStages(job: JobView): void {
  Object.assign(job, { stages: [], gates: [] });
}

/** A finished job frees its locks, but not that of a window. */
function leave(job: JobView, status: JobView['status'], nowMs: number): void {
  Object.assign(job, { status, updatedMs: nowMs });
  delete job.token;
  delete job.instance;
  if (status === 'blocked') return;
  leaveGate(job);
  if (status === 'pending') return;
  job.finishedMs = nowMs;
  delete job.uniqueLock;
  delete job.startLock;
}

/** A job that others cancelled frees its window too. */
function leaveWindow(job: JobView): void {
  delete job.windowLock;
  delete job.windowEndMs;
}

function replace<F extends 'result' | 'seriesEndMs'>(
  job: JobView,
  field: F,
  value: JobView[F] | null,
): void {
  if (value === null || value === undefined) delete job[field];
  else job[field] = value;
}
