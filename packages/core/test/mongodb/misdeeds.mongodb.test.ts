import type { Db } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { drawMisdeeds, runMisdeeds } from '../engine/random-misdeeds.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { volume } from '../setup/volume.ts';

/** In which the innocent jobs must be done, whatever the others do; the machine may be busy. */
const INNOCENTS_WITHIN_MS = 30_000;

/** Another one each time; the name of the test gives it, so that a failed trial can be run again. */
const SEED = Number(process.env.MONQUE_MISDEEDS_SEED ?? Math.floor(Math.random() * 2 ** 32));

const TRIAL = { misdeeds: volume(10_000, 1_000), innocents: volume(1_000, 300), seed: SEED };

test('a seed draws every misdeed, and the same ones again', () => {
  const drawn = drawMisdeeds(TRIAL);
  expect(drawMisdeeds(TRIAL)).toEqual(drawn);
  expect(drawMisdeeds({ ...TRIAL, seed: SEED + 1 })).not.toEqual(drawn);
  expect(new Set(drawn).size).toBe(Math.max(...drawn) + 1);
});

describeWithMongo(`random misdeeds of handlers (MONQUE_MISDEEDS_SEED=${SEED})`, () => {
  let db: Db;

  beforeEach(async () => {
    db = await getTestDb('misdeeds');
  });

  afterEach(() => cleanupTestDb(db));

  afterAll(closeMongoDb);

  test('keep no innocent job from being recorded in MongoDB', async () => {
    const monque = new Monque(db);
    const tookMs = await runMisdeeds(monque, TRIAL);
    expect(tookMs).toBeLessThan(INNOCENTS_WITHIN_MS);
  }, 120_000);

  test('keep no innocent job from being recorded in memory', async () => {
    const tookMs = await runMisdeeds(Monque.inMemory(), TRIAL);
    expect(tookMs).toBeLessThan(INNOCENTS_WITHIN_MS);
  }, 120_000);
});
