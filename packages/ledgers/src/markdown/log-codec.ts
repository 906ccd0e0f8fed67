/**
 * The history of a record as lines of a code block: `[2026-03-01 09:30] Agent-1: (start: assigned → in_progress)`.
 *
 * A remark is plain text behind its actor; what is neither is kept as it is.
 *
 * @module
 */
import { formatTime, parseTime } from '../foundation/dates.ts';
import { type HistoryEntry, isSameValue } from '../record/record.ts';
import type { SectionCodec } from './codecs.ts';

const LINE = /^\[([^\]]{10,30})\] ([^:[\]]{1,100}): (.*)$/s;
const CHANGE = /^\((\w+)(?:: (\w+) → (\w+))?(?:, run ([\w.:-]+))?\)(?: (.*))?$/s;
const LONGEST_LINE = 20_000;

/** The entry that a line of a log stands for. */
export function parseLogLine(line: string): HistoryEntry {
  const note = { verb: 'note', reason: line };
  if (line.length > LONGEST_LINE) return note;
  const [, time = '', actor = '', said = ''] = LINE.exec(line) ?? [];
  const at = parseTime(time);
  if (at === undefined) return note;
  const change = CHANGE.exec(said);
  if (change === null) return withReason({ at, verb: 'log', actor }, said);
  const [, verb = '', from, to, run, reason = ''] = change;
  const states = from === undefined || to === undefined ? {} : { from, to };
  return withReason({ at, verb, actor, ...states, ...(run !== undefined && { run }) }, reason);
}

function withReason(entry: HistoryEntry, reason: string): HistoryEntry {
  return reason === '' ? entry : { ...entry, reason };
}

/** The line for an entry. */
export function formatLogLine(entry: HistoryEntry): string {
  const { at, verb, actor = '', from, to, run, reason = '' } = entry;
  if (at === undefined) return reason;
  const start = `[${formatTime(at)}] ${actor}: `;
  const isRemark = verb === 'log' && from === undefined && run === undefined;
  const isPlain = isRemark && reason !== '' && !CHANGE.test(reason);
  if (isPlain) return `${start}${reason}`;
  const states = from === undefined ? '' : `: ${from} → ${to}`;
  const during = run === undefined ? '' : `, run ${run}`;
  return `${start}(${verb}${states}${during})${reason === '' ? '' : ` ${reason}`}`;
}

/** A log in a code block. A log that only grows keeps its lines. */
export const LOG: SectionCodec = {
  parse: (lines) => blockOf(lines).map(parseLogLine),
  render(value, before) {
    const entries = value as readonly HistoryEntry[];
    const kept = blockOf(before);
    const old = kept.map(parseLogLine);
    const dropped = old.findIndex((entry) => isSameValue(entry, entries[0]));
    const rest = dropped < 0 ? [] : old.slice(dropped);
    const grows = rest.every((entry, index) => isSameValue(entry, entries[index]));
    const lines = grows
      ? [...kept.slice(old.length - rest.length), ...entries.slice(rest.length).map(formatLogLine)]
      : entries.map(formatLogLine);
    return inBlock(lines, before);
  },
};

/** Where the lines between the first fence of a section and the end of its block are. */
function bounds(lines: readonly string[]): { readonly open: number; readonly close: number } {
  const open = lines.findIndex((line) => /^(`{3,}|~{3,})/.test(line.slice(0, 20)));
  const fence = /^(`+|~+)/.exec((lines[open] ?? '').slice(0, 20))?.[0] ?? '';
  const close = lines.findIndex((line, index) => index > open && line.trimEnd() === fence);
  return { open, close };
}

function blockOf(lines: readonly string[]): readonly string[] {
  const { open, close } = bounds(lines);
  return open < 0
    ? []
    : lines.slice(open + 1, close < 0 ? undefined : close).filter((line) => line !== '');
}

function inBlock(entries: readonly string[], before: readonly string[]): readonly string[] {
  const { open, close } = bounds(before);
  if (open < 0) return [...before, '```', ...entries, '```'];
  return [
    ...before.slice(0, open + 1),
    ...entries,
    ...before.slice(close < 0 ? before.length : close),
  ];
}
