// Faults of lesser weight that trials against a real server found.
import { type Db, MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, inject, test } from 'vitest';
import { Monque, UnsupportedError } from '../../src/index.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { makeJobs, onlyJob, openLedger, put } from './jobs.ts';

describeWithMongo('on a real server', () => {
  let db: Db;

  beforeEach(async () => {
    db = await getTestDb('small_faults');
  });

  afterEach(() => cleanupTestDb(db));

  afterAll(closeMongoDb);

  /** Cursors on a collection of this database that the server keeps for somebody. */
  async function openCursors(): Promise<number> {
    const stages = [{ $currentOp: { allUsers: true, idleCursors: true } }];
    const operations = await db.client.db('admin').aggregate(stages).toArray();
    const ofThis = operations.filter(
      ({ ns, cursor }) => cursor && String(ns).startsWith(`${db.databaseName}.`),
    );
    return ofThis.length;
  }

  test('a stop right after the start leaves no cursor behind', async () => {
    for (let round = 0; round < 10; round += 1) {
      const monque = new Monque(db, { collectionName: 'jobs' });
      await monque.start();
      await monque.stop();
    }
    expect(await until('the cursors to end', async () => (await openCursors()) === 0, 3_000)).toBe(
      true,
    );
  });

  test('many schedulers on one client listen to it once', async () => {
    const before = db.client.listenerCount('serverDescriptionChanged');
    const schedulers = Array.from(
      { length: 12 },
      (_, index) => new Monque(db, { collectionName: `jobs${index}` }),
    );
    await Promise.all(schedulers.map((monque) => monque.start()));
    expect(db.client.listenerCount('serverDescriptionChanged')).toBe(before + 1);
    await Promise.all(schedulers.map((monque) => monque.stop()));
    expect(db.client.listenerCount('serverDescriptionChanged')).toBe(before);
  });

  test.each([
    ['capped', { capped: true, size: 100_000 }, 'is capped'],
    ['with a collation', { collation: { locale: 'en', strength: 2 } }, 'has a collation'],
    ['of times', { timeseries: { timeField: 'at' } }, 'is a timeseries'],
    ['that is a view', { viewOn: 'others', pipeline: [] }, 'is a view'],
  ])(
    'a collection %s is refused, that of the jobs and those beside it',
    async (_, options, why) => {
      await db.createCollection('jobs', options);
      await db.createCollection('beside.archive', options);
      for (const collectionName of ['jobs', 'beside']) {
        const opened = new Monque(db, { collectionName }).initialize();
        await expect(opened).rejects.toThrow(UnsupportedError);
        await expect(opened).rejects.toThrow(why);
      }
    },
  );

  test('a job with half a retry too many ends as failed', async () => {
    await put(db, makeJobs(1, { name: 'fails', maxRetries: 1.5 }));
    const monque = new Monque(openLedger(db), { baseRetryInterval: 1, pollInterval: 20 });
    monque.worker('fails', () => {
      throw new Error('no');
    });
    await monque.start();
    const isFailed = async (): Promise<boolean> => (await onlyJob(db)).status === 'failed';
    await until('the job to fail', isFailed);
    expect((await onlyJob(db)).failCount).toBe(2);
    await monque.stop();
  });

  test('a job in an open transaction is waited for until that is over', async () => {
    const monque = new Monque(db);
    monque.worker('work', () => 'done');
    await monque.start();
    for (const isCommitted of [true, false]) {
      const session = db.client.startSession();
      session.startTransaction();
      const job = await monque.enqueue('work', 1, { session });
      const result = monque.waitFor(job).catch(({ reason }) => reason);
      const late = await monque.waitFor(job, { timeout: 120 }).catch(({ reason }) => reason);
      expect(late).toBe('timeout');
      await (isCommitted ? session.commitTransaction() : session.abortTransaction());
      expect(await result).toBe(isCommitted ? 'done' : 'gone');
      await session.endSession();
    }
    await monque.stop();
  });

  test('a client with a `timeoutMS` has hints all the same', async () => {
    const client = new MongoClient(inject('mongoUri'), { timeoutMS: 5_000 });
    const monque = new Monque(client.db(db.databaseName));
    await monque.start();
    await until('hints', () => monque.health().hints === 'flowing', 3_000);
    expect(monque.health().lastError).toBe(undefined);
    await monque.stop();
    await client.close();
  });
});
