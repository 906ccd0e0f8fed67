// On a real server: the filters and updates that MongoDB evaluates are what is compared.
import type { Db } from 'mongodb';
import { afterAll, beforeAll, test } from 'vitest';
import type { Clock } from '../../src/foundation/clock.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { volume } from '../setup/volume.ts';
import { assertAnswerAlike, assertFollowsModel } from './model-run.ts';

const RUNS = volume(30, 12);
const TIMEOUT_MS = 300_000;

describeWithMongo('MongoLedgerRepository', () => {
  let db: Db;
  let ledgers = 0;

  beforeAll(async () => {
    db = await getTestDb('model');
  });

  afterAll(async () => {
    await cleanupTestDb(db);
    await closeMongoDb();
  });

  async function makeLedger(clock: Clock): Promise<MongoLedgerRepository> {
    ledgers += 1;
    return new MongoLedgerRepository(db, { collectionName: `jobs_${ledgers}`, clock });
  }

  test(
    'answers every sequence of calls as the model does',
    () => assertFollowsModel(makeLedger, RUNS),
    TIMEOUT_MS,
  );

  test(
    'answers every sequence of calls as the in-memory ledger does',
    () => assertAnswerAlike([makeLedger, async () => new InMemoryLedgerRepository()], RUNS),
    TIMEOUT_MS,
  );
});
