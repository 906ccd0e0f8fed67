/**
 * The next times of a cron expression.
 *
 * @module
 */
import type { Session } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';
import type { Column } from '../context/table.ts';
import { beside } from '../context/words.ts';
import { type ShownTime, showTimes } from './zone-changes.ts';

/** Which times are shown. */
export interface Occurrences {
  readonly cron: string;
  readonly timezone: string;
  readonly after: Date;
  readonly count: number;
  /** None later than this. */
  readonly until?: Date;
}

/** Shows the next times of an expression. */
export async function showOccurrences(
  { output, io }: Session,
  { cron, timezone, after, count, until }: Occurrences,
): Promise<void> {
  const { cronTimes } = await import('@monque/core');
  // One more than is shown shows whether a time that comes twice does.
  const times = cronTimes(cron, { timezone, after, limit: count + 1, ...(until && { until }) });
  const shown = showTimes(times, after, timezone).slice(0, count);
  if (output.isJson) for (const time of shown) await output.line(JSON.stringify(plain(time)));
  else await output.table(shown, columnsOf(timezone, io.now()));
  if (shown.length < count) output.note('There are no more.');
}

function columnsOf(timezone: string, now: Date): Column<ShownTime>[] {
  return [
    { title: timezone.toUpperCase(), text: ({ local, offset }) => `${local} ${offset}` },
    { title: 'UTC', text: ({ at }) => at.toISOString().slice(0, 19).concat('Z') },
    { title: '', text: ({ at }) => beside(at, now) },
    { title: 'CLOCKS', text: ({ note = '' }) => note },
  ];
}

/** `monque next` */
export async function next(
  session: Session,
  cron: string,
  { zone, count, from }: { readonly zone: string; readonly count: number; readonly from?: Date },
): Promise<ExitCode> {
  const after = from ?? session.io.now();
  await showOccurrences(session, { cron, timezone: zone, after, count });
  return ExitCode.DONE;
}
