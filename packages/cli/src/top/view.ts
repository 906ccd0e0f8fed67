/**
 * The lines that `top` shows: a head, a table, what is wrong, and the keys.
 *
 * @module
 */
import { instanceColumns, nameColumns } from '../cluster/look.ts';
import { DEFAULT_MAX_QUEUE_LAG_MS, problemsOf } from '../cluster/problems.ts';
import type { Colours } from '../context/output.ts';
import { type Column, cut, oneLine, tableLines } from '../context/table.ts';
import { counted, span } from '../context/words.ts';
import { type JobRow, rowIds, type Snapshot, TABS, type TopState } from './state.ts';

/** The place there is. */
export interface Frame {
  readonly columns: number;
  readonly rows: number;
  readonly colours: Colours;
  /** Where the jobs are, such as `shop.monque_jobs`. */
  readonly title: string;
  readonly intervalMs: number;
}

/** Lines above the table and below it, without the problems. */
const HEAD_LINES = 4;
const FOOT_LINES = 2;
const MOST_PROBLEMS = 3;

const HELP = [
  '1-4, tab       names, instances, running jobs, failures',
  'j k, arrows    move; home, end, page up and down',
  '/              filter; enter keeps it, escape clears it',
  'enter, w       why the job runs or does not',
  'space          hold; r reads again at once',
  'q              leave',
  '',
  'Upper case changes something, at once:',
  'P R            names: pause, resume',
  'C              running: cancel the job',
  'R D            failures: retry the job, delete it',
  '',
  'Any key goes back.',
];

const KEYS: Readonly<Record<TopState['tab'], string>> = {
  names: 'P pause  R resume',
  instances: '',
  running: 'enter why  C cancel',
  failures: 'enter why  R retry  D delete',
};

/** How many rows of the table are seen at once. */
export function pageSize(state: TopState, { rows }: Frame): number {
  return Math.max(1, rows - HEAD_LINES - FOOT_LINES - problemLines(state).length);
}

/** All lines of the screen, as many as there is room for. */
export function screenLines(state: TopState, frame: Frame): string[] {
  const { columns, rows, colours } = frame;
  const problems = problemLines(state);
  const room = pageSize(state, frame);
  const body = state.isHelp ? HELP : tableBody(state, frame, room);
  const middle = Array.from({ length: room + 1 }, (_, index) => body[index] ?? '');
  const warn = problems.map((text) => colours.red(cut(`! ${text}`, columns)));
  const lines = [...headLines(state, frame), ...middle, ...warn, ...footLines(state, frame)];
  return lines.slice(0, rows);
}

function problemLines({ snapshot }: TopState): string[] {
  if (snapshot === undefined) return [];
  const problems = problemsOf(snapshot.inspection, { maxQueueLagMs: DEFAULT_MAX_QUEUE_LAG_MS });
  const messages = problems.map(({ message }) => oneLine(message));
  const hidden = messages.length - MOST_PROBLEMS;
  const more = hidden > 0 ? [`${hidden} more: see monque status`] : [];
  return [...messages.slice(0, MOST_PROBLEMS), ...more];
}

function headLines(state: TopState, frame: Frame): string[] {
  const { columns, colours, title, intervalMs } = frame;
  const { snapshot, isHeld, tab } = state;
  const pace = isHeld ? 'held' : `every ${span(intervalMs)}`;
  const time =
    snapshot === undefined ? '' : `${snapshot.inspection.at.toISOString().slice(11, 19)}Z  `;
  const tabs = TABS.map((name, index) => {
    const text = ` ${index + 1} ${name} `;
    return name === tab ? colours.inverse(text) : text;
  });
  return [
    colours.bold(cut(`monque top  ${title}  ${time}${pace}`, columns)),
    cut(snapshot === undefined ? 'Reading…' : summary(snapshot), columns),
    // Four short words always have room.
    tabs.join(' '),
  ];
}

function summary({ inspection: { instances, names } }: Snapshot): string {
  const alive = instances.filter(({ state }) => state === 'alive').length;
  const running = instances.reduce((sum, { info }) => sum + (info?.runningJobs ?? 0), 0);
  const due = names.reduce((sum, name) => sum + name.due, 0);
  const isCut = names.some(({ dueIsCut }) => dueIsCut);
  return `${counted(alive, 'live instance')}, ${counted(running, 'running job')}, ${counted(due, 'due job', isCut)}`;
}

function footLines(state: TopState, { columns, colours }: Frame): string[] {
  const { isTyping, filter, message, tab } = state;
  const shown = filter === '' ? '' : `filter: ${filter}  `;
  const first = isTyping ? `/${filter}_` : `${shown}${oneLine(message)}`;
  const keys = `q quit  ? help  tab next  / filter  ${KEYS[tab]}`;
  return [cut(first, columns), colours.dim(cut(keys.trimEnd(), columns))];
}

function tableBody(state: TopState, frame: Frame, room: number): string[] {
  const { snapshot } = state;
  if (snapshot === undefined) return [];
  const lines = linesOf(state, snapshot, frame);
  const [head = '', ...rows] = lines;
  if (rows.length === 0) return ['Nothing to show.'];
  const start = Math.max(0, Math.min(state.selected - room + 1, rows.length - room));
  const seen = rows.slice(start, start + room);
  return [
    head,
    ...seen.map((line, index) => marked(line, start + index === state.selected, frame)),
  ];
}

/** The selected row stands out without colours too. */
function marked(line: string, isSelected: boolean, { colours }: Frame): string {
  return isSelected ? `${colours.inverse('>')} ${line}` : `  ${line}`;
}

function linesOf(state: TopState, { inspection, jobs }: Snapshot, frame: Frame): string[] {
  const { colours, columns } = frame;
  const ids = new Set(rowIds(state));
  // The mark of the selected row takes two.
  const style = { width: columns - 2, colours };
  const shown = jobs.filter(({ id }) => ids.has(id));
  switch (state.tab) {
    case 'names':
      return withMark(
        tableLines(
          inspection.names.filter(({ name }) => ids.has(name)),
          nameColumns(frame),
          style,
        ),
      );
    case 'instances':
      return withMark(
        tableLines(
          inspection.instances.filter(({ instanceId }) => ids.has(instanceId)),
          instanceColumns(frame, inspection.at),
          style,
        ),
      );
    case 'running':
      return withMark(tableLines(shown, jobColumns('SINCE', 'INSTANCE', inspection.at), style));
    case 'failures':
      return withMark(tableLines(shown, jobColumns('FAILED', 'WHY', inspection.at), style));
  }
}

function withMark([head = '', ...rows]: readonly string[]): string[] {
  return [`  ${head}`, ...rows];
}

function jobColumns(when: string, what: string, now: Date): Column<JobRow>[] {
  return [
    { title: 'ID', text: ({ id }) => id },
    { title: 'NAME', text: ({ name }) => name },
    {
      title: when,
      text: ({ at }) => (at === undefined ? '' : span(now.getTime() - at.getTime())),
      isRight: true,
    },
    { title: what, text: ({ detail }) => detail },
  ];
}
