import type { Db } from 'mongodb';
import { describe, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { LedgerRepository } from '../../src/ledger/ledger-repository.ts';
import { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { ledgerContract } from '../../src/testing/index.ts';
import { cleanupTestDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';

describeWithMongo('MongoDB', () => {
  const dbs = new WeakMap<LedgerRepository, Db>();

  ledgerContract({
    name: 'MongoLedgerRepository',
    clock: systemClock,
    makeRepository: async () => {
      const db = await getTestDb('contract');
      const ledger = new MongoLedgerRepository(db, { collectionName: 'jobs' });
      dbs.set(ledger, db);
      return { ledger, dispose: () => ledger.close().then(() => cleanupTestDb(db)) };
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
