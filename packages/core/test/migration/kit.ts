/**
 * Reads single documents without a database.
 *
 * @module
 */
import type { Collection, Db, Document } from 'mongodb';
import { agendaReader } from '../../src/migration/agenda-format.ts';
import { type ImportedJob, jobIdOf, toImportedJob } from '../../src/migration/imported-job.ts';
import {
  type MigrateJobsOptions,
  resolveMigration,
} from '../../src/migration/migration-options.ts';
import { plainReader } from '../../src/migration/plain-reader.ts';
import { isLeft, type Left, UnknownShape } from '../../src/migration/source-job.ts';

export const NOW: Date = new Date('2026-11-22T12:00:00Z');
export const BORN_AT: Date = new Date('2026-11-20T12:00:00Z');

const anything = (): undefined => undefined;

/** Stands for a collection where only its name counts. */
export const SOURCE = {
  find: anything,
  collectionName: 'agendaJobs',
  dbName: 'app',
} as unknown as Collection;

/** Stands for a database where only its name counts. */
export const DB = { command: anything, collection: anything, databaseName: 'app' } as unknown as Db;

/** What a document becomes. */
export function toJob(
  document: Document,
  options: Partial<MigrateJobsOptions> = {},
): ImportedJob | Left {
  const given = { source: SOURCE, db: DB, format: 'agenda', ...options } as MigrateJobsOptions;
  const resolved = resolveMigration(given);
  const { format } = resolved;
  const read = format === 'agenda' ? agendaReader(resolved) : plainReader(format, resolved);
  try {
    const source = read(document, BORN_AT);
    if (isLeft(source)) return source;
    return toImportedJob(source, jobIdOf(document._id, 'app.agendaJobs'), resolved, NOW);
  } catch (error) {
    if (error instanceof UnknownShape) return { left: 'shape', detail: error.message };
    throw error;
  }
}

/** What a document becomes, that is expected to become something. */
export function imported(
  document: Document | undefined,
  options: Partial<MigrateJobsOptions> = {},
): ImportedJob {
  const made = toJob(document as Document, options);
  if (isLeft(made)) throw new Error(`It was left: ${made.left}: ${made.detail}`);
  return made;
}
