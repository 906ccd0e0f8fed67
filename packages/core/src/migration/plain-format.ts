/**
 * A queue that keeps a state and a due time in each document, as many applications write it for themselves.
 *
 * @module
 */
import type { Document } from 'mongodb';
import { type Check, fields, oneOf, text } from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import type { ResolvedMigration, SeriesChoice } from './migration-options.ts';
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

/** What a document of such a queue may tell, each in a field of its own. */
export type PlainField =
  | 'name'
  | 'data'
  | 'status'
  | 'priority'
  | 'nextRunAt'
  | 'createdAt'
  | 'startedAt'
  | 'finishedAt'
  | 'failReason'
  | 'uniqueKey'
  | 'repeatInterval'
  | 'timezone';

/** The states of such a queue, by what they are called here. */
export type PlainStatus = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';

/** How a queue keeps its jobs. */
export interface PlainFormat {
  /** Where something is kept, such as `{ data: 'payload.body' }`. What is not named is kept under its own name. */
  readonly fields?: Readonly<Partial<Record<PlainField, string>>>;
  /** The values of each state, such as `{ pending: ['new', 'waiting'] }`. @default what they are called here */
  readonly statuses?: Readonly<Partial<Record<PlainStatus, readonly unknown[]>>>;
  /** The name of all jobs, for a queue whose documents have none. */
  readonly name?: string;
  /** Which priority goes first. @default 'lowerFirst' */
  readonly priorityOrder?: 'lowerFirst' | 'higherFirst';
}

const FIELDS: readonly PlainField[] = [
  ...(['name', 'data', 'status', 'priority', 'nextRunAt', 'createdAt', 'startedAt'] as const),
  ...(['finishedAt', 'failReason', 'uniqueKey', 'repeatInterval', 'timezone'] as const),
];

const STATUSES: readonly PlainStatus[] = [
  'pending',
  'processing',
  'completed',
  'failed',
  'cancelled',
];

const LONGEST_PATH = 256;
const LONGEST_NAME = 256;

const CHECKS: Readonly<Record<keyof PlainFormat, Check>> = {
  fields: fields(Object.fromEntries(FIELDS.map((name) => [name, text(LONGEST_PATH)]))),
  statuses: fields(Object.fromEntries(STATUSES.map((status) => [status, checkValues]))),
  name: text(LONGEST_NAME),
  priorityOrder: oneOf('lowerFirst', 'higherFirst'),
};

/** Checks the description of a queue. */
export function checkPlainFormat(field: string, value: unknown): void {
  fields(CHECKS)(field, value);
}

function checkValues(field: string, value: unknown): void {
  if (!Array.isArray(value)) throw new InvalidArgumentError(field, 'an array', value);
}

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
  return withTimezone({ cron: choice?.cron ?? own }, timezone, assumedTimezone);
}
