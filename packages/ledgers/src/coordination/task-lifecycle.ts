/**
 * The table of the states of a task.
 *
 * @module
 */
import {
  type Condition,
  defineLifecycle,
  type Lifecycle,
  STAYS,
  type TransitionRow,
} from '@monque/core/ledger';

/** The states of a task. */
export type TaskStatus =
  /** It is described, and nobody has it. */
  | 'defined'
  /** Somebody has it, and has not begun. */
  | 'assigned'
  | 'in_progress'
  /** The reviewer looks at it. */
  | 'peer_review'
  /** The reviewer asked for changes. */
  | 'revisions'
  /** Something outside of it is in the way. */
  | 'blocked'
  /** It is done, for good. */
  | 'completed';

/** What can be done to a task. */
export type TaskVerb =
  | 'assign'
  | 'unassign'
  | 'handOver'
  | 'nameReviewer'
  | 'start'
  | 'tick'
  | 'submit'
  | 'approve'
  | 'requestRevisions'
  | 'resume'
  | 'complete'
  | 'block'
  | 'unblockToDefined'
  | 'unblockToAssigned'
  | 'unblockToInProgress'
  | 'depend'
  | 'amend'
  | 'log';

const ALL: readonly TaskStatus[] = [
  'defined',
  'assigned',
  'in_progress',
  'peer_review',
  'revisions',
  'blocked',
  'completed',
];
const BLOCKED_FIELDS = ['blockedFrom', 'blockedReason', 'blockedAt'];

const BY_ASSIGNEE: Condition = { field: 'assignee', is: 'equal', to: 'actor' };
const BY_REVIEWER: Condition = { field: 'reviewer', is: 'equal', to: 'actor' };
const NOT_BY_ASSIGNEE: Condition = { field: 'assignee', is: 'differs', to: 'actor' };

function unblock(to: TaskStatus): TransitionRow<TaskStatus> {
  return {
    from: ['blocked'],
    to,
    guards: [{ field: 'blockedFrom', is: 'same', to: 'blockedFrom' }],
    clear: BLOCKED_FIELDS,
  };
}

const TRANSITIONS: Readonly<Record<TaskVerb, TransitionRow<TaskStatus>>> = {
  assign: {
    from: ['defined', 'assigned'],
    to: 'assigned',
    set: { assignee: 'assignee', reviewer: 'reviewer' },
  },
  unassign: { from: ['assigned'], to: 'defined', clear: ['assignee'] },
  // Whoever takes a task over goes on where the other one stopped.
  handOver: { from: ['in_progress', 'revisions'], to: STAYS, set: { assignee: 'assignee' } },
  nameReviewer: {
    from: ['defined', 'assigned', 'in_progress', 'peer_review', 'revisions'],
    to: STAYS,
    set: { reviewer: 'reviewer' },
    clear: ['approvedBy', 'approvedAt'],
  },
  start: {
    from: ['assigned'],
    to: 'in_progress',
    guards: [BY_ASSIGNEE],
    set: { startedAt: 'now' },
  },
  tick: {
    from: ['in_progress', 'peer_review', 'revisions'],
    to: STAYS,
    set: { acceptanceCriteria: 'acceptanceCriteria', definitionOfDone: 'definitionOfDone' },
  },
  submit: {
    from: ['in_progress'],
    to: 'peer_review',
    guards: [BY_ASSIGNEE, { field: 'reviewer', is: 'present' }],
    set: { submittedAt: 'now' },
  },
  approve: {
    from: ['peer_review'],
    to: STAYS,
    guards: [BY_REVIEWER, NOT_BY_ASSIGNEE],
    set: { approvedBy: 'actor', approvedAt: 'now' },
  },
  requestRevisions: {
    from: ['peer_review'],
    to: 'revisions',
    guards: [BY_REVIEWER, NOT_BY_ASSIGNEE],
    increment: ['revisionCount'],
    clear: ['approvedBy', 'approvedAt', 'submittedAt'],
  },
  resume: { from: ['revisions'], to: 'in_progress', guards: [BY_ASSIGNEE] },
  complete: {
    from: ['peer_review'],
    to: 'completed',
    guards: [{ field: 'approvedBy', is: 'present' }],
    set: { completedAt: 'now' },
  },
  block: {
    from: ['defined', 'assigned', 'in_progress'],
    to: 'blocked',
    set: { blockedFrom: 'fromStatus', blockedReason: 'reason', blockedAt: 'now' },
  },
  unblockToDefined: unblock('defined'),
  unblockToAssigned: unblock('assigned'),
  unblockToInProgress: unblock('in_progress'),
  depend: { from: ['defined', 'assigned', 'blocked'], to: STAYS, set: { dependsOn: 'dependsOn' } },
  amend: {
    from: ['defined', 'assigned', 'in_progress', 'revisions', 'blocked'],
    to: STAYS,
    set: {
      ...{
        title: 'title',
        priority: 'priority',
        deadline: 'deadline',
        requirements: 'requirements',
      },
      ...{ acceptanceCriteria: 'acceptanceCriteria', definitionOfDone: 'definitionOfDone' },
    },
  },
  log: { from: ALL, to: STAYS },
};

/** The states of a task, and the verbs between them. */
export const TASK_LIFECYCLE: Lifecycle<TaskStatus, TaskVerb> = defineLifecycle({
  states: ALL,
  initial: 'defined',
  terminal: ['completed'],
  transitions: TRANSITIONS,
});
