import { systemClock } from '../../src/foundation/clock.ts';
import { MongoLedgerRepository } from '../../src/index.ts';
import { cleanupTestDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { transitionLogTests } from './transition-log.ts';

describeWithMongo('the log of a MongoDB ledger', () => {
  transitionLogTests(async () => {
    const db = await getTestDb('transition-log');
    const ledger = new MongoLedgerRepository(db, { clock: systemClock, transitionLog: true });
    return { ledger, dispose: () => ledger.close().then(() => cleanupTestDb(db)) };
  });
});
