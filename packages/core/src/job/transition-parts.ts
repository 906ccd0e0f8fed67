/**
 * The parts that the rows of the lifecycle table of a job are made of: guards, and groups of fields.
 *
 * @module
 */
import { type Job, MOST_GATES, MOST_HISTORY, MOST_LOG_LINES, MOST_STAGES } from './job.ts';
import type { Appended, Condition } from './lifecycle.ts';

/** Who holds a job from now on, and since when. */
export const CLAIMED: Readonly<Record<string, string>> = {
  claimToken: 'claimToken',
  claimedBy: 'instanceId',
  lockedAt: 'now',
  startedAt: 'now',
  updatedAt: 'now',
};

/** What shows that an instance holds the job. */
export const CLAIM_FIELDS: readonly (keyof Job)[] = ['claimToken', 'claimedBy', 'lockedAt'];

/** What a job loses that becomes pending again. */
export const BACK_TO_PENDING: readonly string[] = [...CLAIM_FIELDS, 'cancelRequestedAt'];

/** The locks that only work to be done holds. */
export const LOCKS: readonly (keyof Job)[] = ['uniqueLock', 'startLock'];

/** What a job loses that is finished by the end of its claim. */
export const FINISHED: readonly string[] = [...CLAIM_FIELDS, ...LOCKS];

/** What shows that a job waits at a gate. */
export const AT_GATE: readonly string[] = ['blockedBy', 'blockedAt', 'blockedUntil'];

/** What a job leaves behind that is redriven. */
export const OF_FAILED_RUNS: readonly string[] = ['failReason', 'rescueCount', 'progress', 'logs'];

/** A job that was cancelled from outside stands for no run, so it does not hold its key for the rest of a window. */
export const WINDOW_LOCK = ['windowLock', 'windowUntil'] as const;

/** What belongs to one run of a series and not to the next. */
export const OF_ONE_RUN: readonly string[] = [...OF_FAILED_RUNS, 'stages', 'gates'];

/** Its time has come. */
export const DUE: Condition = { field: 'nextRunAt', is: 'atMost', to: 'now' };

/** The caller holds the claim. */
export const HOLDS_CLAIM: Condition = { field: 'claimToken', is: 'equal', to: 'claimToken' };

/** The claim is that of the instance that died. */
export const CLAIMED_BY_DEAD: Condition = { field: 'claimedBy', is: 'equal', to: 'deadInstanceId' };

/** Nobody asked to cancel the job. */
export const NO_CANCEL: Condition = { field: 'cancelRequestedAt', is: 'absent' };

/** Somebody asked to cancel the job. */
export const CANCEL_ASKED: Condition = { field: 'cancelRequestedAt', is: 'present' };

/** The job belongs to no series that goes on. */
export const NO_SERIES: Condition = { field: 'repeatInterval', is: 'absent' };

/** The plan that the caller computed with still stands; for a job that never was part of a series there is none. */
export const SAME_PLAN: Condition = { field: 'seriesVersion', is: 'same', to: 'seriesVersion' };

/** The job is the one that holds the key of its series: what is left of an ended series may run again, but has no plan. */
export const HOLDS_SERIES: Condition = { field: 'uniqueLock', is: 'present' };

/** Claimed by another tool that keeps no lease, and longer ago than `lockTimeout`. */
export const STALE: readonly Condition[] = [
  { field: 'claimedBy', is: 'absent' },
  { field: 'lockedAt', is: 'atMost', to: 'staleBefore' },
];

/** The stages that are recorded are just those that the writer knows of, in their order. */
export const STAGES_BEFORE: Condition = { field: 'stages', is: 'lists', to: 'stagesBefore' };

/** Every gate on the way to the stage was opened. */
export const GATES_OPEN: Condition = { field: 'gates', is: 'includes', to: 'gatesBefore' };

/** The gate was not opened. */
export const GATE_CLOSED: Condition = { field: 'gates', is: 'lacks', to: 'gate' };

/** The gate should have been opened by now. */
export const GATE_OVERDUE: Condition = { field: 'blockedUntil', is: 'atMost', to: 'now' };

/** How a claim ends by the word of its own holder: the token moves to lastToken, so that a resend can be recognised. */
export const BY_HOLDER: Readonly<Record<string, string>> = {
  lastToken: 'claimToken',
  updatedAt: 'now',
};

/** How a claim ends by the word of others: lastToken stays, so that its late holder learns that it lost. */
export const BY_OTHERS: Readonly<Record<string, string>> = { updatedAt: 'now' };

/** What the handler left behind in the run that ends. */
export const NOTES: Readonly<Record<string, string>> = { progress: 'progress' };

/** What is added to the lists of a job when a run ends. */
export const RECORDED: Readonly<Record<'history' | 'logs', Appended>> = {
  history: { from: 'historyEntries', most: MOST_HISTORY },
  logs: { from: 'logLines', most: MOST_LOG_LINES },
};

/** What is added to the history alone. */
export const HISTORY: Readonly<Record<string, Appended>> = { history: RECORDED.history };

/** The stages that are finished by it. */
export const STAGE_RECORDS: Readonly<Record<string, Appended>> = {
  stages: { from: 'stageRecords', most: MOST_STAGES },
};

/** The gates that are opened by it. */
export const GATE_RECORDS: Readonly<Record<string, Appended>> = {
  gates: { from: 'gateRecords', most: MOST_GATES },
};

/** The time of the run that is planned next. */
export const NEXT_RUN: Readonly<Record<string, string>> = {
  nextRunAt: 'nextRunAt',
  scheduledFor: 'scheduledFor',
};

/** What a series can be given again. */
export const PLAN: Readonly<Record<string, string>> = {
  repeatInterval: 'repeatInterval',
  timezone: 'timezone',
  startAt: 'startAt',
  endAt: 'endAt',
  missed: 'missed',
  data: 'data',
  maxRetries: 'maxRetries',
  backoff: 'backoff',
  timeout: 'timeout',
};
