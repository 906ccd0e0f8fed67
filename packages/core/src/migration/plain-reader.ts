/**
 * Reads the documents of a queue that is described by a plain format.
 *
 * @module
 */
import type { Document } from 'mongodb';
import { everyMsOf } from '../job/interval-plan.ts';
import type { ResolvedMigration, SeriesChoice } from './migration-options.ts';
import { FIELDS, type PlainField, type PlainFormat, STATUSES } from './plain-format.ts';
import {
  dateIn,
  numberIn,
  type ReadSource,
  type SourceJob,
  type SourceStatus,
  textIn,
  UnknownShape,
  valueIn,
  withTimezone,
} from './source-job.ts';

type Paths = Readonly<Record<PlainField, string>>;

/** Reads documents of the queue that is described. */
export function plainReader(
  format: PlainFormat,
  options: Pick<ResolvedMigration, 'series' | 'timezone'>,
): ReadSource {
  const paths = Object.fromEntries(
    FIELDS.map((name) => [name, format.fields?.[name] ?? name]),
  ) as Paths;
  const statuses = statusesOf(format);
  const sign = format.priorityOrder === 'higherFirst' ? -1 : 1;
  return (document, bornAt) => {
    const name = format.name ?? textIn(document, paths.name);
    if (name === undefined) throw new UnknownShape(`Expected a name in \`${paths.name}\``);
    const stored = valueIn(document, paths.status);
    const status = statuses.get(stored);
    if (status === undefined) {
      throw new UnknownShape(`Expected \`${paths.status}\` to be a known state, got ${stored}`);
    }
    const choice = Object.hasOwn(options.series, name) ? options.series[name] : undefined;
    const series = isOpen(status) ? seriesOf(document, paths, choice, options.timezone) : undefined;
    const createdAt = dateIn(document, paths.createdAt) ?? bornAt;
    const nextRunAt = dateIn(document, paths.nextRunAt);
    return {
      status,
      name,
      ...contentOf(document, paths),
      priority: sign * (numberIn(document, paths.priority) ?? 0),
      createdAt,
      dueAt: (isOpen(status) ? nextRunAt : undefined) ?? createdAt,
      ...series,
      notes: series === undefined ? [] : series.notes,
    };
  };
}

function statusesOf({ statuses = {} }: PlainFormat): ReadonlyMap<unknown, SourceStatus> {
  return new Map(
    STATUSES.flatMap((status) =>
      (statuses[status] ?? [status]).map((value): [unknown, SourceStatus] => [
        value,
        status === 'processing' ? 'interrupted' : status,
      ]),
    ),
  );
}

function isOpen(status: SourceStatus): boolean {
  return status === 'pending' || status === 'interrupted';
}

function contentOf(document: Document, paths: Paths): Partial<SourceJob> {
  const data = valueIn(document, paths.data);
  const startedAt = dateIn(document, paths.startedAt);
  const finishedAt = dateIn(document, paths.finishedAt);
  const failReason = textIn(document, paths.failReason);
  const uniqueKey = textIn(document, paths.uniqueKey);
  return {
    ...(data !== undefined && { data }),
    ...(startedAt && { startedAt }),
    ...(finishedAt && { finishedAt }),
    ...(failReason !== undefined && { failReason }),
    ...(uniqueKey !== undefined && { uniqueKey }),
  };
}

/** The plan of a recurring job; undefined for a job that runs once. */
function seriesOf(
  document: Document,
  paths: Paths,
  choice: SeriesChoice | undefined,
  assumedTimezone: string,
): Required<Pick<SourceJob, 'series' | 'notes'>> | undefined {
  const own = textIn(document, paths.repeatInterval);
  if (own === undefined) return undefined;
  const timezone = choice?.timezone ?? textIn(document, paths.timezone);
  const plan = choice?.cron ?? everyMsOf(own) ?? own;
  return withTimezone({ plan }, timezone, assumedTimezone);
}
