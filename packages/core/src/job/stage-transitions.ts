/**
 * The rows of the lifecycle table of a job that concern its stages and gates.
 *
 * @module
 */
import type { JobStatus } from './job.ts';
import { STAYS, type TransitionRow } from './lifecycle.ts';
import {
  AT_GATE,
  BY_HOLDER,
  CLAIM_FIELDS,
  GATE_CLOSED,
  GATE_OVERDUE,
  GATE_RECORDS,
  GATES_OPEN,
  HISTORY,
  HOLDS_CLAIM,
  LOCKS,
  NEXT_RUN,
  NO_CANCEL,
  NOTES,
  OF_ONE_RUN,
  RECORDED,
  SAME_PLAN,
  STAGE_RECORDS,
  STAGES_BEFORE,
} from './transition-parts.ts';

/** The verbs of stages and gates. */
export type StageVerb =
  | 'checkpoint'
  | 'block'
  | 'unblock'
  | 'openGate'
  | 'expireGate'
  | 'expireGateToNextRun';

/** Their rows. */
export const STAGE_TRANSITIONS: Readonly<Record<StageVerb, TransitionRow<JobStatus>>> = {
  checkpoint: {
    from: ['processing'],
    to: 'processing',
    guards: [HOLDS_CLAIM, STAGES_BEFORE, GATES_OPEN],
    set: { updatedAt: 'now' },
    append: STAGE_RECORDS,
  },
  block: {
    from: ['processing'],
    to: 'blocked',
    guards: [HOLDS_CLAIM, NO_CANCEL, STAGES_BEFORE, GATE_CLOSED],
    set: {
      ...BY_HOLDER,
      ...NOTES,
      blockedBy: 'gate',
      blockedAt: 'now',
      blockedUntil: 'blockedUntil',
    },
    append: RECORDED,
    clear: CLAIM_FIELDS,
  },
  unblock: {
    from: ['blocked'],
    to: 'pending',
    guards: [{ field: 'blockedBy', is: 'equal', to: 'gate' }],
    set: { nextRunAt: 'now', updatedAt: 'now' },
    append: { ...HISTORY, ...GATE_RECORDS },
    clear: AT_GATE,
  },
  // A gate that the job does not wait at, or not yet.
  openGate: {
    from: ['pending', 'processing', 'blocked'],
    to: STAYS,
    guards: [{ field: 'blockedBy', is: 'differs', to: 'gate' }, GATE_CLOSED],
    set: { updatedAt: 'now' },
    append: { ...HISTORY, ...GATE_RECORDS },
  },
  expireGate: {
    from: ['blocked'],
    to: 'failed',
    guards: [SAME_PLAN, GATE_OVERDUE],
    set: { updatedAt: 'now', finishedAt: 'now', failReason: 'failReason' },
    append: HISTORY,
    clear: [...LOCKS, ...AT_GATE],
  },
  // In place of the one above for a job of a series that goes on.
  expireGateToNextRun: {
    from: ['blocked'],
    to: 'pending',
    guards: [SAME_PLAN, GATE_OVERDUE],
    set: { updatedAt: 'now', ...NEXT_RUN },
    append: HISTORY,
    reset: ['failCount'],
    clear: [...AT_GATE, ...OF_ONE_RUN],
  },
};
