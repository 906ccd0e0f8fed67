/**
 * What the commands on a coordination ledger do.
 *
 * @module
 */
import { writeFile } from 'node:fs/promises';
import type { ChangedBy, CoordinationLedger, Task, TaskPriority } from '@monque/ledgers';
import type { Session } from '../context/context.ts';
import { missingError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { changedBy, fileOf, type LedgerOptions, openTasks } from './open.ts';
import { showProblems } from './problems.ts';

/** What a new task says, from options. */
export interface TaskOptions extends LedgerOptions {
  readonly priority?: TaskPriority;
  readonly reviewer?: string;
  readonly deadline?: Date;
  readonly dependsOn?: readonly string[];
  readonly criterion?: readonly string[];
  readonly done?: readonly string[];
}

/** `monque tasks init` */
export async function initTasks(session: Session, options: LedgerOptions): Promise<ExitCode> {
  const file = fileOf(await openTasks(session, options));
  const isNew = await file.init();
  session.output.note(
    isNew ? `Made ${file.path}.` : `${file.path} is there already, and stays as it is.`,
  );
  return ExitCode.DONE;
}

/** `monque tasks add` */
export async function addTask(
  session: Session,
  id: string,
  title: string,
  options: TaskOptions,
): Promise<ExitCode> {
  const { priority, reviewer, deadline, dependsOn, criterion = [], done = [] } = options;
  const open = (texts: readonly string[]) => texts.map((text) => ({ text, done: false }));
  const fields = {
    title,
    ...(priority !== undefined && { priority }),
    ...(reviewer !== undefined && { reviewer }),
    ...(deadline !== undefined && { deadline }),
    ...(dependsOn !== undefined && { dependsOn }),
    ...{ acceptanceCriteria: open(criterion), definitionOfDone: open(done) },
  };
  return changeTask(session, options, (ledger, by) => ledger.add(id, fields, by));
}

/** Does one verb, and shows the task after it. */
export async function changeTask(
  session: Session,
  options: LedgerOptions,
  change: (
    ledger: CoordinationLedger,
    by: ChangedBy & { readonly reason: string },
  ) => Promise<Task>,
): Promise<ExitCode> {
  const { ledger } = await openTasks(session, options);
  const by = await changedBy(session, options);
  // Verbs that need a reason refuse an empty one.
  const task = await change(ledger, { ...by, reason: by.reason ?? '' });
  await session.output.record(
    task,
    () => `${task.id} is ${task.status}${task.assignee === undefined ? '' : ` (${task.assignee})`}`,
  );
  return ExitCode.DONE;
}

/** `monque tasks list` */
export async function listTasks(
  session: Session,
  options: LedgerOptions & {
    readonly status?: string;
    readonly assignee?: string;
    readonly limit: number;
  },
): Promise<ExitCode> {
  const { ledger } = await openTasks(session, options);
  const { status, assignee, limit } = options;
  const tasks = await ledger.list({
    limit,
    ...(status !== undefined && { status: [status] }),
    ...(assignee !== undefined && { where: { assignee } }),
  });
  await showTasks(session, tasks);
  return ExitCode.DONE;
}

async function showTasks({ output }: Session, tasks: readonly Task[]): Promise<void> {
  await output.table(tasks, [
    { title: 'TASK', text: ({ id }) => id },
    { title: 'STATUS', text: ({ status }) => status },
    { title: 'PRIORITY', text: ({ priority }) => priority },
    { title: 'ASSIGNEE', text: ({ assignee = '' }) => assignee },
    { title: 'DEADLINE', text: ({ deadline }) => deadline?.toISOString().slice(0, 16) ?? '' },
    { title: 'DEPENDS ON', text: ({ dependsOn }) => dependsOn.join(' ') },
    { title: 'TITLE', text: ({ title }) => title },
  ]);
}

/** `monque tasks show` */
export async function showTask(
  session: Session,
  id: string,
  options: LedgerOptions,
): Promise<ExitCode> {
  const { ledger, format } = await openTasks(session, options);
  const task = await ledger.get(id);
  if (task === null) throw missingError(`There is no task '${id}'`);
  await session.output.record(task, () => format.format.newRecord(task).join('\n'));
  return ExitCode.DONE;
}

/** `monque tasks stats` */
export async function showStatistics(session: Session, options: LedgerOptions): Promise<ExitCode> {
  const { ledger } = await openTasks(session, options);
  const found = await ledger.statistics();
  const { total, byStatus, byPriority, overdue, completedThisWeek, approvals, rework, byAssignee } =
    found;
  const counts = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .map(([word, count]) => `${word} ${count}`)
      .join(', ');
  await session.output.record(found, () =>
    [
      `${total} tasks: ${counts(byStatus)}`,
      `priority: ${counts(byPriority)}`,
      `overdue: ${overdue.join(' ') || 'none'}`,
      `completed this week: ${completedThisWeek}`,
      `approved: ${approvals.count} of ${approvals.of} reviews; reworked: ${rework.count} of ${rework.of} completed tasks`,
      ...byAssignee.map(({ assignee, tasks, overdue: late }) => {
        const parts = tasks.map(({ priority, status, count }) => `${count} ${priority} ${status}`);
        return `${assignee}: ${parts.join(', ')}${late > 0 ? `; ${late} overdue` : ''}`;
      }),
    ].join('\n'),
  );
  return ExitCode.DONE;
}

/** `monque tasks critical-path` */
export async function showCriticalPath(
  session: Session,
  options: LedgerOptions,
): Promise<ExitCode> {
  const { ledger } = await openTasks(session, options);
  const path = await ledger.criticalPath();
  await showTasks(session, path);
  if (path.length === 0) session.output.note('No open task depends on another.');
  return ExitCode.DONE;
}

/** `monque tasks render` */
export async function renderTasks(
  session: Session,
  options: LedgerOptions & { readonly write?: boolean },
): Promise<ExitCode> {
  const opened = await openTasks(session, options);
  const { file, format, ledger } = opened;
  const text =
    file === undefined
      ? format.render(await ledger.records.all())
      : format.corrected(await file.read());
  if (options.write === true) {
    const { path } = fileOf(opened);
    await showProblems(session, file);
    await writeFile(path, text);
    session.output.note(`Every computed part of ${path} is right now.`);
  } else await session.output.line(text.trimEnd());
  return ExitCode.DONE;
}

/** `monque tasks check` */
export async function checkTasks(session: Session, options: LedgerOptions): Promise<ExitCode> {
  const { file } = await openTasks(session, options);
  const problems = await showProblems(session, file);
  if (problems === 0) session.output.note('Nothing is wrong.');
  return problems === 0 ? ExitCode.DONE : ExitCode.FOUND;
}
