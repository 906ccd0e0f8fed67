import { describe, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { ledgerContract } from '../../src/testing/index.ts';
import { cleanupTestDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';

describeWithMongo('MongoDB', () => {
  ledgerContract({
    name: 'MongoLedgerRepository',
    clock: systemClock,
    makeRepository: async () => {
      const db = await getTestDb('contract');
      const ledger = new MongoLedgerRepository(db, { collectionName: 'jobs' });
      return { ledger, dispose: () => ledger.close().then(() => cleanupTestDb(db)) };
    },
    runner: { describe, test },
  });
});
