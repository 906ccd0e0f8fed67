/**
 * The table of a job's states and transitions: the one place that says what may happen to a job.
 *
 * A row guards, in the same write: that nobody but the holder of a claim ends it, except a rescue from a dead
 * instance; that a job whose cancellation was asked for never becomes pending again, but as the next run of its series;
 * and that the end of a run is reckoned with the plan of the series that stands in the ledger (`seriesVersion`).
 *
 * @module
 */
import { type JobStatus, MOST_HISTORY, MOST_LOG_LINES } from './job.ts';
import { defineLifecycle, GONE, type Lifecycle } from './lifecycle.ts';

/** The verbs that change a job. */
export type JobVerb =
  | 'enqueue'
  | 'claim'
  | 'note'
  | 'complete'
  | 'repeat'
  | 'repeatAfterFailure'
  | 'retry'
  | 'snooze'
  | 'release'
  | 'fail'
  | 'discard'
  | 'cancelled'
  | 'cancelByHandler'
  | 'rescue'
  | 'rescueToFailed'
  | 'rescueToCancelled'
  | 'rescueToNextRun'
  | 'recover'
  | 'recoverToCancelled'
  | 'cancel'
  | 'requestCancel'
  | 'skipRun'
  | 'endSeries'
  | 'endSeriesAfterRun'
  | 'replan'
  | 'replanRunning'
  | 'amend'
  | 'redrive'
  | 'remove'
  | 'prune';

const CLAIM_FIELDS = ['claimToken', 'claimedBy', 'lockedAt'] as const;
const BACK_TO_PENDING = [...CLAIM_FIELDS, 'cancelRequestedAt'] as const;
const LOCKS = ['uniqueLock', 'startLock'] as const;
const FINISHED = [...CLAIM_FIELDS, ...LOCKS] as const;

/** What belongs to one run of a series and not to the next. */
const OF_ONE_RUN = ['failReason', 'rescueCount', 'progress', 'logs'] as const;

const HOLDS_CLAIM = { field: 'claimToken', is: 'equal', to: 'claimToken' } as const;
const CLAIMED_BY_DEAD = { field: 'claimedBy', is: 'equal', to: 'deadInstanceId' } as const;
const NO_CANCEL = { field: 'cancelRequestedAt', is: 'absent' } as const;
const CANCEL_ASKED = { field: 'cancelRequestedAt', is: 'present' } as const;
const NO_SERIES = { field: 'repeatInterval', is: 'absent' } as const;

/** The plan that the caller reckoned with still stands; for a job that never was part of a series there is none. */
const SAME_PLAN = { field: 'seriesVersion', is: 'same', to: 'seriesVersion' } as const;

/** Claimed by another tool that keeps no lease, and longer ago than `lockTimeout`. */
const STALE = [
  { field: 'claimedBy', is: 'absent' },
  { field: 'lockedAt', is: 'atMost', to: 'staleBefore' },
] as const;

/** How a claim ends by the word of its own holder: the token moves to lastToken, so that a resend can be recognised. */
const BY_HOLDER = { lastToken: 'claimToken', updatedAt: 'now' } as const;

/** How a claim ends by the word of others: lastToken stays, so that its late holder learns that it lost. */
const BY_OTHERS = { updatedAt: 'now' } as const;

/** What the handler left behind in the run that ends. */
const NOTES = { progress: 'progress' } as const;
const RECORDED = {
  history: { from: 'historyEntries', most: MOST_HISTORY },
  logs: { from: 'logLines', most: MOST_LOG_LINES },
} as const;
const HISTORY = { history: RECORDED.history } as const;

const NEXT_RUN = { nextRunAt: 'nextRunAt', scheduledFor: 'scheduledFor' } as const;

const PLAN = {
  repeatInterval: 'repeatInterval',
  timezone: 'timezone',
  startAt: 'startAt',
  endAt: 'endAt',
  missed: 'missed',
  data: 'data',
  maxRetries: 'maxRetries',
  backoff: 'backoff',
  timeout: 'timeout',
} as const;

/** The lifecycle of a job. */
export const JOB_LIFECYCLE: Lifecycle<JobStatus, JobVerb> = defineLifecycle<JobStatus, JobVerb>({
  states: ['pending', 'processing', 'completed', 'failed', 'cancelled'],
  initial: 'pending',
  terminal: ['completed', 'failed', 'cancelled'],
  transitions: {
    enqueue: { from: [], to: 'pending' },
    claim: {
      from: ['pending'],
      to: 'processing',
      guards: [{ field: 'nextRunAt', is: 'atMost', to: 'now' }],
      set: {
        claimToken: 'claimToken',
        claimedBy: 'instanceId',
        lockedAt: 'now',
        startedAt: 'now',
        updatedAt: 'now',
      },
      increment: ['fence'],
      clear: ['startLock'],
    },
    note: {
      from: ['processing'],
      to: 'processing',
      guards: [HOLDS_CLAIM],
      set: { ...NOTES, updatedAt: 'now' },
      append: { logs: RECORDED.logs },
    },
    complete: {
      from: ['processing'],
      to: 'completed',
      guards: [HOLDS_CLAIM, SAME_PLAN],
      set: { ...BY_HOLDER, ...NOTES, finishedAt: 'now', result: 'result' },
      append: { logs: RECORDED.logs },
      clear: FINISHED,
    },
    repeat: {
      from: ['processing'],
      to: 'pending',
      guards: [HOLDS_CLAIM, SAME_PLAN],
      set: { ...BY_HOLDER, ...NEXT_RUN },
      replace: { result: 'result' },
      append: HISTORY,
      reset: ['failCount'],
      clear: [...BACK_TO_PENDING, ...OF_ONE_RUN],
    },
    repeatAfterFailure: {
      from: ['processing'],
      to: 'pending',
      guards: [HOLDS_CLAIM, SAME_PLAN],
      set: { ...BY_HOLDER, ...NEXT_RUN },
      append: HISTORY,
      reset: ['failCount'],
      clear: [...BACK_TO_PENDING, ...OF_ONE_RUN],
    },
    retry: {
      from: ['processing'],
      to: 'pending',
      guards: [
        HOLDS_CLAIM,
        SAME_PLAN,
        NO_CANCEL,
        { field: 'failCount', is: 'below', to: 'lastFailCount' },
      ],
      set: { ...BY_HOLDER, ...NOTES, nextRunAt: 'nextRunAt', failReason: 'failReason' },
      append: RECORDED,
      increment: ['failCount'],
      clear: BACK_TO_PENDING,
    },
    snooze: {
      from: ['processing'],
      to: 'pending',
      guards: [HOLDS_CLAIM, SAME_PLAN, NO_CANCEL],
      set: { ...BY_HOLDER, ...NOTES, nextRunAt: 'nextRunAt' },
      append: { logs: RECORDED.logs },
      clear: BACK_TO_PENDING,
    },
    release: {
      from: ['processing'],
      to: 'pending',
      guards: [HOLDS_CLAIM, NO_CANCEL],
      set: { ...BY_HOLDER, ...NOTES, startLock: 'startLock' },
      append: RECORDED,
      clear: BACK_TO_PENDING,
    },
    fail: {
      from: ['processing'],
      to: 'failed',
      guards: [HOLDS_CLAIM, SAME_PLAN, { field: 'failCount', is: 'atLeast', to: 'lastFailCount' }],
      set: { ...BY_HOLDER, ...NOTES, finishedAt: 'now', failReason: 'failReason' },
      append: RECORDED,
      increment: ['failCount'],
      clear: FINISHED,
    },
    discard: {
      from: ['processing'],
      to: 'failed',
      guards: [HOLDS_CLAIM, SAME_PLAN],
      set: { ...BY_HOLDER, ...NOTES, finishedAt: 'now', failReason: 'failReason' },
      append: RECORDED,
      increment: ['failCount'],
      clear: FINISHED,
    },
    cancelled: {
      from: ['processing'],
      to: 'cancelled',
      guards: [HOLDS_CLAIM, SAME_PLAN, CANCEL_ASKED],
      set: { ...BY_HOLDER, ...NOTES, finishedAt: 'now' },
      append: RECORDED,
      clear: FINISHED,
    },
    cancelByHandler: {
      from: ['processing'],
      to: 'cancelled',
      guards: [HOLDS_CLAIM, SAME_PLAN],
      set: { ...BY_HOLDER, ...NOTES, finishedAt: 'now' },
      append: RECORDED,
      clear: FINISHED,
    },
    rescue: {
      from: ['processing'],
      to: 'pending',
      guards: [
        CLAIMED_BY_DEAD,
        HOLDS_CLAIM,
        NO_CANCEL,
        { field: 'rescueCount', is: 'below', to: 'lastRescueCount' },
      ],
      set: BY_OTHERS,
      append: HISTORY,
      increment: ['rescueCount'],
      clear: BACK_TO_PENDING,
    },
    rescueToFailed: {
      from: ['processing'],
      to: 'failed',
      guards: [
        CLAIMED_BY_DEAD,
        HOLDS_CLAIM,
        SAME_PLAN,
        NO_CANCEL,
        { field: 'rescueCount', is: 'atLeast', to: 'lastRescueCount' },
      ],
      set: { ...BY_OTHERS, finishedAt: 'now', failReason: 'failReason' },
      append: HISTORY,
      increment: ['rescueCount'],
      clear: FINISHED,
    },
    rescueToCancelled: {
      from: ['processing'],
      to: 'cancelled',
      guards: [CLAIMED_BY_DEAD, HOLDS_CLAIM, SAME_PLAN, CANCEL_ASKED],
      set: { ...BY_OTHERS, finishedAt: 'now' },
      append: HISTORY,
      increment: ['rescueCount'],
      clear: FINISHED,
    },
    // In place of the two above for a job of a series that goes on.
    rescueToNextRun: {
      from: ['processing'],
      to: 'pending',
      guards: [CLAIMED_BY_DEAD, HOLDS_CLAIM, SAME_PLAN],
      set: { ...BY_OTHERS, ...NEXT_RUN },
      append: HISTORY,
      reset: ['failCount'],
      clear: [...BACK_TO_PENDING, ...OF_ONE_RUN],
    },
    recover: {
      from: ['processing'],
      to: 'pending',
      guards: [...STALE, NO_CANCEL],
      set: BY_OTHERS,
      append: HISTORY,
      increment: ['rescueCount'],
      clear: BACK_TO_PENDING,
    },
    recoverToCancelled: {
      from: ['processing'],
      to: 'cancelled',
      guards: [...STALE, CANCEL_ASKED],
      set: { ...BY_OTHERS, finishedAt: 'now' },
      append: HISTORY,
      increment: ['rescueCount'],
      clear: FINISHED,
    },
    cancel: {
      from: ['pending'],
      to: 'cancelled',
      guards: [NO_SERIES],
      set: { updatedAt: 'now', finishedAt: 'now' },
      append: HISTORY,
      clear: LOCKS,
    },
    requestCancel: {
      from: ['processing'],
      to: 'processing',
      guards: [NO_CANCEL],
      set: { cancelRequestedAt: 'now', updatedAt: 'now' },
      append: HISTORY,
    },
    skipRun: {
      from: ['pending'],
      to: 'pending',
      guards: [SAME_PLAN, { field: 'scheduledFor', is: 'same', to: 'cancelledRun' }],
      set: { ...NEXT_RUN, updatedAt: 'now' },
      append: HISTORY,
      reset: ['failCount'],
      clear: OF_ONE_RUN,
    },
    endSeries: {
      from: ['pending'],
      to: 'cancelled',
      guards: [SAME_PLAN],
      set: { updatedAt: 'now', finishedAt: 'now' },
      append: HISTORY,
      increment: ['seriesVersion'],
      clear: [...LOCKS, 'repeatInterval'],
    },
    endSeriesAfterRun: {
      from: ['processing'],
      to: 'processing',
      guards: [SAME_PLAN],
      set: { updatedAt: 'now' },
      append: HISTORY,
      increment: ['seriesVersion'],
      clear: ['repeatInterval'],
    },
    replan: {
      from: ['pending'],
      to: 'pending',
      guards: [SAME_PLAN],
      set: { ...NEXT_RUN, priority: 'priority', updatedAt: 'now' },
      replace: PLAN,
      append: HISTORY,
      reset: ['failCount'],
      increment: ['seriesVersion'],
      clear: OF_ONE_RUN,
    },
    replanRunning: {
      from: ['processing'],
      to: 'processing',
      guards: [SAME_PLAN],
      set: { priority: 'priority', updatedAt: 'now' },
      replace: PLAN,
      append: HISTORY,
      increment: ['seriesVersion'],
    },
    amend: {
      from: ['pending'],
      to: 'pending',
      set: {
        nextRunAt: 'nextRunAt',
        priority: 'priority',
        data: 'data',
        metadata: 'metadata',
        updatedAt: 'now',
      },
      append: HISTORY,
    },
    redrive: {
      from: ['failed', 'cancelled'],
      to: 'pending',
      set: {
        nextRunAt: 'nextRunAt',
        uniqueLock: 'uniqueLock',
        startLock: 'startLock',
        updatedAt: 'now',
      },
      append: HISTORY,
      reset: ['failCount'],
      clear: [...OF_ONE_RUN, 'finishedAt', 'cancelRequestedAt'],
    },
    remove: { from: ['pending', 'completed', 'failed', 'cancelled'], to: GONE },
    prune: {
      from: ['completed', 'failed', 'cancelled'],
      to: GONE,
      guards: [
        { field: 'finishedAt', is: 'atMost', to: 'finishedBefore' },
        { field: 'windowUntil', is: 'below', to: 'now' },
      ],
    },
  },
});
