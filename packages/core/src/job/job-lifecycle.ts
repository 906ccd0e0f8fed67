/**
 * The table of a job's states and transitions: the one place that says what may happen to a job.
 *
 * A row guards, in the same write: that nobody but the holder of a claim ends it, except a rescue from a dead
 * instance; that a stage is recorded behind just those before it, and behind no closed gate; that a job whose
 * cancellation was asked for never becomes pending again, but as the next run of its series; and that the end of a run
 * is computed with the plan of the series that stands in the ledger (`seriesVersion`).
 *
 * @module
 */

import { DEAD_LETTER_TRANSITIONS, type DeadLetterVerb } from './dead-letter-transitions.ts';
import { FLOW_TRANSITIONS, type FlowVerb } from './flow-transitions.ts';
import type { JobStatus } from './job.ts';
import { defineLifecycle, GONE, type Lifecycle, STAYS } from './lifecycle.ts';
import { STAGE_TRANSITIONS } from './stage-transitions.ts';
import {
  AT_GATE,
  BACK_TO_PENDING,
  BY_HOLDER,
  BY_OTHERS,
  CANCEL_ASKED,
  CLAIMED,
  CLAIMED_BY_DEAD,
  DUE,
  FINISHED,
  GATES_OPEN,
  HISTORY,
  HOLDS_CLAIM,
  HOLDS_SERIES,
  LOCKS,
  NEXT_RUN,
  NO_CANCEL,
  NO_SERIES,
  NOTES,
  OF_FAILED_RUNS,
  OF_ONE_RUN,
  PLAN,
  RECORDED,
  SAME_PLAN,
  STAGE_RECORDS,
  STAGES_BEFORE,
  STALE,
  WINDOW_LOCK,
} from './transition-parts.ts';

/** The verbs that change a job. */
export type JobVerb =
  | FlowVerb
  | 'enqueue'
  | 'enqueueClaimed'
  | 'claim'
  | 'claimInOrder'
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
  | DeadLetterVerb
  | 'checkpoint'
  | 'block'
  | 'unblock'
  | 'openGate'
  | 'expireGate'
  | 'expireGateToNextRun'
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

/** The lifecycle of a job. */
export const JOB_LIFECYCLE: Lifecycle<JobStatus, JobVerb> = defineLifecycle<JobStatus, JobVerb>({
  states: ['pending', 'processing', 'blocked', 'completed', 'failed', 'cancelled'],
  initial: 'pending',
  terminal: ['completed', 'failed', 'cancelled'],
  transitions: {
    enqueue: { from: [], to: 'pending' },
    // Both of what it does stand in a history: the job is enqueued, and claimed.
    enqueueClaimed: { from: [], to: 'processing', set: CLAIMED, increment: ['fence'] },
    claim: {
      from: ['pending'],
      to: 'processing',
      guards: [DUE, { field: 'lane', is: 'absent' }],
      set: CLAIMED,
      increment: ['fence'],
      clear: ['startLock'],
    },
    // In place of it for a job in a lane, which names it with the fence that the claim gives it.
    claimInOrder: {
      from: ['pending'],
      to: 'processing',
      guards: [
        DUE,
        { field: 'lane', is: 'present' },
        { field: 'fence', is: 'equal', to: 'fenceBefore' },
      ],
      set: CLAIMED,
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
      guards: [HOLDS_CLAIM, SAME_PLAN, STAGES_BEFORE, GATES_OPEN],
      set: { ...BY_HOLDER, ...NOTES, finishedAt: 'now', result: 'result' },
      append: { logs: RECORDED.logs, ...STAGE_RECORDS },
      clear: FINISHED,
    },
    repeat: {
      from: ['processing'],
      to: 'pending',
      guards: [HOLDS_CLAIM, SAME_PLAN, STAGES_BEFORE, GATES_OPEN],
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
      clear: [...FINISHED, ...WINDOW_LOCK],
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
      clear: [...FINISHED, ...WINDOW_LOCK],
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
    ...STAGE_TRANSITIONS,
    ...FLOW_TRANSITIONS,
    ...DEAD_LETTER_TRANSITIONS,
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
      clear: [...FINISHED, ...WINDOW_LOCK],
    },
    cancel: {
      from: ['pending', 'blocked'],
      to: 'cancelled',
      guards: [NO_SERIES],
      set: { updatedAt: 'now', finishedAt: 'now' },
      append: HISTORY,
      clear: [...LOCKS, ...AT_GATE, ...WINDOW_LOCK],
    },
    requestCancel: {
      from: ['processing'],
      to: 'processing',
      guards: [NO_CANCEL],
      set: { cancelRequestedAt: 'now', updatedAt: 'now' },
      append: HISTORY,
    },
    skipRun: {
      from: ['pending', 'blocked'],
      to: 'pending',
      guards: [SAME_PLAN, { field: 'scheduledFor', is: 'same', to: 'cancelledRun' }],
      set: { ...NEXT_RUN, updatedAt: 'now' },
      append: HISTORY,
      reset: ['failCount'],
      clear: [...OF_ONE_RUN, ...AT_GATE],
    },
    endSeries: {
      from: ['pending', 'blocked'],
      to: 'cancelled',
      guards: [SAME_PLAN],
      set: { updatedAt: 'now', finishedAt: 'now' },
      append: HISTORY,
      increment: ['seriesVersion'],
      clear: [...LOCKS, ...AT_GATE, 'repeatInterval'],
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
      guards: [SAME_PLAN, HOLDS_SERIES],
      set: { ...NEXT_RUN, priority: 'priority', updatedAt: 'now' },
      replace: PLAN,
      append: HISTORY,
      reset: ['failCount'],
      increment: ['seriesVersion'],
      clear: OF_ONE_RUN,
    },
    replanRunning: {
      from: ['processing', 'blocked'],
      to: STAYS,
      guards: [SAME_PLAN, HOLDS_SERIES],
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
        rank: 'rank',
        data: 'data',
        metadata: 'metadata',
        supersedes: 'supersedes',
        updatedAt: 'now',
      },
      append: HISTORY,
      // A lane that names the job as it was does not count for it any more, nor does a claim that is on its way.
      increment: ['fence'],
    },
    redrive: {
      from: ['failed', 'cancelled'],
      to: 'pending',
      guards: [{ field: 'waitsFor', is: 'absent' }],
      set: {
        nextRunAt: 'nextRunAt',
        uniqueLock: 'uniqueLock',
        startLock: 'startLock',
        updatedAt: 'now',
      },
      append: HISTORY,
      reset: ['failCount'],
      // A claim that was on its way when the job was cancelled is older than this.
      increment: ['fence'],
      clear: [...OF_FAILED_RUNS, 'finishedAt', 'cancelRequestedAt'],
    },
    remove: {
      from: ['pending', 'blocked', 'completed', 'failed', 'cancelled'],
      to: GONE,
      guards: [{ field: 'feeds', is: 'absent' }],
    },
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

/** The states of a job that has not come to its end. */
export const UNFINISHED: readonly JobStatus[] = JOB_LIFECYCLE.states.filter(
  (state) => !JOB_LIFECYCLE.terminal.includes(state),
);
