// What a job costs from end to end: counted, not timed.
import { type Db, MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, inject, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { CommandLog, nameOf, namesOf } from '../mongodb/command-log.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';

const JOBS = 4_000;
const MOST_ROUND_TRIPS_A_JOB = 0.05;
const MOST_WRITES_A_JOB = 2.02;

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
    const ns = `${db.databaseName}.monque_jobs`;
    return client.db('local').collection('oplog.rs').countDocuments({ ns, op });
  }

  test('of a full queue is two document writes and a small part of a round trip', async () => {
    const monque = new Monque(db);
    let completed = 0;
    monque.on('job:complete', () => {
      completed += 1;
    });
    monque.worker('noop', () => undefined, { concurrency: 50 });
    await monque.enqueueMany(Array.from({ length: JOBS }, () => ({ name: 'noop' })));
    log.take();
    await monque.start();
    await until('all jobs are completed', () => completed === JOBS);
    const commands = log.take();
    await monque.stop();
    expect(namesOf(commands)).toContain('update');
    expect(commands.length / JOBS).toBeLessThanOrEqual(MOST_ROUND_TRIPS_A_JOB);
    expect((await changes('u')) / JOBS).toBeLessThanOrEqual(MOST_WRITES_A_JOB);
    expect(await changes('i')).toBe(JOBS);
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
