// What a job costs from end to end: counted, not timed.
import { isDeepStrictEqual } from 'node:util';
import { type Db, type Document, MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, inject, test } from 'vitest';
import { Monque, type WorkerOptions } from '../../src/index.ts';
import { limitsFilter } from '../../src/ledger/mongodb/limits/limit-documents.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { CommandLog, nameOf, namesOf } from '../mongodb/command-log.ts';
import { at, claim, makeJobs, openLedger, settlement } from '../mongodb/jobs.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';

const JOBS = 4_000;
const LIMITED_JOBS = 1_000;
const WAVES = 5;
const WAVE = 100;
const GENEROUS_MS = 120_000;
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

  test('without a key, an order, a group or a flow is in no index but those of all jobs', async () => {
    const ledger = openLedger(db);
    await ledger.enqueue({ jobs: makeJobs(BATCH) });
    await claim(ledger, { limit: BATCH / 2 });
    const { keysPerIndex } = await db.command({ validate: 'jobs' });
    const used = Object.entries(keysPerIndex as Record<string, number>).filter(
      ([, keys]) => keys > 0,
    );
    expect(Object.fromEntries(used)).toEqual({
      _id_: BATCH,
      monque_claim: BATCH / 2,
      monque_claims: BATCH / 2,
    });
  });

  test('under a named limit is that of a plain one, and what its share takes', async () => {
    const most = { concurrency: BATCH } as const;
    const writesOf = async (name: string, options: WorkerOptions): Promise<number> => {
      const monque = new Monque(db, {
        collectionName: 'jobs',
        claimOnEnqueue: false,
        logger: false,
      });
      monque.worker(name, () => undefined, { concurrency: BATCH, ...options });
      await monque.setLimit('all', most);
      await monque.enqueueMany(Array.from({ length: LIMITED_JOBS }, () => ({ name })));
      const before = (await changes('i')) + (await changes('u'));
      await monque.start();
      const done = { name, status: 'completed' };
      await until(
        'all have ended',
        async () => (await db.collection('jobs').countDocuments(done)) === LIMITED_JOBS,
        GENEROUS_MS,
      );
      await monque.stop();
      return (await changes('i')) + (await changes('u')) - before;
    };
    const plain = await writesOf('plain', {});
    const limited = await writesOf('limited', { limits: ['all'] });
    expect(plain).toBeGreaterThanOrEqual(2 * LIMITED_JOBS);
    // With the insert, which is the same.
    expect((limited + LIMITED_JOBS) / (plain + LIMITED_JOBS)).toBeLessThanOrEqual(1.02);
  }, 150_000);

  test('under a named limit reads the limits once a second and when a share changes, however many jobs run', async () => {
    const clock = new ManualClock();
    const monque = new Monque(db, { collectionName: 'jobs', logger: false, clock });
    const gates: (() => void)[] = [];
    const handler = (): Promise<void> => new Promise((resolve) => gates.push(resolve));
    monque.worker('limited', handler, { concurrency: WAVE, limits: ['all'] });
    await monque.setLimit('all', { concurrency: WAVE });
    const entries = Array.from({ length: WAVES * WAVE }, () => ({ name: 'limited' }));
    await monque.enqueueMany(entries);
    log.take();
    await monque.start();
    for (let wave = 0; wave < WAVES; wave += 1) {
      await until('a wave runs', async () => {
        await clock.advance(1);
        return gates.length === WAVE;
      });
      await clock.advance(1_000);
      for (const open of gates.splice(0)) open();
    }
    const reads = log.take().filter((command) => nameOf(command) === 'find');
    const countOf = (isOne: (filter: Document) => unknown): number =>
      reads.filter(({ filter = {} }) => isOne(filter)).length;
    const ofLimits = countOf(({ _id }) => isDeepStrictEqual({ _id }, limitsFilter()));
    // One look for the limits that workers name and one before the first claim, one a turn, and one for each share that
    // was taken or given back: the change stream tells of it, as of what another process gives back.
    const turns = Math.ceil(clock.monotonic() / 900);
    expect(ofLimits).toBeLessThanOrEqual(2 + turns + 2 * WAVES);
    expect(ofLimits).toBeGreaterThanOrEqual(WAVES);
    // A round of claims looks for jobs and reads what it won. There are two a wave, for the first place that is free and
    // for the others, and more where a slow server records the ends of a wave in parts; never one a job.
    const candidates = countOf(({ rescueCount }) => rescueCount?.$not);
    const won = countOf(({ claimToken }) => claimToken !== undefined);
    expect(candidates).toBeLessThanOrEqual((WAVES * WAVE) / 20);
    expect(won).toBeLessThanOrEqual((WAVES * WAVE) / 20);
    expect(won).toBeGreaterThanOrEqual(WAVES);
    let isStopped = false;
    void monque.stop().then(() => (isStopped = true));
    await until('the stop', async () => {
      await clock.advance(50);
      return isStopped;
    });
  }, 60_000);
});
