import type { Db } from 'mongodb';
import { afterAll, describe, test } from 'vitest';
import { systemClock } from '../../src/foundation/clock.ts';
import type { LedgerRepository } from '../../src/ledger/ledger-repository.ts';
import { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { ledgerContract } from '../../src/testing/index.ts';
import { cleanupTestDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';

describeWithMongo('MongoDB', () => {
  const dbs = new WeakMap<LedgerRepository, Db>();
  /** Databases whose collections are empty and have their indexes, which take longest to make; or will soon be. */
  const spare: Promise<Db>[] = [];

  async function empty(db: Db): Promise<Db> {
    const collections = await db.collections();
    await Promise.all(collections.map((collection) => collection.deleteMany({})));
    return db;
  }

  /** While a test runs on one, that of the test before it is emptied. */
  async function emptyDb(): Promise<Db> {
    return (spare.length > 1 ? await spare.shift() : undefined) ?? getTestDb('contract');
  }

  afterAll(() => Promise.all(spare.map(async (db) => cleanupTestDb(await db))));

  ledgerContract({
    name: 'MongoLedgerRepository',
    clock: systemClock,
    makeRepository: async () => {
      const db = await emptyDb();
      const ledger = new MongoLedgerRepository(db, { collectionName: 'jobs' });
      dbs.set(ledger, db);
      const dispose = async (): Promise<void> => {
        await ledger.close();
        spare.push(empty(db));
      };
      return { ledger, dispose };
    },
    putForeign: async (ledger, job) => {
      await dbs
        .get(ledger)
        ?.collection('jobs')
        .insertOne({ ...job }, { ignoreUndefined: true });
    },
    runner: { describe, test },
  });
});
