/**
 * The parts of a coordination ledger that are computed of its tasks: totals, statistics, critical path, matrix, lists
 * and metrics. Here they are found in a file, with what they say and what is so.
 *
 * @module
 */
import { formatTime } from '../foundation/dates.ts';
import { endOfBody, type Heading, headingsOf, startOfBody, textsOf } from '../markdown/headings.ts';
import type { LineEdit, LineText } from '../markdown/lines.ts';
import { type Rate, statisticsOf, type TaskStatistics } from './statistics.ts';
import type { Task } from './task.ts';
import { dependenciesOf, dependents, findCycle, othersOf } from './task-graph.ts';
import type { TaskStatus } from './task-lifecycle.ts';

/** One part of a file, some lines long. */
export interface ComputedPart {
  /** What it is, such as `Total Tasks`. */
  readonly name: string;
  /** The index of its first line, from 0, and that behind its last. */
  readonly start: number;
  readonly end: number;
  readonly found: readonly string[];
  /** What the lines have to be. */
  readonly expected: readonly string[];
  /** True when time alone changes it. */
  readonly isTimely: boolean;
}

/** What the parts are computed of. */
interface Facts {
  readonly tasks: readonly Task[];
  readonly statistics: TaskStatistics;
}

const LABELLED = /^((?:- )?\*\*([^*]{1,60})\*\*: ?)(.*?)([ \t]*)$/s;
const NOTHING_BLOCKED = '*No tasks currently blocked*';
const NOTHING_COMPLETED = '*No tasks completed yet*';

/** All computed parts that a file has, in the order of its lines. */
export function computedParts(
  source: LineText,
  unordered: readonly Task[],
  now: Date,
): ComputedPart[] {
  const tasks = unordered.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const facts = { tasks, statistics: statisticsOf(tasks, now) };
  const finder = new PartFinder(source);
  const { statistics } = facts;
  const parts = [
    finder.line('', 'Last Updated', lastUpdated(tasks), true),
    finder.line('', 'Total Tasks', totals(statistics)),
    finder.body('overall progress', overallProgress(statistics)),
    finder.code('critical path analysis', [criticalPathLine(facts)]),
    finder.table('dependency matrix', matrix(tasks)),
    finder.body('blocked tasks', blockedTasks(tasks)),
    finder.body('completed tasks', completedTasks(tasks)),
    finder.line(
      'task completion velocity',
      'This Week',
      completions(statistics.completedThisWeek),
      true,
    ),
    finder.line(
      'quality metrics',
      'Peer Review Approval Rate',
      rateText(statistics.approvals, 'review'),
    ),
    finder.line('quality metrics', 'Rework Rate', rateText(statistics.rework, 'completion')),
    finder.body('agent performance', performance(statistics)),
  ];
  return parts.flatMap((part) => part ?? []).toSorted((a, b) => a.start - b.start);
}

/** True when a part says what is so. */
export function isRight({ found, expected }: ComputedPart): boolean {
  const isNothing = (lines: readonly string[]): boolean =>
    lines.length === 1 && lines.every((line) => /^\*No tasks .*\*\s*$/.test(line));
  if (isNothing(found) && isNothing(expected)) return true;
  return (
    found.length === expected.length &&
    found.every((line, index) => line.trimEnd() === expected[index]?.trimEnd())
  );
}

/** The edit that makes a part right. Lines that are right stay as they are. */
export function correction({ start, end, found, expected }: ComputedPart): LineEdit {
  const kept = new Map(found.map((line) => [line.trimEnd(), line]));
  return { start, end, texts: expected.map((line) => kept.get(line.trimEnd()) ?? line) };
}

/** Finds parts under their headings. */
class PartFinder {
  readonly #source: LineText;
  readonly #headings: readonly Heading[];
  /** Where in the list of headings each text first is. */
  readonly #positions = new Map<string, number>();

  constructor(source: LineText) {
    this.#source = source;
    this.#headings = headingsOf(source);
    for (const [position, { text }] of this.#headings.entries()) {
      const name = plain(text);
      if (!this.#positions.has(name)) this.#positions.set(name, position);
    }
  }

  /** The lines under a heading; with no name, those above the first section. */
  #body(heading: string): { readonly start: number; readonly end: number } | undefined {
    const { lines } = this.#source;
    if (heading === '') {
      const first = this.#headings.find(({ level }) => level > 1);
      return { start: 0, end: first?.index ?? lines.length };
    }
    const position = this.#positions.get(heading);
    const index = this.#headings[position ?? -1]?.index;
    if (position === undefined || index === undefined) return undefined;
    const end = endOfBody(
      this.#source,
      index + 1,
      this.#headings[position + 1]?.index ?? lines.length,
    );
    return { start: startOfBody(this.#source, index + 1, end), end };
  }

  /** The value behind a label. */
  line(
    heading: string,
    label: string,
    value: string | undefined,
    isTimely = false,
  ): ComputedPart | undefined {
    const body = this.#body(heading);
    if (body === undefined || value === undefined) return undefined;
    for (const [position, text] of textsOf(this.#source, body.start, body.end).entries()) {
      const index = body.start + position;
      const [, start = '', name, , blanks = ''] =
        text.length > 1000 ? [] : (LABELLED.exec(text) ?? []);
      if (name !== label) continue;
      const expected = [`${start}${value}${blanks}`];
      return { name: label, start: index, end: index + 1, found: [text], expected, isTimely };
    }
    return undefined;
  }

  /** All that stands under a heading. */
  body(heading: string, expected: readonly string[]): ComputedPart | undefined {
    const body = this.#body(heading);
    return body && this.#part(heading, body.start, body.end, expected);
  }

  /** The code block under a heading. */
  code(heading: string, expected: readonly string[]): ComputedPart | undefined {
    const body = this.#body(heading);
    if (body === undefined) return undefined;
    const texts = textsOf(this.#source, body.start, body.end);
    const open = texts.findIndex((text) => text.startsWith('```'));
    const close = texts.findIndex((text, index) => index > open && text.startsWith('```'));
    if (open < 0 || close < 0) return undefined;
    return this.#part(heading, body.start + open + 1, body.start + close, expected);
  }

  /** The rows of the table under a heading, without its head. */
  table(heading: string, expected: readonly string[]): ComputedPart | undefined {
    const body = this.#body(heading);
    if (body === undefined) return undefined;
    const texts = textsOf(this.#source, body.start, body.end);
    const head = texts.findIndex((text) => /^\|[-| :]+\|\s*$/.test(text));
    if (head < 0) return undefined;
    const after = texts.findIndex((text, index) => index > head && !text.startsWith('|'));
    const end = after < 0 ? body.end : body.start + after;
    return this.#part(heading, body.start + head + 1, end, expected);
  }

  #part(name: string, start: number, end: number, expected: readonly string[]): ComputedPart {
    return {
      name,
      start,
      end,
      found: textsOf(this.#source, start, end),
      expected,
      isTimely: false,
    };
  }
}

/** A heading without signs and emphasis. */
function plain(heading: string): string {
  return heading
    .replace(/[^A-Za-z ]/g, '')
    .trim()
    .toLowerCase();
}

function lastUpdated(tasks: readonly Task[]): string | undefined {
  const times = tasks.flatMap(({ createdAt, updatedAt, history }) =>
    [createdAt, updatedAt, ...history.map(({ at }) => at)].flatMap((at) => at?.getTime() ?? []),
  );
  const latest = times.reduce((most, ms) => Math.max(most, ms), 0);
  return latest === 0 ? undefined : formatTime(new Date(latest));
}

function totals({ total, byPriority: { critical, high, normal } }: TaskStatistics): string {
  return `${total} (Critical: ${critical}, High: ${high}, Normal: ${normal})`;
}

/** In the order in which a file lists them; those in brackets only when there are some. */
const PROGRESS: readonly (readonly [status: TaskStatus, label: string, isOptional?: true])[] = [
  ['completed', 'Completed'],
  ['peer_review', 'Peer Review', true],
  ['revisions', 'Revisions', true],
  ['in_progress', 'In Progress'],
  ['assigned', 'Assigned'],
  ['defined', 'Defined'],
  ['blocked', 'Blocked', true],
];

function overallProgress({ total, byStatus }: TaskStatistics): string[] {
  const lines = PROGRESS.filter(
    ([status, , isOptional]) => isOptional !== true || byStatus[status] > 0,
  );
  return [
    `- **Total Tasks**: ${total}`,
    ...lines.map(
      ([status, label]) =>
        `- **${label}**: ${byStatus[status]} (${percent(byStatus[status], total)})`,
    ),
  ];
}

function percent(count: number, of: number): string {
  return `${of === 0 ? 0 : Math.round((100 * count) / of)}%`;
}

function criticalPathLine({ tasks, statistics }: Facts): string {
  const cycle = findCycle(dependenciesOf(tasks));
  if (cycle !== undefined) return `None: these depend on each other: ${cycle.join(' → ')}`;
  if (statistics.criticalPath.length === 0) return 'None: no open task depends on another';
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return statistics.criticalPath
    .map((id) => `${id} (${byId.get(id)?.assignee ?? 'unassigned'})`)
    .join(' → ');
}

/** A row for each task that depends on others, is waited for, or is critical. */
function matrix(tasks: readonly Task[]): string[] {
  const waiting = dependents(dependenciesOf(tasks));
  return tasks.flatMap(({ id, dependsOn, priority }) => {
    const blocks = othersOf(waiting, id);
    if (dependsOn.length === 0 && blocks.length === 0 && priority !== 'critical') return [];
    return [`| ${id} | ${dependsOn.join(', ') || 'None'} | ${blocks.join(', ') || 'None'} |`];
  });
}

function blockedTasks(tasks: readonly Task[]): string[] {
  const lines = tasks
    .filter(({ status }) => status === 'blocked')
    .map(
      ({ id, title, blockedReason }) =>
        `- **${id}**: ${title}${blockedReason === undefined ? '' : ` – ${blockedReason}`}`,
    );
  return lines.length === 0 ? [NOTHING_BLOCKED] : lines;
}

function completedTasks(tasks: readonly Task[]): string[] {
  const lines = tasks
    .filter(({ status }) => status === 'completed')
    .map(({ id, title, assignee, completedAt }) => {
      const when = completedAt === undefined ? '' : `, ${formatTime(completedAt)}`;
      return `- **${id}**: ${title} (${assignee ?? 'unassigned'}${when})`;
    });
  return lines.length === 0 ? [NOTHING_COMPLETED] : lines;
}

function completions(count: number): string {
  return `${count} ${count === 1 ? 'task' : 'tasks'} completed`;
}

function rateText({ count, of }: Rate, unit: 'review' | 'completion'): string {
  return of === 0
    ? `N/A (no ${unit}s yet)`
    : `${percent(count, of)} (${count} of ${of} ${unit}${of === 1 ? '' : 's'})`;
}

function performance({ byAssignee }: TaskStatistics): string[] {
  return byAssignee.map(({ assignee, tasks }) => {
    const parts = tasks.map(({ priority, status, count }) => {
      return `${count} ${priority} ${count === 1 ? 'task' : 'tasks'} ${status.replaceAll('_', ' ')}`;
    });
    return `- **${assignee}**: ${parts.join(', ')}`;
  });
}
