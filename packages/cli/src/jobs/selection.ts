/**
 * Which jobs are meant: the filters of the library, and one that is asked of each job that they find.
 *
 * @module
 */
import type { Job, JobMetadata, JobStatus, JobsFilter, MonqueManagement } from '@monque/core';
import type { CliCommand } from '../context/command.ts';
import { usageError } from '../context/errors.ts';
import { list, pair, pastTime, TIME_FORMS } from '../context/values.ts';

/** The options of {@link addFilterOptions}, as commander gives them. */
export interface FilterOptions {
  readonly name?: readonly string[];
  readonly status?: readonly string[];
  readonly key?: string;
  readonly order?: string;
  readonly group?: string;
  readonly flow?: string;
  readonly meta?: Readonly<Record<string, string>>;
  readonly createdFrom?: Date;
  readonly createdBefore?: Date;
  readonly failedWith?: string;
  readonly finishedFrom?: Date;
}

/** Adds the options that say which jobs are meant. */
export function addFilterOptions(command: CliCommand, now: () => Date): CliCommand {
  return command
    .option('--name <names>', 'of these names, with commas', list)
    .option('--status <states>', 'in these states, with commas', list)
    .option('--key <key>', 'with this unique key')
    .option('--order <key>', 'with this order')
    .option('--group <group>', 'of this group')
    .option('--flow <id>', 'of this flow')
    .option('--meta <name=value>', 'with this in its metadata; may be repeated', pair)
    .option('--created-from <time>', `created then or later: ${TIME_FORMS} ago`, pastTime(now))
    .option('--created-before <time>', 'created before', pastTime(now))
    .option('--failed-with <text>', 'whose last failure has this text in its message')
    .option('--finished-from <time>', 'finished then or later', pastTime(now));
}

/** Jobs that are meant. */
export interface Selection {
  readonly filter: JobsFilter;
  /** Asked of each job that the filter finds. */
  readonly fits: (job: Job) => boolean;
  /** True when nothing was said, so that every job is meant. */
  readonly isAll: boolean;
  /** True when jobs are asked one by one, so that many may be read for a few. */
  readonly isScan: boolean;
}

/** Makes a selection of options. */
export function selectionOf(options: FilterOptions): Selection {
  const { name, status, key, order, group, flow, meta, failedWith } = options;
  const { createdFrom, createdBefore, finishedFrom } = options;
  const filter: JobsFilter = {
    ...(name && { name }),
    ...(status && { status: status as JobStatus[] }),
    ...(key !== undefined && { uniqueKey: key }),
    ...(order !== undefined && { order }),
    ...(group !== undefined && { group }),
    ...(flow !== undefined && { flow }),
    ...(meta && { metadata: metadataOf(meta) }),
    ...(createdFrom && { createdFrom }),
    ...(createdBefore && { createdBefore }),
    ...(finishedFrom && { finishedFrom }),
  };
  const isScan = failedWith !== undefined;
  const fits = ({ failReason }: Job): boolean =>
    failedWith === undefined || failReason?.includes(failedWith) === true;
  return { filter, fits, isScan, isAll: !isScan && Object.keys(filter).length === 0 };
}

/** Numbers, booleans and quoted texts as JSON has them; anything else is the text itself. */
export function metadataOf(
  pairs: Readonly<Record<string, string>>,
): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(pairs).map(([name, text]) => [name, scalarOf(text)]),
  ) satisfies JobMetadata;
}

function scalarOf(text: string): string | number | boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? text : (value as string | number | boolean);
  } catch {
    return text;
  }
}

const PAGE = 500;

/** The jobs of a selection by their ids, a page at a time. */
export async function* jobsOf(
  jobs: MonqueManagement,
  { filter, fits }: Selection,
  { archived = false }: { readonly archived?: boolean } = {},
): AsyncGenerator<Job> {
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const page = { ...filter, archived, limit: PAGE, ...(cursor && { cursor }) };
    const { jobs: found, nextCursor } = await jobs.getJobsWithCursor(page);
    for (const job of found) if (fits(job)) yield job;
    cursor = nextCursor;
  }
}

/** Refuses a verb on many jobs that names none: what was forgotten must not mean all of them. */
export function checkSelected(ids: readonly string[], { isAll }: Selection, all: boolean): void {
  if (ids.length > 0 && (!isAll || all)) throw usageError('Give ids or a filter, not both');
  if (ids.length === 0 && isAll && !all) {
    throw usageError(
      'Give the ids of jobs, a filter such as --status failed, or --all for every job',
    );
  }
}
