/**
 * Tasks of a coordination ledger as one actor sees them.
 *
 * @module
 */
import type {
  BoardAnswer,
  BoardQuery,
  OtherTask,
  TaskDetails,
  TaskFigures,
  TaskState,
  TaskSummary,
} from '../api/types.ts';
import {
  type AnyCoordinationLedger,
  type AnyTask,
  type AnyTaskStatistics,
  MOST_RECORDS,
} from '../options-of-ledgers.ts';
import type { Eyes } from '../server/redaction.ts';
import { RecordEyes, times } from './ledger-eyes.ts';

/** All tasks with their figures. */
export interface SeenTasks {
  readonly tasks: ReadonlyMap<string, AnyTask>;
  readonly statistics: AnyTaskStatistics;
  readonly overdue: ReadonlySet<string>;
}

const STATES: readonly TaskState[] = [
  ...(['defined', 'assigned', 'in_progress', 'peer_review', 'revisions'] as const),
  ...(['blocked', 'completed'] as const),
];
const DEFAULT_LIMIT = 50;
const MOST_OF_PATH = 100;
const MOST_ASSIGNEES = 200;

/** Reads a coordination ledger. */
export async function lookAtTasks(ledger: AnyCoordinationLedger): Promise<SeenTasks> {
  const [tasks, statistics] = await Promise.all([
    ledger.list({ limit: MOST_RECORDS }),
    ledger.statistics(),
  ]);
  return {
    tasks: new Map(tasks.map((task) => [task.id, task])),
    statistics,
    overdue: new Set(statistics.overdue),
  };
}

/** The board. */
export function boardOf(
  seen: SeenTasks,
  { assignee, limit = DEFAULT_LIMIT }: BoardQuery,
  eyes: Eyes,
): Omit<BoardAnswer, 'at'> {
  const { tasks, statistics } = seen;
  const own = [...tasks.values()].filter(
    (task) => assignee === undefined || task.assignee === assignee,
  );
  const path = statistics.criticalPath.flatMap((id) => tasks.get(id) ?? []);
  return {
    columns: STATES.map((status) => {
      const column = own
        .filter((task) => task.status === status)
        .sort(ORDERS[status] ?? byDeadline);
      const shown = column.slice(0, limit).map((task) => taskSummary(task, seen, eyes));
      return { status, count: column.length, tasks: shown };
    }),
    criticalPath: {
      count: statistics.criticalPath.length,
      tasks: path.slice(0, MOST_OF_PATH).map((task) => taskSummary(task, seen, eyes)),
    },
    figures: figuresOf(statistics, eyes),
    isCut: tasks.size >= MOST_RECORDS,
  };
}

const URGENCY = { critical: 0, high: 1, normal: 2 } as const;

/** Those without a deadline are last; of one deadline the most urgent is first. */
function byDeadline(one: AnyTask, other: AnyTask): number {
  const [first, second] = [one, other].map(({ deadline }) => deadline?.getTime() ?? 8.64e15);
  return Number(first) - Number(second) || URGENCY[one.priority] - URGENCY[other.priority];
}

const ORDERS: Partial<Record<TaskState, (one: AnyTask, other: AnyTask) => number>> = {
  completed: (one, other) => timeOfEnd(other) - timeOfEnd(one),
};

function timeOfEnd({ completedAt }: AnyTask): number {
  return completedAt?.getTime() ?? 0;
}

function figuresOf(statistics: AnyTaskStatistics, { redaction, actor }: Eyes): TaskFigures {
  const { total, byPriority, overdue, completedThisWeek, completedInWeeks } = statistics;
  const { approvals, rework, byAssignee } = statistics;
  const { critical, high, normal } = byPriority;
  const owner = { _id: '', name: 'coordination' };
  return {
    ...{ total, byPriority: { critical, high, normal }, overdue: overdue.length },
    ...{ completedThisWeek, completedInWeeks: [...completedInWeeks] },
    approvals: { count: approvals.count, of: approvals.of },
    rework: { count: rework.count, of: rework.of },
    byAssignee: byAssignee.slice(0, MOST_ASSIGNEES).map((row) => {
      const all = row.tasks.reduce((sum, { count }) => sum + count, 0);
      return {
        assignee: redaction.text(row.assignee, 'ledger', owner, actor),
        ...{ open: all - row.completed, completed: row.completed, overdue: row.overdue },
      };
    }),
  };
}

/** A task on the board. */
function taskSummary(task: AnyTask, { tasks, overdue }: SeenTasks, eyes: Eyes): TaskSummary {
  const { id, status, title, priority, assignee, reviewer, deadline, updatedAt } = task;
  const { dependsOn, blockedReason } = task;
  const record = new RecordEyes(eyes, 'coordination', id);
  const open = dependsOn.filter((other) => tasks.get(other)?.status !== 'completed');
  return {
    ...{ id, status, priority, title: record.text(title) },
    ...record.given({ assignee, reviewer, blockedReason }),
    ...times({ deadline, updatedAt }),
    isOverdue: overdue.has(id),
    waitsFor: open.length,
  };
}

/** A task on its page. */
export function taskDetails(task: AnyTask, seen: SeenTasks, eyes: Eyes): TaskDetails {
  const record = new RecordEyes(eyes, 'coordination', task.id);
  const { acceptanceCriteria, definitionOfDone, requirements, dependsOn, revisionCount = 0 } = task;
  const { createdAt, startedAt, submittedAt, approvedAt, completedAt, blockedAt } = task;
  const items = (list: AnyTask['definitionOfDone']) =>
    list.map(({ text, done }) => ({ text: record.text(text), done }));
  const needing = [...seen.tasks.values()].filter((other) => other.dependsOn.includes(task.id));
  return {
    ...taskSummary(task, seen, eyes),
    acceptanceCriteria: items(acceptanceCriteria),
    definitionOfDone: items(definitionOfDone),
    requirements: requirements.map(({ name, text }) => ({ name, text: record.text(text) })),
    dependsOn: dependsOn.map((id) => otherTask(id, seen, eyes)),
    neededBy: needing.map(({ id }) => otherTask(id, seen, eyes)),
    ...times({ createdAt, startedAt, submittedAt, approvedAt, completedAt, blockedAt }),
    ...record.given({ approvedBy: task.approvedBy }),
    revisionCount,
    history: record.history(task),
  };
}

function otherTask(id: string, { tasks }: SeenTasks, eyes: Eyes): OtherTask {
  const task = tasks.get(id);
  if (task === undefined) return { id };
  const title = new RecordEyes(eyes, 'coordination', id).text(task.title);
  return { id, title, status: task.status };
}
