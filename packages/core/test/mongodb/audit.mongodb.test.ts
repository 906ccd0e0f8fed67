import type { Db } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { BROKEN, findingsOf, putBroken } from '../engine/audit.ts';
import { cleanupTestDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';

describeWithMongo('an audit of documents that were written manually', () => {
  let db: Db;
  beforeAll(async () => {
    db = await getTestDb('audit');
  });
  afterAll(() => cleanupTestDb(db));

  test('finds each that breaks a rule, repairs those that can be repaired, and leaves the others', async () => {
    const monque = new Monque(db);
    await monque.initialize();
    const collection = db.collection('monque_jobs');
    await putBroken((job) => collection.insertOne({ ...job }, { ignoreUndefined: true }));
    const found = await findingsOf(monque, false);
    expect(found.findings.map(({ name, rule }) => ({ name, rule }))).toEqual(
      BROKEN.map(({ name, rule }) => ({ name, rule })),
    );
    const repaired = BROKEN.filter((broken) => broken.repaired);
    const report = await findingsOf(monque, true);
    expect(report).toMatchObject({ audited: 2 * BROKEN.length, repaired: repaired.length });
    for (const broken of repaired) {
      const document = await collection.findOne({ name: broken.name });
      for (const [field, value] of Object.entries(broken.repaired ?? {})) {
        expect(document?.[field], `${broken.name}: ${field}`).toEqual(value);
      }
    }
    expect((await findingsOf(monque, false)).findings).toHaveLength(
      BROKEN.length - repaired.length,
    );
    await monque.stop();
  });

  test('repairs one whose last change is no date, and goes on past one that cannot be changed', async () => {
    const monque = new Monque(db, { collectionName: 'unfit' });
    await monque.initialize();
    const reported: Error[] = [];
    monque.on('job:error', ({ error }) => reported.push(error));
    const finished = { status: 'completed', nextRunAt: new Date(0), data: {} };
    await db.collection('unfit').insertMany([
      { ...finished, name: 'history', history: 'none' },
      { ...finished, name: 'change', updatedAt: 'yesterday' },
    ]);
    const { findings, isComplete } = await findingsOf(monque, true);
    expect(isComplete).toBe(true);
    expect(findings).toMatchObject([
      { name: 'history', isRepaired: false },
      { name: 'change', isRepaired: true },
    ]);
    expect(reported).toMatchObject([{ code: 'LEDGER_REFUSED' }]);
    await monque.stop();
  });
});
