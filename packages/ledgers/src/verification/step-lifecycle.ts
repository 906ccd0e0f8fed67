/**
 * The table of the states of a step.
 *
 * @module
 */
import { defineLifecycle, type Lifecycle, STAYS, type TransitionRow } from '@monque/core/ledger';

/** The states of a step. */
export type StepStatus =
  /** It has not been touched. */
  | 'not_started'
  /** Somebody works on it. */
  | 'in_progress'
  /** The work and its tests are done; a later run has to verify it. */
  | 'completed_pending_verification'
  /** A later run has checked it. */
  | 'verified'
  /** What its invariants say is no longer so. */
  | 'drift_detected';

/** What can be done to a step. */
export type StepVerb =
  | 'start'
  | 'amend'
  | 'note'
  | 'log'
  | 'record'
  | 'complete'
  | 'verify'
  | 'reportDrift'
  | 'fix'
  | 'reopen';

const ALL: readonly StepStatus[] = [
  'not_started',
  'in_progress',
  'completed_pending_verification',
  'verified',
  'drift_detected',
];
const DONE: readonly StepStatus[] = [
  'completed_pending_verification',
  'verified',
  'drift_detected',
];

/** How many verifications a step keeps. */
export const MOST_VERIFICATIONS = 50;

const CHECKED = {
  set: { tests: 'tests' },
  append: { verifications: { from: 'verifications', most: MOST_VERIFICATIONS } },
} as const;
/** The step is the one whose checks were run: nobody worked on it meanwhile. */
const AS_CHECKED = { field: 'completedAt', is: 'same', to: 'completedAt' } as const;

const TRANSITIONS: Readonly<Record<StepVerb, TransitionRow<StepStatus>>> = {
  start: { from: ['not_started'], to: 'in_progress', set: { runId: 'run' } },
  amend: {
    from: ['not_started', 'in_progress'],
    to: STAYS,
    set: {
      ...{ title: 'title', scope: 'scope', summary: 'summary', invariants: 'invariants' },
      ...{
        tests: 'tests',
        edgeCases: 'edgeCases',
        concerns: 'concerns',
        stillNeeded: 'stillNeeded',
      },
    },
  },
  // What is remarked about a step changes nothing of what was verified.
  note: {
    from: ALL,
    to: STAYS,
    set: { edgeCases: 'edgeCases', concerns: 'concerns', stillNeeded: 'stillNeeded' },
  },
  log: { from: ALL, to: STAYS },
  // Results of checks that are run while the work goes on.
  record: { from: ['in_progress'], to: STAYS, set: { tests: 'tests' } },
  complete: {
    from: ['in_progress'],
    to: 'completed_pending_verification',
    set: { runId: 'run', completedAt: 'now' },
  },
  verify: {
    from: DONE,
    to: 'verified',
    guards: [
      { field: 'runId', is: 'present' },
      { field: 'runId', is: 'differs', to: 'run' },
      AS_CHECKED,
    ],
    ...CHECKED,
  },
  reportDrift: { from: DONE, to: 'drift_detected', guards: [AS_CHECKED], ...CHECKED },
  // Work on what is not verified needs no other step to be.
  fix: {
    from: ['drift_detected', 'completed_pending_verification'],
    to: 'in_progress',
    set: { runId: 'run' },
    clear: ['completedAt'],
  },
  reopen: { from: ['verified'], to: 'in_progress', set: { runId: 'run' }, clear: ['completedAt'] },
};

/** The states of a step, and the verbs between them. */
export const STEP_LIFECYCLE: Lifecycle<StepStatus, StepVerb> = defineLifecycle({
  states: ALL,
  initial: 'not_started',
  terminal: ['verified'],
  transitions: TRANSITIONS,
});
