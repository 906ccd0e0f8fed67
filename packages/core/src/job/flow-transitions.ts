/**
 * The rows of the lifecycle table that belong to flows.
 *
 * What always holds: who waits for its parents is released or failed only as it was read, by its fence, which a redrive
 * raises; a job that has parents waits for them again when it is redriven; and a job that others wait for leaves the
 * ledger only by a verb of its own.
 *
 * @module
 */
import type { JobStatus } from './job.ts';
import { type Condition, GONE, type TransitionRow } from './lifecycle.ts';
import { HISTORY, LOCKS, OF_FAILED_RUNS } from './transition-parts.ts';

/** The verbs of flows. */
export type FlowVerb =
  | 'enqueueWaiting'
  | 'releaseChild'
  | 'failByParent'
  | 'redriveToWait'
  | 'removeParent';

/** It waits for parents, not at a gate. */
const FOR_PARENTS: Condition = { field: 'blockedBy', is: 'absent' };

/** It has parents. */
const HAS_PARENTS: Condition = { field: 'waitsFor', is: 'present' };

/** It was not redriven since it was read. */
const SAME_FENCE: Condition = { field: 'fence', is: 'equal', to: 'fenceBefore' };

/** Their rows. */
export const FLOW_TRANSITIONS: Readonly<Record<FlowVerb, TransitionRow<JobStatus>>> = {
  enqueueWaiting: { from: [], to: 'blocked' },
  releaseChild: {
    from: ['blocked'],
    to: 'pending',
    guards: [FOR_PARENTS, HAS_PARENTS, SAME_FENCE],
    set: { nextRunAt: 'nextRunAt', updatedAt: 'now' },
  },
  failByParent: {
    from: ['blocked'],
    to: 'failed',
    guards: [FOR_PARENTS, HAS_PARENTS, SAME_FENCE],
    set: { failReason: 'failReason', updatedAt: 'now', finishedAt: 'now' },
    append: HISTORY,
    clear: LOCKS,
  },
  // In place of redrive for a job that has parents.
  redriveToWait: {
    from: ['failed', 'cancelled'],
    to: 'blocked',
    guards: [HAS_PARENTS],
    set: { nextRunAt: 'nextRunAt', updatedAt: 'now' },
    append: HISTORY,
    reset: ['failCount'],
    increment: ['fence'],
    clear: [...OF_FAILED_RUNS, 'finishedAt', 'cancelRequestedAt'],
  },
  // In place of remove for a job that others waited for; the ledger has looked that none is left.
  removeParent: {
    from: ['pending', 'blocked', 'completed', 'failed', 'cancelled'],
    to: GONE,
    guards: [{ field: 'feeds', is: 'present' }],
  },
};
