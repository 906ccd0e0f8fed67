/**
 * A coordination ledger as a Markdown file.
 *
 * What always holds: a computed part that was right is right after every write. One that was wrong before stays as it
 * is, and is among the problems of the file, until {@link CoordinationFormat.corrected} is asked for: what somebody
 * wrote there may stand nowhere else.
 *
 * @module
 */
import { type Clock, systemClock } from '@monque/core';
import { wholeSeconds } from '../foundation/dates.ts';
import { type DocumentOptions, LedgerDocument } from '../markdown/ledger-document.ts';
import { withEdits } from '../markdown/lines.ts';
import type { ParsedLedger, Problem } from '../markdown/record-format.ts';
import { type Field, oneOf, time } from '../record/fields.ts';
import type { LedgerRecord } from '../record/record.ts';
import { type ComputedPart, computedParts, correction, isRight } from './computed-parts.ts';
import { SHOWN_STATUS, TASK_FIELDS, type Task, type TaskPriority } from './task.ts';
import { dependenciesOf, findCycle } from './task-graph.ts';
import { TASK_LIFECYCLE, type TaskStatus } from './task-lifecycle.ts';
import { COORDINATION_TEMPLATE } from './task-template.ts';

const BOLD = /^\*\*([^\s:*]{1,200}): *(.*)\*\*$/s;
const PLAIN = /^([A-Za-z][A-Za-z0-9]*-\d{1,9}): *(.*)$/s;

const GROUPS: Readonly<
  Record<TaskPriority, { readonly pattern: RegExp; readonly heading: string }>
> = {
  critical: { pattern: /critical (?:priority )?tasks/i, heading: '## 🔴 CRITICAL TASKS' },
  high: { pattern: /high (?:priority )?tasks/i, heading: '## 🟡 HIGH PRIORITY TASKS' },
  normal: { pattern: /normal (?:priority )?tasks/i, heading: '## 🟢 NORMAL PRIORITY TASKS' },
};

function statusField(): Field<TaskStatus> {
  return { ...oneOf(SHOWN_STATUS), empty: TASK_LIFECYCLE.initial };
}

const OPTIONS: DocumentOptions = {
  fields: TASK_FIELDS,
  level: 3,
  parseHeading(heading) {
    const [, id, title = ''] = BOLD.exec(heading) ?? PLAIN.exec(heading) ?? [];
    return id === undefined ? undefined : { id, title: title.trim() };
  },
  renderHeading: (id, title) => `**${id}: ${title}**`,
  lineStyle: 'plain',
  lines: [
    { field: 'createdAt', label: 'Created' },
    { field: 'priority', label: 'Priority' },
    { field: 'assignee', label: 'Assigned To', absent: '[UNASSIGNED]' },
    { field: 'reviewer', label: 'Reviewer', absent: '[TBD]' },
    { field: 'deadline', label: 'Deadline' },
    { field: 'status', label: 'Status' },
    { field: 'dependsOn', label: 'Dependencies' },
    { field: 'updatedAt', label: 'Updated' },
    { field: 'startedAt', label: 'Started' },
    { field: 'submittedAt', label: 'Submitted' },
    { field: 'approvedBy', label: 'Approved By' },
    { field: 'approvedAt', label: 'Approved' },
    { field: 'completedAt', label: 'Completed' },
    { field: 'revisionCount', label: 'Revisions' },
    { field: 'blockedFrom', label: 'Blocked From' },
    { field: 'blockedReason', label: 'Blocked Because' },
    { field: 'blockedAt', label: 'Blocked Since' },
  ],
  sections: [
    { field: 'acceptanceCriteria', label: 'Acceptance Criteria' },
    { field: 'requirements', label: 'Implementation Requirements' },
    { field: 'definitionOfDone', label: 'Definition of Done' },
    { field: 'history', label: 'Progress Log' },
  ],
  status: statusField(),
  time: time(),
  footer: ['', '---'],
  template: COORDINATION_TEMPLATE,
  groupOf: (record) => ({ ...GROUPS[(record as Task).priority], before: /completion statistics/i }),
};

/** Reads and writes coordination ledgers as Markdown. */
export class CoordinationFormat extends LedgerDocument {
  readonly #clock: Clock;

  constructor({ clock = systemClock }: { readonly clock?: Clock } = {}) {
    super(OPTIONS);
    this.#clock = clock;
  }

  /** Also finds computed parts that are wrong, and tasks that break a rule. */
  override parse(text: string): ParsedLedger {
    const ledger = this.parseRecords(text);
    const parts = this.#parts(ledger, tasksOf(ledger)).filter((part) => !isRight(part));
    const problems = [...ledger.problems, ...faultsOf(ledger), ...parts.flatMap(problemsOf)];
    return { ...ledger, problems: problems.toSorted((a, b) => a.line - b.line) };
  }

  override write(ledger: ParsedLedger, next: LedgerRecord): string {
    const before = tasksOf(ledger);
    const isNew = !ledger.records.has(next.id);
    const after = isNew
      ? [...before, next as Task]
      : before.map((task) => (task.id === next.id ? (next as Task) : task));
    const old = this.#parts(ledger, before);
    const wanted = this.#parts(ledger, after);
    const edits = wanted.filter((part, index) => {
      const was = old[index];
      return !isRight(part) && was !== undefined && (was.isTimely || isRight(was));
    });
    return withEdits(ledger.source, [...this.editsFor(ledger, next), ...edits.map(correction)]);
  }

  /** The text with every computed part as it has to be. */
  corrected(ledger: ParsedLedger): string {
    const wrong = this.#parts(ledger, tasksOf(ledger)).filter((part) => !isRight(part));
    return withEdits(ledger.source, wrong.map(correction));
  }

  /** The text of a new file with these tasks. */
  override render(records: readonly LedgerRecord[]): string {
    return this.corrected(this.parseRecords(super.render(records)));
  }

  #parts({ source }: ParsedLedger, tasks: readonly Task[]): ComputedPart[] {
    return computedParts(source, tasks, wholeSeconds(this.#clock.now()));
  }
}

function tasksOf({ records }: ParsedLedger): Task[] {
  return [...records.values()].map(({ record }) => record as Task);
}

/** One problem for each line that is wrong. */
function problemsOf({ name, start, found, expected }: ComputedPart): Problem[] {
  const wrong = Array.from(
    { length: Math.max(found.length, expected.length) },
    (_, index) => index,
  ).filter((index) => found[index]?.trimEnd() !== expected[index]?.trimEnd());
  return wrong.map((index) => ({
    line: start + Math.min(index, Math.max(found.length - 1, 0)) + 1,
    message: `'${name}' is computed of the tasks, and says something else`,
    severity: 'warning',
    found: found[index]?.trimEnd() ?? '(no line)',
    expected: expected[index]?.trimEnd() ?? '(no line)',
  }));
}

/** Tasks whose state breaks a rule, as only an editor can have made it. */
function faultsOf(ledger: ParsedLedger): Problem[] {
  const tasks = tasksOf(ledger);
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const found = tasks.flatMap((task) => {
    const line = Number(ledger.records.get(task.id)?.start) + 1;
    return faultsOfTask(task, byId).map(
      (message): Problem => ({ line, message: `${task.id} ${message}`, severity: 'warning' }),
    );
  });
  const cycle = findCycle(dependenciesOf(tasks));
  if (cycle === undefined) return found;
  const line = Number(ledger.records.get(cycle[0])?.start) + 1;
  return [
    ...found,
    { line, message: `tasks depend on each other: ${cycle.join(' → ')}`, severity: 'warning' },
  ];
}

function faultsOfTask(task: Task, byId: ReadonlyMap<string, Task>): string[] {
  const {
    assignee,
    reviewer,
    dependsOn,
    status,
    approvedBy,
    acceptanceCriteria,
    definitionOfDone,
  } = task;
  const unknown = dependsOn.filter((id) => !byId.has(id));
  const isBegun = status !== 'defined' && status !== 'assigned' && status !== 'blocked';
  const open = dependsOn.filter((id) => byId.has(id) && byId.get(id)?.status !== 'completed');
  const unticked = [...acceptanceCriteria, ...definitionOfDone].filter(({ done }) => !done).length;
  return [
    ...(unknown.length > 0 ? [`depends on ${unknown.join(', ')}, which is no task`] : []),
    ...(isBegun && open.length > 0
      ? [`is ${status}, but depends on ${open.join(', ')}, not completed yet`]
      : []),
    ...(isBegun && assignee === undefined ? [`is ${status}, but nobody has it`] : []),
    ...(assignee !== undefined && assignee === reviewer
      ? [`is reviewed by '${reviewer}', who does it`]
      : []),
    ...(status === 'completed' && unticked > 0
      ? [`is completed, but ${unticked} of its items are not checked`]
      : []),
    ...(status === 'completed' && approvedBy === undefined
      ? ['is completed, but nobody approved it']
      : []),
  ];
}
