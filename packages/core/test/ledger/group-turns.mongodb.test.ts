// Several instances, each of which keeps its own place among the groups.
import type { Db } from 'mongodb';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { assertStarvesNone, assertTakesTurns } from './group-turns.ts';

const RATE = { limit: 1_000_000, perMs: 3_600_000, burst: 1_000_000 };

describeWithMongo('MongoLedgerRepository', () => {
  const opened: MongoLedgerRepository[] = [];
  let db: Db;

  beforeAll(async () => {
    db = await getTestDb('turns');
  });

  afterEach(async () => {
    for (const ledger of opened.splice(0)) await ledger.close();
  });

  afterAll(async () => {
    await cleanupTestDb(db);
    await closeMongoDb();
  });

  function instances(count: number): readonly MongoLedgerRepository[] {
    const some = Array.from({ length: count }, () => {
      return new MongoLedgerRepository(db, { collectionName: 'jobs' });
    });
    opened.push(...some);
    return some;
  }

  test.each([
    ['without a limit', 1, { groups: 2, seed: 1 }],
    ['without a limit', 2, { groups: 7, seed: 2 }],
    ['without a limit', 4, { groups: 40, seed: 3 }],
    ['under a concurrency', 2, { groups: 7, seed: 4, settings: { concurrency: 10_000 } }],
    ['under a concurrency', 4, { groups: 2, seed: 5, settings: { concurrency: 10_000 } }],
    ['under a rate', 2, { groups: 7, seed: 6, settings: { rate: RATE } }],
    ['where they weigh the same', 1, { groups: 2, seed: 7, weights: [3] }],
    ['where some weigh more', 2, { groups: 7, seed: 8, weights: [1, 3, 2] }],
    ['where some weigh more', 1, { groups: 40, seed: 9, weights: [1, 3, 2] }],
    ['in batches', 2, { groups: 7, seed: 10, batchSize: 3 }],
  ])(
    'gives each group its turns, however many jobs each has: %s, with %i instances, %o',
    (_, count, tenants) => {
      return assertTakesTurns(instances(count), tenants);
    },
  );

  test.each([
    ['without a limit', 2, { groups: 2, seed: 1 }],
    ['without a limit', 4, { groups: 7, seed: 2 }],
    ['under a concurrency', 4, { groups: 7, seed: 3, settings: { concurrency: 10_000 } }],
  ])(
    'starves no group, however many claims meet: %s, with %i instances, %o',
    async (_, count, tenants) => {
      expect(await assertStarvesNone(instances(count), tenants)).toBeGreaterThan(0);
    },
  );
});
