/**
 * A task: who does it by when, who reviews it, what it depends on, and what must be so before it is done.
 *
 * @module
 */
import type { CheckItem, NamedText } from '../markdown/codecs.ts';
import {
  checklist,
  count,
  type Field,
  ids,
  namedTexts,
  oneOf,
  text,
  time,
} from '../record/fields.ts';
import type { LedgerRecord } from '../record/record.ts';
import type { TaskStatus } from './task-lifecycle.ts';

/** How urgent a task is. */
export type TaskPriority = 'critical' | 'high' | 'normal';

/** The fields of a task that its authors give. */
export interface TaskFields {
  /** One line. */
  readonly title: string;
  /** @default 'normal' */
  readonly priority?: TaskPriority;
  /** Not the assignee. @default nobody, and then it cannot be submitted */
  readonly reviewer?: string;
  readonly deadline?: Date;
  /** Ids of tasks that must be completed before this one is started. */
  readonly dependsOn?: readonly string[];
  readonly acceptanceCriteria?: readonly CheckItem[];
  /** Texts with names, such as `Files to Modify`. */
  readonly requirements?: readonly NamedText[];
  readonly definitionOfDone?: readonly CheckItem[];
}

/** A task of a coordination ledger. */
export interface Task extends LedgerRecord<TaskStatus> {
  readonly title: string;
  readonly priority: TaskPriority;
  readonly assignee?: string;
  readonly reviewer?: string;
  readonly deadline?: Date;
  readonly dependsOn: readonly string[];
  readonly acceptanceCriteria: readonly CheckItem[];
  readonly requirements: readonly NamedText[];
  readonly definitionOfDone: readonly CheckItem[];
  readonly startedAt?: Date;
  /** Since when it waits for its review. */
  readonly submittedAt?: Date;
  readonly approvedBy?: string;
  readonly approvedAt?: Date;
  readonly completedAt?: Date;
  /** The state it was in before it was blocked. */
  readonly blockedFrom?: TaskStatus;
  readonly blockedReason?: string;
  readonly blockedAt?: Date;
  /** How often its reviewer asked for changes; absent: never. */
  readonly revisionCount?: number;
}

/** How states are written in a file. */
export const SHOWN_STATUS: Readonly<Record<TaskStatus, string>> = {
  defined: '📝 DEFINED',
  assigned: '🎯 ASSIGNED',
  in_progress: '🔄 IN_PROGRESS',
  peer_review: '👥 PEER_REVIEW',
  revisions: '🔧 REVISIONS',
  blocked: '🚫 BLOCKED',
  completed: '✅ COMPLETED',
};

const SHOWN_PRIORITY: Readonly<Record<TaskPriority, string>> = {
  critical: '🔴 CRITICAL',
  high: '🟡 HIGH',
  normal: '🟢 NORMAL',
};

/** The fields of a task. */
export const TASK_FIELDS: Readonly<Record<string, Field>> = {
  title: text(),
  priority: { ...oneOf(SHOWN_PRIORITY), empty: 'normal' },
  assignee: text(),
  reviewer: text(),
  deadline: time(),
  dependsOn: ids(),
  acceptanceCriteria: checklist(),
  requirements: namedTexts(),
  definitionOfDone: checklist(),
  startedAt: time(),
  submittedAt: time(),
  approvedBy: text(),
  approvedAt: time(),
  completedAt: time(),
  blockedFrom: oneOf(SHOWN_STATUS),
  blockedReason: text(),
  blockedAt: time(),
  revisionCount: count(),
};
