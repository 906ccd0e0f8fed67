// What a ledger finds out, and makes, before its first verb.
import { type Db, MongoClient } from 'mongodb';
import { MongoClient as MongoClient6 } from 'mongodb-6';
import { afterAll, afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { ConnectionError } from '../../src/foundation/errors.ts';
import {
  DEFAULT_COLLECTION_NAME,
  MongoLedgerRepository,
} from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { ENGINE_INDEXES, LISTING_INDEXES } from '../../src/ledger/mongodb/server/indexes.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getMongoDb,
  getTestDb,
} from '../setup/mongodb.ts';
import { jobsIn, makeJobs, openLedger } from './jobs.ts';

const driverMajor = Number(process.env.MONQUE_TEST_DRIVER_MAJOR);
const NAMES = ENGINE_INDEXES.map(({ name }) => name);

describeWithMongo('opening a ledger', () => {
  let db: Db;

  beforeEach(async () => {
    db = await getTestDb('opening');
  });

  afterEach(() => cleanupTestDb(db));

  afterAll(closeMongoDb);

  test('makes the indexes, and leaves those alone that are there', async () => {
    await jobsIn(db).createIndex({ name: 1 }, { name: 'own' });
    await openLedger(db).open();
    await openLedger(db).open();
    expect((await indexNames()).sort()).toEqual(['_id_', 'own', ...NAMES].sort());
  });

  test('at the same time as others works for all', async () => {
    const ledgers = Array.from({ length: 5 }, () => openLedger(db));
    await Promise.all(ledgers.map((ledger) => ledger.open()));
    expect(await indexNames()).toHaveLength(1 + NAMES.length);
  });

  test('that was closed opens again with the next verb', async () => {
    const ledger = openLedger(db);
    await ledger.open();
    await ledger.close();
    await db.dropDatabase();
    await ledger.enqueue({ jobs: makeJobs(1) });
    expect(await indexNames()).toHaveLength(1 + NAMES.length);
  });

  test('without making indexes names those that are missing', async () => {
    const ledger = openLedger(db, { skipIndexCreation: true });
    await expect(ledger.open()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: `The collection jobs lacks the indexes ${NAMES.join(', ')}; create them, or leave out \`skipIndexCreation\``,
    });
    await openLedger(db).open();
    await jobsIn(db).dropIndex('monque_unique');
    await expect(ledger.open()).rejects.toThrow('lacks the indexes monque_unique;');
  });

  test('without making indexes accepts those that are there', async () => {
    await openLedger(db).open();
    const ledger = openLedger(db, { skipIndexCreation: true });
    expect(await ledger.enqueue({ jobs: makeJobs(1) })).toMatchObject({
      answers: [{ outcome: 'enqueued' }],
    });
  });

  test('on the database of an older version makes only what is missing', async () => {
    const older = NAMES.filter((name) => !/start|window/.test(name));
    await openLedger(db).open();
    for (const name of ['monque_unique_start', 'monque_unique_window']) {
      await jobsIn(db).dropIndex(name);
    }
    expect((await indexNames()).sort()).toEqual(['_id_', ...older].sort());
    await openLedger(db).open();
    expect((await indexNames()).sort()).toEqual(['_id_', ...NAMES].sort());
  });

  test('makes the indexes of lists when they are asked for, and leaves them when they are not', async () => {
    const listing = LISTING_INDEXES.map(({ name }) => name);
    await openLedger(db, { listingIndexes: true }).open();
    await openLedger(db).open();
    expect((await indexNames()).sort()).toEqual(['_id_', ...NAMES, ...listing].sort());
    await openLedger(db, { listingIndexes: true, skipIndexCreation: true }).open();
    await jobsIn(db).dropIndex('monque_list');
    await expect(
      openLedger(db, { listingIndexes: true, skipIndexCreation: true }).open(),
    ).rejects.toThrow('lacks the indexes monque_list;');
  });

  test('is refused when an index of the same name is another one, with what to do', async () => {
    await jobsIn(db).createIndex({ other: 1 }, { name: 'monque_claim' });
    await expect(openLedger(db).open()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(
        /^The collection jobs cannot have the indexes Monque needs: .*monque_claim.*; drop what stands in the way, or give Monque another collection with the option `collectionName`$/s,
      ),
    });
  });

  test('is refused when an index has the keys of one, under another name', async () => {
    const [claim] = ENGINE_INDEXES;
    await jobsIn(db).createIndex(claim?.key ?? {}, {
      name: 'own',
      partialFilterExpression: { status: 'pending' },
    });
    await expect(openLedger(db).open()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('own'),
    });
  });

  test('is refused when two documents hold one lock already', async () => {
    await jobsIn(db).insertMany(makeJobs(2, { startLock: 'lock' }));
    await expect(openLedger(db).open()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('monque_unique_start'),
    });
  });

  test('passes on any other error', async () => {
    const collectionName = 'x'.repeat(300);
    await expect(openLedger(db, { collectionName }).open()).rejects.toMatchObject({
      code: 'LEDGER_REFUSED',
    });
  });

  test('uses the collection monque_jobs unless another is named', async () => {
    await new MongoLedgerRepository(db).enqueue({ jobs: makeJobs(1) });
    expect(DEFAULT_COLLECTION_NAME).toBe('monque_jobs');
    expect(await db.collection('monque_jobs').countDocuments()).toBe(1);
  });

  test('gives the time of the server', async () => {
    const [before, time, after] = [
      await serverTime(),
      await openLedger(db).readTime(),
      await serverTime(),
    ];
    expect(time.getTime()).toBeGreaterThanOrEqual(before.getTime());
    expect(time.getTime()).toBeLessThanOrEqual(after.getTime());
  });

  describe.runIf(driverMajor === 7)('on a Db of another version of the driver', () => {
    test('is refused, naming the version to install', async () => {
      const client = new MongoClient6(inject('mongoUri'));
      const other = client.db(db.databaseName) as unknown as Db;
      const error = await openLedger(other)
        .open()
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ConnectionError);
      expect((error as Error).message).toBe(
        'The Db uses BSON version 6, and @monque/core loaded version 7. Install one version of mongodb for both: run `npm ls mongodb`, then `npm install mongodb@6`',
      );
      await client.close();
    });
  });

  test('works with another client of the same version', async () => {
    const client = new MongoClient(inject('mongoUri'));
    await openLedger(client.db(db.databaseName)).enqueue({ jobs: makeJobs(1) });
    expect(await jobsIn(db).countDocuments()).toBe(1);
    await client.close();
  });

  test('accepts a Db and nothing else', async () => {
    expect(() => new MongoLedgerRepository(db)).not.toThrow();
    const others = [undefined, null, 'mongodb://', {}, await getMongoDb(), { collection: 1 }];
    for (const other of [...others, { collection: () => 1, command: 1 }]) {
      expect(() => new MongoLedgerRepository(other as never)).toThrow(
        'Expected `db` to be a Db of the mongodb driver',
      );
    }
  });

  async function indexNames(): Promise<(string | undefined)[]> {
    return (await jobsIn(db).indexes()).map(({ name }) => name);
  }

  async function serverTime(): Promise<Date> {
    return (await db.command({ hello: 1 })).localTime;
  }
});
