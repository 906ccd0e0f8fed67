/**
 * Dead letters: jobs that failed for good and wait under another name. They are listed, and redriven at a rate.
 *
 * What always holds: nothing is redriven that was not counted and asked for, unless ids or `--yes` were given.
 *
 * @module
 */
import type { Job, JobsFilter, MonqueManagement } from '@monque/core';
import type { Session } from '../context/context.ts';
import { usageError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';
import { type ReasonOption, why } from '../context/reason.ts';
import type { Column } from '../context/table.ts';
import { beside, counted } from '../context/words.ts';
import { bulk } from './bulk.ts';
import { reportResult } from './bulk-result.ts';
import { withId } from './look.ts';

/** Which dead letters are meant. */
interface DeadSelection {
  readonly name?: readonly string[];
  readonly of?: readonly string[];
  readonly failure?: string;
}

/** Options of `dead list`. */
export interface DeadListOptions extends DeadSelection {
  readonly limit: number;
}

/** Options of `dead redrive`. */
export interface DeadRedriveOptions extends DeadSelection, ReasonOption {
  readonly perSecond?: number;
  readonly limit?: number;
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** How many are counted before it is asked. */
const MOST_COUNTED = 1_000;

/** `monque dead list` */
export async function listDead(
  { output, open }: Session,
  { limit, ...selection }: DeadListOptions,
): Promise<ExitCode> {
  const filter = filterOf(selection);
  if (filter.name === undefined && filter.deadLettersOf === undefined) {
    throw usageError('Give --name, under which they wait, or --of, under which they failed');
  }
  const { jobs, ledger } = await open();
  const now = await ledger.readTime();
  const page = { ...filter, limit, orderBy: '_id' } as const;
  const { jobs: found, nextCursor } = await jobs.getJobsWithCursor(page);
  const letters = found.filter(isLetter);
  if (output.isJson) {
    for (const job of letters) await output.line(JSON.stringify(plain(withId(job))));
  } else {
    await output.table(letters, columnsOf(now));
    if (letters.length === 0) output.note('No dead letter matches.');
  }
  if (nextCursor !== null) output.note('There are more; raise --limit.');
  return ExitCode.DONE;
}

/** A job that failed elsewhere. */
type Letter = Job & Required<Pick<Job, 'source'>>;

function isLetter(job: Job): job is Letter {
  return job.source !== undefined;
}

function columnsOf(now: Date): Column<Letter>[] {
  return [
    { title: 'ID', text: ({ _id }) => _id.toHexString() },
    { title: 'NAME', text: ({ name }) => name },
    { title: 'STATUS', text: ({ status }) => status },
    { title: 'OF', text: ({ source }) => source.name },
    { title: 'FAILED', text: ({ source }) => beside(source.failedAt, now) },
    { title: 'REASON', text: ({ source }) => source.reason },
  ];
}

/** `monque dead redrive` */
export async function redriveDead(
  session: Session,
  ids: readonly string[],
  options: DeadRedriveOptions,
): Promise<ExitCode> {
  const filter = filterOf(options);
  const isFiltered = Object.keys(filter).length > 0;
  if (ids.length > 0) {
    const { perSecond, limit, all } = options;
    const isMore = isFiltered || all || perSecond !== undefined || limit !== undefined;
    if (isMore) throw usageError('Give ids or a filter, not both');
    return bulk(session, ids, options, {
      verb: 'redrive',
      done: 'redriven',
      apply: (jobs, id) => jobs.redriveDeadLetter(id, why(options)),
    });
  }
  if (!isFiltered && !options.all) {
    throw usageError('Give the ids of dead letters, --name, --of, or --all for every dead letter');
  }
  const { jobs } = await session.open();
  return redriveBy(session, jobs, filter, options);
}

async function redriveBy(
  session: Session,
  jobs: MonqueManagement,
  filter: JobsFilter,
  options: DeadRedriveOptions,
): Promise<ExitCode> {
  const { output } = session;
  const { limit = MOST_COUNTED, perSecond, yes, dryRun } = options;
  const { matched, isComplete } = await jobs.redriveDeadLetters(filter, { preview: true, limit });
  const letters = counted(matched, 'dead letter', !isComplete && options.limit === undefined);
  if (dryRun || matched === 0) {
    const said = matched === 0 ? 'No dead letter matches.' : `Would redrive ${letters}.`;
    output.note(dryRun && matched > 0 ? `${said} Nothing was changed (dry run).` : said);
    return ExitCode.DONE;
  }
  if (!yes && !(await session.confirm(`Redrive ${letters}?`))) {
    output.note('Nothing was changed.');
    return ExitCode.DONE;
  }
  const signal = session.watchInterrupt();
  const result = await jobs.redriveDeadLetters(filter, {
    ...{ signal, ...why(options) },
    ...(options.limit !== undefined && { limit: options.limit }),
    ...(perSecond !== undefined && { perSecond }),
  });
  const isInterrupted = signal.aborted;
  return reportResult(session, result, { noun: 'dead letter', done: 'redriven', isInterrupted });
}

function filterOf({ name, of: deadLettersOf, failure }: DeadSelection): JobsFilter {
  return {
    ...(name && { name }),
    ...(deadLettersOf && { deadLettersOf }),
    ...(failure !== undefined && { failReason: failure }),
  };
}
