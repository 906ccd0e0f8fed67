import type { Db } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, InvalidCronError } from '../../src/index.ts';
import { migrateJobs } from '../../src/migration/index.ts';
import {
  type MigrateJobsOptions,
  resolveMigration,
} from '../../src/migration/migration-options.ts';
import { DB, SOURCE } from './kit.ts';

const GIVEN: MigrateJobsOptions = { source: SOURCE, db: DB, format: 'agenda' };

describe('the options of a migration', () => {
  test('have defaults', () => {
    const { onLeft, onProgress, source: _, db: __, ...resolved } = resolveMigration(GIVEN);
    expect(resolved).toStrictEqual({
      format: 'agenda',
      collectionName: 'monque_jobs',
      dryRun: false,
      finished: 'leave',
      locked: 'import',
      timezone: 'UTC',
      series: {},
      maxPayloadSize: 1_048_576,
      batchSize: 500,
    });
    expect(onLeft({ id: 1, name: 'a', reason: 'shape', detail: '' })).toBeUndefined();
    expect(onProgress).toBeInstanceOf(Function);
  });

  test('that are undefined count as not given', () => {
    const undefinedOnes = { batchSize: undefined, locked: undefined } as object;
    expect(resolveMigration({ ...GIVEN, ...undefinedOnes })).toMatchObject({
      batchSize: 500,
      locked: 'import',
    });
  });

  test.each<[string, object, string]>([
    ['no source', { source: undefined }, 'options.source'],
    ['no database', { db: {} }, 'options.db'],
    ['no format', { format: undefined }, 'options.format'],
    ['a format that is not known', { format: 'bull' }, 'options.format'],
    ['a field that no queue has', { format: { fields: { colour: 'c' } } }, 'options.format.fields'],
    [
      'states that are no list',
      { format: { statuses: { pending: 'new' } } },
      'options.format.statuses.pending',
    ],
    ['a misspelt option', { batchsize: 1 }, 'options'],
    ['a batch of none', { batchSize: 0 }, 'options.batchSize'],
    ['a choice that is none', { finished: 'some' }, 'options.finished'],
    ['a time zone that does not exist', { timezone: 'Mars/Olympus' }, 'options.timezone'],
    ['series that are no object', { series: 7 }, 'options.series'],
    ['a series with a misspelt field', { series: { a: { kron: '*' } } }, 'options.series.a'],
    [
      'a series with an empty key',
      { series: { a: { uniqueKey: '' } } },
      'options.series.a.uniqueKey',
    ],
    ['the source for its target', { collectionName: 'agendaJobs' }, 'options.collectionName'],
  ])('with %s are refused', async (_what, given, field) => {
    const options = { ...GIVEN, ...given } as MigrateJobsOptions;
    expect(() => resolveMigration(options)).toThrow(InvalidArgumentError);
    expect(() => resolveMigration(options)).toThrow(expect.objectContaining({ field }));
    await expect(migrateJobs(options)).rejects.toThrow(InvalidArgumentError);
  });

  test('with a series whose cron expression cannot be read are refused', () => {
    const series = { report: { cron: 'daily' } };
    expect(() => resolveMigration({ ...GIVEN, series })).toThrow(InvalidCronError);
  });

  test('may name the collection of the source in another database', () => {
    const db = { ...DB, databaseName: 'other' } as unknown as Db;
    expect(resolveMigration({ ...GIVEN, db, collectionName: 'agendaJobs' })).toMatchObject({
      collectionName: 'agendaJobs',
    });
  });
});
