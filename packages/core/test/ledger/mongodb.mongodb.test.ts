import type { Db } from 'mongodb';
import { afterAll, describe, test } from 'vitest';
import { systemClock } from '../../src/foundation/clock.ts';
import type { LedgerRepository } from '../../src/ledger/ledger-repository.ts';
import { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { ledgerContract } from '../../src/testing/index.ts';
import { cleanupTestDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';

describeWithMongo('MongoDB', () => {
  const dbs = new WeakMap<LedgerRepository, Db>();
  /** Databases whose collections are empty and have their indexes, which take longest to make. */
  const spare: Db[] = [];

  async function empty(db: Db): Promise<void> {
    const collections = await db.collections();
    await Promise.all(collections.map((collection) => collection.deleteMany({})));
    spare.push(db);
  }

  afterAll(() => Promise.all(spare.map(cleanupTestDb)));

  ledgerContract({
    name: 'MongoLedgerRepository',
    clock: systemClock,
    makeRepository: async () => {
      const db = spare.pop() ?? (await getTestDb('contract'));
      const ledger = new MongoLedgerRepository(db, { collectionName: 'jobs' });
      dbs.set(ledger, db);
      return { ledger, dispose: () => ledger.close().then(() => empty(db)) };
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
