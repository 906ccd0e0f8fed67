/**
 * The rows of the lifecycle table of a job that concern dead letters: jobs that failed for good and wait under another
 * name.
 *
 * What always holds: a dead letter is the job itself, with its id and its history, moved by the write that would have
 * failed it. So it stands once, under one name, whatever crashes.
 *
 * @module
 */
import type { JobStatus } from './job.ts';
import type { Condition, TransitionRow } from './lifecycle.ts';
import {
  BACK_TO_PENDING,
  BY_HOLDER,
  BY_OTHERS,
  CLAIMED_BY_DEAD,
  HISTORY,
  HOLDS_CLAIM,
  LOCKS,
  NO_CANCEL,
  NOTES,
  OF_FAILED_RUNS,
  RECORDED,
  SAME_PLAN,
  WINDOW_LOCK,
} from './transition-parts.ts';

/** The verbs of dead letters. */
export type DeadLetterVerb = 'bury' | 'rescueToDeadLetter' | 'redriveDeadLetter';

/** A job that stands in an order keeps its place when it fails; one that was buried before fails where it is. */
const MAY_BE_BURIED: readonly Condition[] = [
  SAME_PLAN,
  NO_CANCEL,
  { field: 'lane', is: 'absent' },
  { field: 'flow', is: 'absent' },
  { field: 'source', is: 'absent' },
];

/** Where it goes, and where it came from. */
const BURIED: Readonly<Record<string, string>> = {
  name: 'deadLetter',
  source: 'source',
  nextRunAt: 'now',
  failReason: 'failReason',
};

/** Its keys stay behind with its name; its failures and rescues stand in `source` and in its history. */
const LEFT_BEHIND: readonly string[] = [
  ...BACK_TO_PENDING,
  ...LOCKS,
  ...WINDOW_LOCK,
  'rescueCount',
];

/** Their rows. */
export const DEAD_LETTER_TRANSITIONS: Readonly<Record<DeadLetterVerb, TransitionRow<JobStatus>>> = {
  // In place of fail and discard where the worker names a place for dead letters.
  bury: {
    from: ['processing'],
    to: 'pending',
    guards: [HOLDS_CLAIM, ...MAY_BE_BURIED],
    set: { ...BY_HOLDER, ...NOTES, ...BURIED },
    append: RECORDED,
    reset: ['failCount'],
    clear: LEFT_BEHIND,
  },
  // The same in place of rescueToFailed.
  rescueToDeadLetter: {
    from: ['processing'],
    to: 'pending',
    guards: [
      CLAIMED_BY_DEAD,
      HOLDS_CLAIM,
      ...MAY_BE_BURIED,
      { field: 'rescueCount', is: 'atLeast', to: 'lastRescueCount' },
    ],
    set: { ...BY_OTHERS, ...BURIED },
    append: HISTORY,
    reset: ['failCount'],
    clear: LEFT_BEHIND,
  },
  redriveDeadLetter: {
    from: ['pending', 'failed', 'cancelled'],
    to: 'pending',
    guards: [{ field: 'source', is: 'present' }],
    set: {
      name: 'name',
      nextRunAt: 'nextRunAt',
      uniqueLock: 'uniqueLock',
      startLock: 'startLock',
      updatedAt: 'now',
    },
    append: HISTORY,
    reset: ['failCount'],
    // A claim that was on its way is older than this.
    increment: ['fence'],
    clear: [...OF_FAILED_RUNS, 'source', 'finishedAt', 'cancelRequestedAt'],
  },
};
