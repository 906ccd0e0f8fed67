// What a ledger finds out, and makes, before its first verb.
import { type Db, MongoClient } from 'mongodb';
import { MongoClient as MongoClient6 } from 'mongodb-6';
import { afterAll, afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { ConnectionError } from '../../src/foundation/errors.ts';
import type { Job } from '../../src/job/job.ts';
import {
  DEFAULT_COLLECTION_NAME,
  MongoLedgerRepository,
} from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import {
  ENGINE_INDEXES,
  LISTING_INDEXES,
  SUPERSEDED_INDEXES,
} from '../../src/ledger/mongodb/server/indexes.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getMongoDb,
  getTestDb,
} from '../setup/mongodb.ts';
import { jobsIn, leasesIn, makeJobs, openLedger } from './jobs.ts';

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
      message: expect.stringContaining(
        `The collection jobs lacks the indexes ${NAMES.join(', ')}; create them with db.runCommand(`,
      ),
    });
    await openLedger(db).open();
    await jobsIn(db).dropIndex('monque_lock');
    await expect(ledger.open()).rejects.toThrow('lacks the indexes monque_lock;');
  });

  test('without making indexes accepts those that are there', async () => {
    await openLedger(db).open();
    const ledger = openLedger(db, { skipIndexCreation: true });
    expect(await ledger.enqueue({ jobs: makeJobs(1) })).toMatchObject({
      answers: [{ outcome: 'enqueued' }],
    });
  });

  test('names the command that makes them', async () => {
    const ledger = openLedger(db, { skipIndexCreation: true });
    const error = await ledger.open().then(String, String);
    const [, command = ''] = /db\.runCommand\((.*)\), or leave out/.exec(error) ?? [];
    await db.command(JSON.parse(command));
    await ledger.open();
  });

  describe('on the database of a version whose keys had the name first', () => {
    const old = SUPERSEDED_INDEXES.map(({ name, key }) => {
      const [lock] = Object.keys(key).slice(1);
      return {
        name,
        key,
        unique: true,
        partialFilterExpression: { [String(lock)]: { $exists: true } },
      };
    });

    beforeEach(async () => {
      await jobsIn(db).createIndexes(old);
      await jobsIn(db).insertMany(makeJobs(1, { uniqueLock: 'key:a' }));
    });

    test('makes the new indexes and drops the old ones, with jobs in it', async () => {
      await Promise.all([openLedger(db).open(), openLedger(db).open()]);
      expect((await indexNames()).sort()).toEqual(['_id_', ...NAMES].sort());
      const [job] = makeJobs(1, { uniqueLock: 'key:a' });
      const { answers } = await openLedger(db).enqueue({ jobs: [job as Job] });
      expect(answers).toMatchObject([{ outcome: 'existing' }]);
    });

    test('leaves the old ones while an instance of that version is alive, and works beside it', async () => {
      const info = { version: '0.0.1' };
      await leasesIn(db).insertOne({ _id: 'older', status: 'live', counter: 0, info } as never);
      const ledger = openLedger(db);
      await ledger.open();
      expect(await indexNames()).toHaveLength(1 + NAMES.length + old.length);
      const [job] = makeJobs(1, { uniqueLock: 'key:a' });
      const { answers } = await ledger.enqueue({ jobs: [job as Job] });
      expect(answers).toMatchObject([{ outcome: 'existing' }]);
      // The older version makes what it misses, and asks for it by name.
      await jobsIn(db).createIndexes(old);
      await jobsIn(db).find().hint('monque_unique').toArray();
      await leasesIn(db).updateOne({ _id: 'older' }, { $set: { status: 'dead' } });
      await openLedger(db).open();
      expect((await indexNames()).sort()).toEqual(['_id_', ...NAMES].sort());
    });

    test('leaves an index of the same name that is another one', async () => {
      await jobsIn(db).dropIndex('monque_unique');
      await jobsIn(db).createIndex({ own: 1 }, { name: 'monque_unique' });
      await openLedger(db).open();
      expect(await indexNames()).toContain('monque_unique');
    });

    test('is shown what to make when it may not make indexes, and then needs no old ones', async () => {
      const ledger = openLedger(db, { skipIndexCreation: true });
      await expect(ledger.open()).rejects.toThrow('monque_lock');
    });
  });

  test('on the database of an older version makes only what is missing', async () => {
    const older = NAMES.filter((name) => !/start|window/.test(name));
    await openLedger(db).open();
    for (const name of ['monque_lock_start', 'monque_lock_window']) {
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
      message: expect.stringContaining('monque_lock_start'),
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
