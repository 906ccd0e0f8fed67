/**
 * Looking at jobs: lists, one job, its history.
 *
 * @module
 */
import type { GetJobsWithCursorOptions, Job } from '@monque/core';
import type { TransitionEntry } from '@monque/core/types';
import type { Session } from '../context/context.ts';
import { missingError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';
import type { Colours } from '../context/output.ts';
import type { Column } from '../context/table.ts';
import { beside, counted, span } from '../context/words.ts';
import { type FilterOptions, jobsOf, selectionOf } from './selection.ts';

/** Options of `jobs list`. */
export interface ListOptions extends FilterOptions {
  readonly limit: number;
  readonly sort: 'id' | 'due' | 'created' | 'updated';
  readonly desc?: boolean;
  readonly cursor?: string;
  readonly archived?: boolean;
}

const ORDERS = { id: '_id', due: 'nextRunAt', created: 'createdAt', updated: 'updatedAt' } as const;

/** How many jobs are looked at for a filter that is asked of each. */
const MOST_EXAMINED = 10_000;

/** `monque jobs list` */
export async function listJobs(session: Session, options: ListOptions): Promise<ExitCode> {
  const { output } = session;
  const selection = selectionOf(options);
  const { jobs, ledger } = await session.open();
  const now = await ledger.readTime();
  const { limit, sort, desc = false, cursor, archived = false } = options;
  const page: GetJobsWithCursorOptions = {
    ...selection.filter,
    ...{ orderBy: ORDERS[sort], direction: desc ? 'descending' : 'ascending', archived },
    ...(cursor !== undefined && { cursor }),
    limit: selection.isScan ? MOST_EXAMINED : limit,
  };
  const { jobs: found, nextCursor } = await jobs.getJobsWithCursor(page);
  const fitting = found.filter(selection.fits);
  await showJobs(session, fitting.slice(0, limit), now);
  const hidden = fitting.length - limit;
  if (hidden > 0) output.note(`${counted(hidden, 'more job')} of those looked at; raise --limit.`);
  if (nextCursor !== null) {
    const looked = selection.isScan ? `Looked at ${counted(found.length, 'job')}. ` : '';
    output.note(`${looked}More: --cursor ${nextCursor}`);
  }
  return ExitCode.DONE;
}

async function showJobs({ output }: Session, jobs: readonly Job[], now: Date): Promise<void> {
  if (output.isJson) {
    for (const job of jobs) await output.line(JSON.stringify(plain(withId(job))));
    return;
  }
  await output.table(jobs, columnsOf(now, output.colours));
  if (jobs.length === 0) output.note('No job matches.');
}

/** The id under the name that other records have it under. */
export function withId({ _id: id, ...job }: Job): object {
  return { id, ...job };
}

function columnsOf(now: Date, colours: Colours): Column<Job>[] {
  const paints: Readonly<Record<string, (text: string) => string>> = {
    completed: colours.green,
    failed: colours.red,
    processing: colours.cyan,
    blocked: colours.yellow,
  };
  return [
    { title: 'ID', text: ({ _id }) => _id.toHexString() },
    { title: 'NAME', text: ({ name }) => name },
    {
      title: 'STATUS',
      text: ({ status }) => status,
      paint: (text, { status }) => paints[status]?.(text) ?? text,
    },
    { title: 'DUE', text: ({ nextRunAt }) => beside(nextRunAt, now) },
    { title: 'FINISHED', text: ({ finishedAt }) => beside(finishedAt, now) },
    { title: 'FAILS', text: ({ failCount }) => `${failCount}`, isRight: true },
    { title: 'KEY', text: ({ uniqueKey = '' }) => uniqueKey },
    { title: 'LAST FAILURE', text: ({ failReason = '' }) => failReason },
  ];
}

/** `monque jobs get` */
export async function getJob({ output, open }: Session, id: string): Promise<ExitCode> {
  const { jobs } = await open();
  const job = await jobs.getJob(id);
  if (job === null) throw missingError(`There is no job ${id}`);
  const record = plain(withId(job)) as object;
  await output.record(record, () => JSON.stringify(record, null, 2));
  return ExitCode.DONE;
}

const HISTORY_COLUMNS: readonly Column<TransitionEntry>[] = [
  { title: 'AT', text: ({ at }) => at.toISOString() },
  { title: 'WHAT', text: ({ verb }) => verb },
  { title: 'FROM', text: ({ from = '' }) => from },
  { title: 'TO', text: ({ to = '' }) => to },
  {
    title: 'TOOK',
    text: ({ duration }) => (duration === undefined ? '' : span(duration)),
    isRight: true,
  },
  { title: 'BY', text: ({ by = '' }) => by },
  { title: 'WHY', text: ({ reason = '' }) => reason },
];

/** `monque jobs history` */
export async function showHistory({ output, open }: Session, id: string): Promise<ExitCode> {
  const { jobs } = await open();
  const entries = await jobs.getHistory(id);
  if (entries.length === 0 && (await jobs.getJob(id)) === null) {
    throw missingError(`There is no job ${id}`);
  }
  if (entries.length === 0) output.note('Nothing but runs that went well happened to it.');
  if (!output.isJson) await output.table(entries, HISTORY_COLUMNS);
  else for (const entry of entries) await output.line(JSON.stringify(plain(entry)));
  return ExitCode.DONE;
}

/** `monque jobs count` of what a filter finds, bounded. */
export async function countJobs(
  { output, open }: Session,
  options: FilterOptions & { readonly limit: number; readonly archived?: boolean },
): Promise<ExitCode> {
  const { jobs } = await open();
  const { archived = false, limit } = options;
  let count = 0;
  for await (const _ of jobsOf(jobs, selectionOf(options), { archived })) {
    if (count === limit) {
      await output.record({ count, isCut: true }, () => `${count}+`);
      return ExitCode.DONE;
    }
    count += 1;
  }
  await output.record({ count, isCut: false }, () => `${count}`);
  return ExitCode.DONE;
}
