/**
 * What can be computed of tasks. Nothing of it is stored.
 *
 * @module
 */
import type { Task, TaskPriority } from './task.ts';
import { criticalPath } from './task-graph.ts';
import type { TaskStatus } from './task-lifecycle.ts';

/** How many of something, and of how many. */
export interface Rate {
  readonly count: number;
  readonly of: number;
}

/** What one person does. */
export interface AssigneeStatistics {
  readonly assignee: string;
  /** Tasks by priority and state. */
  readonly tasks: readonly {
    readonly priority: TaskPriority;
    readonly status: TaskStatus;
    readonly count: number;
  }[];
  readonly completed: number;
  readonly overdue: number;
}

/** The figures of a coordination ledger at one time. */
export interface TaskStatistics {
  readonly total: number;
  readonly byStatus: Readonly<Record<TaskStatus, number>>;
  readonly byPriority: Readonly<Record<TaskPriority, number>>;
  /** Ids of tasks whose deadline has passed and that are not completed. */
  readonly overdue: readonly string[];
  /** Tasks completed since Monday 00:00 UTC. */
  readonly completedThisWeek: number;
  /** Tasks completed in each of the last four full weeks, the newest first. */
  readonly completedInWeeks: readonly number[];
  /** Approvals, of all reviews. */
  readonly approvals: Rate;
  /** Completed tasks whose reviewer asked for changes, of all that are completed. */
  readonly rework: Rate;
  /** By the name of the assignee. */
  readonly byAssignee: readonly AssigneeStatistics[];
  /** The longest chain of open tasks that depend on each other, as ids. */
  readonly criticalPath: readonly string[];
}

const WEEK_MS = 7 * 86_400_000;
/** 1970 began on a Thursday. */
const FIRST_MONDAY_MS = 4 * 86_400_000;
const WEEKS = 4;
const PRIORITIES: readonly TaskPriority[] = ['critical', 'high', 'normal'];

/** Computes the figures of tasks at a time. */
export function statisticsOf(tasks: readonly Task[], now: Date): TaskStatistics {
  const completed = tasks.filter(({ status }) => status === 'completed');
  const overdue = tasks.filter((task) => isOverdue(task, now));
  const approvals = tasks.filter(({ approvedBy }) => approvedBy !== undefined).length;
  const refusals = tasks.reduce((sum, { revisionCount = 0 }) => sum + revisionCount, 0);
  const reworked = completed.filter(({ revisionCount = 0 }) => revisionCount > 0).length;
  const thisWeek = weekOf(now);
  const weeks = completed.map(({ completedAt }) =>
    completedAt === undefined ? undefined : weekOf(completedAt),
  );
  const inWeek = (week: number): number => weeks.filter((other) => other === week).length;
  return {
    total: tasks.length,
    byStatus: countBy(
      ['defined', 'assigned', 'in_progress', 'peer_review', 'revisions', 'blocked', 'completed'],
      tasks.map(({ status }) => status),
    ),
    byPriority: countBy(
      PRIORITIES,
      tasks.map(({ priority }) => priority),
    ),
    overdue: overdue.map(({ id }) => id),
    completedThisWeek: inWeek(thisWeek),
    completedInWeeks: Array.from({ length: WEEKS }, (_, index) => inWeek(thisWeek - 1 - index)),
    approvals: { count: approvals, of: approvals + refusals },
    rework: { count: reworked, of: completed.length },
    byAssignee: byAssignee(tasks, new Set(overdue)),
    criticalPath: criticalPath(tasks).map(({ id }) => id),
  };
}

/** True when the deadline of a task that is not completed has passed. */
function isOverdue({ status, deadline }: Task, now: Date): boolean {
  return status !== 'completed' && deadline !== undefined && deadline.getTime() < now.getTime();
}

function weekOf(time: Date): number {
  return Math.floor((time.getTime() - FIRST_MONDAY_MS) / WEEK_MS);
}

function countBy<Word extends string>(
  words: readonly Word[],
  found: readonly Word[],
): Record<Word, number> {
  const counts = new Map<Word, number>(words.map((word) => [word, 0]));
  for (const word of found) counts.set(word, Number(counts.get(word)) + 1);
  return Object.fromEntries(counts) as Record<Word, number>;
}

function byAssignee(tasks: readonly Task[], overdue: ReadonlySet<Task>): AssigneeStatistics[] {
  const groups = groupBy(tasks, ({ assignee }) => assignee ?? '');
  return [...groups]
    .filter(([assignee]) => assignee !== '')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([assignee, own]) => ({
      assignee,
      tasks: countsOf(own),
      completed: own.filter(({ status }) => status === 'completed').length,
      overdue: own.filter((task) => overdue.has(task)).length,
    }));
}

/** In the order of priorities, then of states as they first come. */
function countsOf(tasks: readonly Task[]): AssigneeStatistics['tasks'] {
  return PRIORITIES.flatMap((priority) => {
    const own = tasks.filter((task) => task.priority === priority);
    const statuses = [...new Set(own.map(({ status }) => status))];
    return statuses.map((status) => ({
      priority,
      status,
      count: own.filter((task) => task.status === status).length,
    }));
  });
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
