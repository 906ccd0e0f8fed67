import type { Db } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { runMisdeeds } from '../engine/random-misdeeds.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';

/** In which the innocent jobs must be done, whatever the others do; the machine may be busy. */
const INNOCENTS_WITHIN_MS = 30_000;

describeWithMongo('10,000 misdeeds of handlers', () => {
  let db: Db;

  beforeEach(async () => {
    db = await getTestDb('misdeeds');
  });

  afterEach(() => cleanupTestDb(db));

  afterAll(closeMongoDb);

  test('keep none of 1,000 innocent jobs from being recorded in MongoDB', async () => {
    const monque = new Monque(db);
    const tookMs = await runMisdeeds(monque, { misdeeds: 10_000, innocents: 1_000 });
    expect(tookMs).toBeLessThan(INNOCENTS_WITHIN_MS);
  }, 120_000);

  test('keep none of 1,000 innocent jobs from being recorded in memory', async () => {
    const tookMs = await runMisdeeds(Monque.inMemory(), { misdeeds: 10_000, innocents: 1_000 });
    expect(tookMs).toBeLessThan(INNOCENTS_WITHIN_MS);
  }, 120_000);
});
