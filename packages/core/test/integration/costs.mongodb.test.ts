// What a job costs from end to end: counted, not timed.
import { type Db, MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, inject, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { CommandLog, nameOf, namesOf } from '../mongodb/command-log.ts';
import { at, claim, makeJobs, openLedger, settlement } from '../mongodb/jobs.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';

const JOBS = 4_000;
const BATCH = 500;

describeWithMongo('the cost of a job', () => {
  let client: MongoClient;
  let log: CommandLog;
  let db: Db;

  beforeEach(async () => {
    client = new MongoClient(inject('mongoUri'), { monitorCommands: true });
    log = new CommandLog(client);
    db = client.db((await getTestDb('costs')).databaseName);
  });

  afterEach(async () => {
    await cleanupTestDb(db);
    await client.close();
  });

  afterAll(closeMongoDb);

  /** One entry for each document that was changed. */
  function changes(op: 'i' | 'u' | 'd'): Promise<number> {
    const ns = `${db.databaseName}.jobs`;
    return client.db('local').collection('oplog.rs').countDocuments({ ns, op });
  }

  test('in full batches is two document writes, and one round trip for more than a hundred jobs', async () => {
    const ledger = openLedger(db);
    await ledger.enqueue({ jobs: makeJobs(BATCH) });
    log.take();
    const { jobs } = await claim(ledger, { limit: BATCH });
    const settlements = jobs.map((job) => settlement('complete', job));
    await ledger.settle({ settlements, now: at(1) });
    expect(namesOf(log.take())).toEqual(['find', 'update', 'find', 'update']);
    expect(await changes('u')).toBe(2 * BATCH);
    expect(await changes('d')).toBe(0);
  });

  test('in a bulk enqueue is a small part of one insert', async () => {
    const monque = new Monque(db);
    await monque.initialize();
    const entries = Array.from({ length: JOBS }, () => ({ name: 'noop' }));
    const commands = await log.during(() => monque.enqueueMany(entries));
    expect(new Set(commands.map(nameOf))).toEqual(new Set(['insert']));
    expect(commands.length).toBeLessThanOrEqual(JOBS / 500);
    await monque.stop();
  });

  test('in single enqueues at the same time is shared: what waits goes together in the next insert', async () => {
    const monque = new Monque(db);
    await monque.initialize();
    const commands = await log.during(() =>
      Promise.all(Array.from({ length: 100 }, () => monque.enqueue('noop'))),
    );
    expect(namesOf(commands)).toEqual(['insert', 'insert']);
    await monque.stop();
  });
});
