/**
 * What a migration is given.
 *
 * @module
 */
import type { Collection, Db } from 'mongodb';
import {
  type Check,
  checkCollectionName,
  checkFields,
  checkFunction,
  fields,
  hasMethods,
  integer,
  oneOf,
  text,
} from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { parseCron } from '../job/cron.ts';
import { LARGEST_PAYLOAD_BYTES } from '../job/payload.ts';
import { DEFAULTS as DEFAULTS_OF_SCHEDULER } from '../options/option-table.ts';
import { LONGEST_UNIQUE_KEY } from '../options/run-options.ts';
import type { LeftJob, MigrationReport } from './migration-report.ts';
import { checkPlainFormat, type PlainFormat } from './plain-format.ts';

const DEFAULT_BATCH_SIZE = 500;
const MOST_A_BATCH = 10_000;
const LONGEST_TIMEZONE = 64;

/** What is known better than the source says about the series of one name. */
export interface SeriesChoice {
  /** The cron expression, for a plan that has none, or in place of it. */
  readonly cron?: string;
  /** The time zone of the plan. */
  readonly timezone?: string;
  /** The `uniqueKey` that the application gives to `schedule`. @default the plan, as `schedule` has it */
  readonly uniqueKey?: string;
}

/** What {@link migrateJobs} is given. */
export interface MigrateJobsOptions {
  /** The jobs of the other queue. They are only read. */
  readonly source: Collection;
  /** The database that Monque's jobs are to be in; from the same version of `mongodb` as the source. */
  readonly db: Db;
  /** The collection of Monque's jobs. @default 'monque_jobs' */
  readonly collectionName?: string;
  /** Which queue the jobs come from: Agenda 4 to 6, or one that is described by its fields and states. */
  readonly format: 'agenda' | PlainFormat;
  /** Read and report, but write nothing. @default false */
  readonly dryRun?: boolean;
  /** Which finished jobs become finished jobs: none, those that failed, or all. @default 'leave' */
  readonly finished?: 'leave' | 'failed' | 'all';
  /**
   * What becomes of jobs that a worker took and never recorded the end of: they run again, or are left.
   *
   * @default 'import'
   */
  readonly locked?: 'import' | 'leave';
  /** The time zone of cron expressions that state none: that of the old workers' machines. @default 'UTC' */
  readonly timezone?: string;
  /** What is known better about series, by the name of the job. */
  readonly series?: Readonly<Record<string, SeriesChoice>>;
  /** The most bytes that the data of a job may have. @default 1 MiB, as the scheduler has it */
  readonly maxPayloadSize?: number;
  /** Documents read and written at a time. @default 500 */
  readonly batchSize?: number;
  /** Called with every document that is left. */
  readonly onLeft?: (job: LeftJob) => void;
  /** Called with how far it is, after each batch. */
  readonly onProgress?: (report: MigrationReport) => void;
}

type Optional = 'onLeft' | 'onProgress';

/** The same with the defaults filled in. */
export type ResolvedMigration = Required<MigrateJobsOptions>;

const SERIES_CHECKS: Readonly<Record<string, Check>> = {
  cron: (field, value) => void parseCron(field, value),
  timezone: checkTimezone,
  uniqueKey: text(LONGEST_UNIQUE_KEY),
};

const CHECKS: Readonly<Record<keyof MigrateJobsOptions, Check>> = {
  source: hasMethods('find'),
  db: hasMethods('command', 'collection'),
  collectionName: checkCollectionName,
  format: checkFormat,
  dryRun: oneOf(true, false),
  finished: oneOf('leave', 'failed', 'all'),
  locked: oneOf('import', 'leave'),
  timezone: checkTimezone,
  series: checkSeries,
  maxPayloadSize: integer(1, LARGEST_PAYLOAD_BYTES),
  batchSize: integer(1, MOST_A_BATCH),
  onLeft: checkFunction,
  onProgress: checkFunction,
};

const DEFAULTS: Required<Omit<MigrateJobsOptions, 'source' | 'db' | 'format' | Optional>> = {
  collectionName: DEFAULTS_OF_SCHEDULER.collectionName,
  dryRun: false,
  finished: 'leave',
  locked: 'import',
  timezone: 'UTC',
  series: {},
  maxPayloadSize: DEFAULTS_OF_SCHEDULER.maxPayloadSize,
  batchSize: DEFAULT_BATCH_SIZE,
};

/**
 * Checks the options and fills in the defaults.
 *
 * @throws InvalidArgumentError, or InvalidCronError, for options that cannot be used
 */
export function resolveMigration(options: MigrateJobsOptions): ResolvedMigration {
  fields(CHECKS, ['source', 'db', 'format'])('options', options);
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as MigrateJobsOptions;
  const resolved = { onLeft: () => undefined, onProgress: () => undefined, ...DEFAULTS, ...given };
  const { source, db, collectionName } = resolved;
  if (source.collectionName === collectionName && source.dbName === db.databaseName) {
    throw new InvalidArgumentError(
      'options.collectionName',
      'another collection than the source',
      collectionName,
    );
  }
  return resolved;
}

function checkFormat(field: string, value: unknown): void {
  if (value !== 'agenda') checkPlainFormat(field, value);
}

function checkSeries(field: string, value: unknown): void {
  const names = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  const ofEach = fields(SERIES_CHECKS);
  checkFields(field, value, Object.fromEntries(names.map((name) => [name, ofEach])));
}

function checkTimezone(field: string, value: unknown): void {
  text(LONGEST_TIMEZONE)(field, value);
  parseCron(field, '* * * * *', String(value));
}
