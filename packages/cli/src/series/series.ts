/**
 * Series: their list, their next times, and what is done to one.
 *
 * @module
 */
import type { MonqueManagement, Schedule } from '@monque/core';
import type { Session } from '../context/context.ts';
import { missingError, usageError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';
import { type ReasonOption, why } from '../context/reason.ts';
import type { Column } from '../context/table.ts';
import { beside, counted } from '../context/words.ts';
import { showOccurrences } from './occurrences.ts';

/** Which series is meant. */
export interface SeriesOptions extends ReasonOption {
  readonly key?: string;
}

/** `monque series list` */
export async function listSeries(
  { output, open }: Session,
  { name }: { readonly name?: string },
): Promise<ExitCode> {
  const { jobs, ledger } = await open();
  const now = await ledger.readTime();
  const series = await jobs.getSchedules(name === undefined ? {} : { name });
  if (output.isJson) {
    for (const one of series) await output.line(JSON.stringify(plain(one)));
  } else await output.table(series, columnsOf(now));
  if (series.length === 0) output.note('There is no series.');
  return ExitCode.DONE;
}

function columnsOf(now: Date): Column<Schedule>[] {
  return [
    { title: 'NAME', text: ({ name }) => name },
    { title: 'KEY', text: (one) => (one.uniqueKey === planOf(one) ? '' : one.uniqueKey) },
    { title: 'PLAN', text: planOf },
    { title: 'ZONE', text: ({ timezone }) => timezone },
    { title: 'MISSED', text: ({ missed }) => missed },
    { title: 'STATUS', text: ({ status }) => status },
    { title: 'DUE', text: ({ nextRunAt }) => beside(nextRunAt, now) },
    { title: 'JOB', text: ({ jobId }) => jobId.toHexString() },
  ];
}

/** The cron expression; of an interval `every 5 minutes`, without what it is counted from. */
function planOf({ repeatInterval, cron }: Schedule): string {
  return cron ?? repeatInterval.replace(/ from .*$/, '');
}

/** The one series that is meant. */
async function theOne(
  jobs: MonqueManagement,
  name: string,
  { key }: SeriesOptions,
): Promise<Schedule> {
  const all = await jobs.getSchedules({ name });
  const [one, ...others] = all.filter(({ uniqueKey }) => key === undefined || uniqueKey === key);
  if (one === undefined) {
    const which = key === undefined ? '' : ` with the key '${key}'`;
    throw missingError(`There is no series '${name}'${which}`);
  }
  if (others.length === 0) return one;
  const keys = all.map(({ uniqueKey }) => `'${uniqueKey}'`).join(', ');
  throw usageError(`There are ${all.length} series '${name}'; say which with --key: ${keys}`);
}

/** `monque series next` */
export async function nextOfSeries(
  session: Session,
  name: string,
  options: SeriesOptions & { readonly count: number },
): Promise<ExitCode> {
  const { jobs, ledger } = await session.open();
  const { repeatInterval, timezone, startAt, endAt } = await theOne(jobs, name, options);
  const now = await ledger.readTime();
  // A time of the plan that is the start itself is one of its runs.
  const after = startAt && startAt > now ? new Date(startAt.getTime() - 1) : now;
  const { count } = options;
  const until = endAt && { until: endAt };
  await showOccurrences(session, { cron: repeatInterval, timezone, after, count, ...until });
  return ExitCode.DONE;
}

/** `monque series run` */
export async function runSeries(
  { output, open }: Session,
  name: string,
  options: SeriesOptions,
): Promise<ExitCode> {
  const { jobs, ledger } = await open();
  const { jobId, scheduledFor } = await theOne(jobs, name, options);
  await jobs.rescheduleJob(jobId, await ledger.readTime(), why(options));
  output.note(`It is due now, in place of its run of ${scheduledFor.toISOString()}.`);
  return ExitCode.DONE;
}

/** `monque series skip` */
export async function skipRun(
  { output, open }: Session,
  name: string,
  options: SeriesOptions,
): Promise<ExitCode> {
  const { jobs } = await open();
  const { jobId, scheduledFor } = await theOne(jobs, name, options);
  const job = await jobs.cancelJob(jobId, why(options));
  const next = job?.status === 'pending' ? `; the next is ${job.nextRunAt.toISOString()}` : '';
  output.note(`Its run of ${scheduledFor.toISOString()} is passed over${next}.`);
  return ExitCode.DONE;
}

/** `monque series end` */
export async function endSeries(
  { output, open, confirm }: Session,
  name: string,
  options: SeriesOptions & { readonly yes?: boolean },
): Promise<ExitCode> {
  const { key, yes } = options;
  const { jobs } = await open();
  const all = await jobs.getSchedules({ name });
  if (all.length === 0) throw missingError(`There is no series '${name}'`);
  const which =
    key === undefined ? `all ${all.length} series '${name}'` : `the series '${name}' (${key})`;
  if (!yes && !(await confirm(`End ${which}?`))) {
    output.note('Nothing was changed.');
    return ExitCode.DONE;
  }
  const ended = await jobs.unschedule(name, {
    ...why(options),
    ...(key !== undefined && { uniqueKey: key }),
  });
  if (ended === 0) throw missingError(`There is no series '${name}' with the key '${key}'`);
  output.note(
    `${counted(ended, 'run')} ended; an application that schedules it again makes it again.`,
  );
  return ExitCode.DONE;
}
