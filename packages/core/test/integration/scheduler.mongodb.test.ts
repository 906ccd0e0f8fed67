import { once } from 'node:events';
import { Code, type Db, MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, inject, test } from 'vitest';
import { type Job, Monque, type MonqueOptions } from '../../src/index.ts';
import { deferred, payloads, recordEvents } from '../engine/kit.ts';
import { startFaultProxy } from '../faults/proxy.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getMongoDb,
  getTestDb,
} from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { volume } from '../setup/volume.ts';

/** What was given to the scheduler, changed so that the driver cannot write it. */
function spoil({ scope }: Code): void {
  Object.assign(scope ?? {}, { 'a\0b': 1 });
}

describeWithMongo('a scheduler on MongoDB', () => {
  let db: Db;
  const started: Monque[] = [];

  beforeEach(async () => {
    db = await getTestDb('scheduler');
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((monque) => monque.stop()));
    await cleanupTestDb(db);
  });

  afterAll(closeMongoDb);

  function make(options: MonqueOptions = {}, database = db): Monque {
    const monque = new Monque(database, { shutdownTimeout: 1_000, ...options });
    started.push(monque);
    return monque;
  }

  test('a value that spoils after its checks hurts its own job alone', async () => {
    const monque = make();
    const ends: Job[] = [];
    monque.on('job:complete', ({ job }) => ends.push(job));
    monque.worker('work', ({ data }) => {
      const result = new Code('x', {});
      if (data === 2) {
        // Copied by now, but for what BSON calls a value of its own.
        process.nextTick(() => spoil(result));
      }
      return result;
    });
    await monque.start();
    const jobs = await Promise.all([1, 2, 3].map((n) => monque.enqueue('work', n)));
    await until('three ends', () => ends.length === jobs.length);
    const spoilt = new Code('x', {});
    const enqueued = Promise.allSettled([
      ...[4, 5].map((n) => monque.enqueue('work', n)),
      monque.enqueue('other', spoilt),
    ]);
    spoil(spoilt);
    expect((await enqueued).map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'rejected'],
    ]);
    await until('five ends', () => ends.length === 5);
    expect(monque.isHealthy()).toBe(true);
  });

  test('stores, runs and completes a job, whose data comes back as it went in', async () => {
    const monque = make();
    const data = {
      text: 'ä',
      number: 1.5,
      big: 2n ** 60n,
      date: new Date(5),
      bytes: Buffer.from('abc'),
      list: [1, null, undefined, { deep: true }],
      left: undefined,
    };
    const seen: Job[] = [];
    monque.worker('work', (job) => {
      seen.push(job);
    });
    await monque.start();
    const completed = once(monque, 'job:complete');
    const job = await monque.enqueue('work', data);
    await completed;
    const expected = {
      text: 'ä',
      number: 1.5,
      big: 2n ** 60n,
      date: new Date(5),
      bytes: Buffer.from('abc'),
      list: [1, null, null, { deep: true }],
    };
    expect(job.data).toEqual(expected);
    expect(seen[0]?.data).toEqual(expected);
    expect(await monque.getJob(job._id)).toMatchObject({ status: 'completed', data: expected });
  });

  test('hears of a job of another process through the change stream, long before its poll', async () => {
    const consumer = make({ pollInterval: 60_000 });
    consumer.worker('work', () => undefined);
    await consumer.start();
    await consumer.enqueue('work');
    await once(consumer, 'job:complete');
    const other = new MongoClient(inject('mongoUri'));
    const completed = once(consumer, 'job:complete');
    await make({}, other.db(db.databaseName)).enqueue('work');
    await completed;
    await other.close();
  });

  test('retries after 2^failCount times the base interval', async () => {
    const monque = make({ baseRetryInterval: 20, maxRetries: 4 });
    const events = recordEvents(monque);
    const failedAt: number[] = [];
    monque.worker('work', () => {
      failedAt.push(Date.now());
      throw new Error('no');
    });
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await until('the job has failed', () => payloads(events, 'job:fail').length === 4);
    const failures = payloads(events, 'job:fail');
    expect(failures.map(({ willRetry }) => willRetry)).toEqual([true, true, true, false]);
    for (const [index, { job }] of failures.slice(0, 3).entries()) {
      const delayMs = job.nextRunAt.getTime() - Number(failedAt[index]);
      expect(delayMs).toBeGreaterThan(2 ** job.failCount * 20 - 10);
      expect(failedAt[index + 1]).toBeGreaterThan(job.nextRunAt.getTime() - 10);
    }
    expect(await monque.getJob(_id)).toMatchObject({ failCount: 4, failReason: 'no' });
  });

  test('many concurrent calls with one key from two connections give one job, and every caller gets it', async () => {
    const other = new MongoClient(inject('mongoUri'));
    const schedulers = [make(), make({}, other.db(db.databaseName))];
    const calls = Array.from({ length: volume(1_000, 300) }, (_, index) => {
      const monque = schedulers[index % 2] ?? make();
      return monque.enqueue('sync', index, { uniqueKey: 'user-1' });
    });
    const ids = (await Promise.all(calls)).map(({ _id }) => _id.toHexString());
    expect(new Set(ids).size).toBe(1);
    expect(await db.collection('monque_jobs').countDocuments()).toBe(1);
    await other.close();
  });

  test('a key is free again when its job is finished', async () => {
    const monque = make();
    monque.worker('sync', () => undefined);
    await monque.start();
    const completed = once(monque, 'job:complete');
    const first = await monque.enqueue('sync', 1, { uniqueKey: 'k' });
    await completed;
    expect((await monque.enqueue('sync', 2, { uniqueKey: 'k' }))._id).not.toEqual(first._id);
  });

  test('a key that an open transaction holds delays nobody but its own callers', async () => {
    const monque = make();
    const client = await getMongoDb();
    const session = client.startSession();
    session.startTransaction();
    await monque.enqueue('sync', 1, { uniqueKey: 'held', session });
    const waiting = monque.enqueue('sync', 2, { uniqueKey: 'held' });
    const [plain, keyed] = await Promise.all([
      monque.enqueue('work'),
      monque.enqueue('sync', 3, { uniqueKey: 'other' }),
    ]);
    expect([plain.status, keyed.status]).toEqual(['pending', 'pending']);
    await session.commitTransaction();
    await session.endSession();
    expect((await waiting).data).toBe(1);
  });

  test('a job enqueued in a transaction exists when it commits, and not when it aborts', async () => {
    const monque = make();
    const client = await getMongoDb();
    const ran: unknown[] = [];
    monque.worker('work', (job) => {
      ran.push(job.data);
    });
    await monque.start();
    const aborted = client.startSession();
    aborted.startTransaction();
    const lost = await monque.enqueue('work', 'lost', { session: aborted });
    await aborted.abortTransaction();
    await aborted.endSession();
    const completed = once(monque, 'job:complete');
    await client.withSession((session) =>
      session.withTransaction(() => monque.enqueue('work', 'kept', { session })),
    );
    await completed;
    expect(ran).toEqual(['kept']);
    expect(await monque.getJob(lost._id)).toBeNull();
  });

  test('a running job is cancelled from another process through the change stream', async () => {
    const monque = make();
    monque.worker('work', (_, { signal }) => {
      const ended = deferred();
      signal.addEventListener('abort', () => ended.reject(signal.reason));
      return ended.promise;
    });
    await monque.start();
    const cancelled = once(monque, 'job:cancelled');
    const running = once(monque, 'job:start');
    const { _id } = await monque.enqueue('work');
    await running;
    await make().cancelJob(_id);
    await cancelled;
    expect(await monque.getJob(_id)).toMatchObject({ status: 'cancelled' });
  });

  test('finished work is recorded and not run again when the replies to its settlement are lost', async () => {
    const [host] = new URL(inject('mongoUri').replace('mongodb:', 'http:')).host.split(',');
    const proxy = await startFaultProxy({ target: Number(host?.split(':')[1]) });
    const client = new MongoClient(proxy.directUri);
    const monque = make({}, client.db(db.databaseName));
    let runs = 0;
    monque.worker('work', () => {
      runs += 1;
    });
    await monque.start();
    const settles = { command: 'update', when: isSettle, times: 2 };
    const rule = proxy.dropReply(settles);
    const completed = once(monque, 'job:complete');
    const { _id } = await monque.enqueue('work');
    await completed;
    expect(rule.hits).toBe(2);
    expect(runs).toBe(1);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', fence: 1 });
    await monque.stop();
    await client.close();
    await proxy.close();
  });

  /** A client that soon notices when its server cannot be reached, and what it reaches it through. */
  async function throughProxy() {
    const [host] = new URL(inject('mongoUri').replace('mongodb:', 'http:')).host.split(',');
    const proxy = await startFaultProxy({ target: Number(host?.split(':')[1]) });
    const client = new MongoClient(proxy.directUri, {
      serverSelectionTimeoutMS: 1_000,
      heartbeatFrequencyMS: 500,
    });
    return { proxy, client };
  }

  test('an outage stops nothing for good: enqueues, runs and results come through afterwards', async () => {
    const { proxy, client } = await throughProxy();
    const monque = make({}, client.db(db.databaseName));
    const gate = deferred();
    const ran: unknown[] = [];
    monque.worker('work', async (job) => {
      ran.push(job.data);
      await gate.promise;
    });
    await monque.start();
    const running = once(monque, 'job:start');
    await monque.enqueue('work', 'before');
    await running;
    proxy.refuse();
    proxy.cut();
    const reported = once(monque, 'job:error');
    gate.resolve();
    const during = monque.enqueue('work', 'during');
    await reported;
    proxy.clear();
    await during;
    await until(
      'both jobs are completed',
      async () =>
        (await db.collection('monque_jobs').countDocuments({ status: 'completed' })) === 2,
      20_000,
    );
    expect(ran.sort()).toEqual(['before', 'during']);
    await monque.stop();
    await client.close();
    await proxy.close();
  });

  test('a callTimeout ends each call that stores in an outage, and all is stored once when that is over', async () => {
    const { proxy, client } = await throughProxy();
    const monque = make({}, client.db(db.databaseName));
    await monque.initialize();
    const call = (callTimeout: number) =>
      Promise.allSettled([
        monque.enqueue('mail', 1, { callTimeout, uniqueKey: 'one' }),
        monque.as({ id: 'ann' }).schedule('@daily', 'mail', 2, { callTimeout }),
        monque.enqueueFlow(
          { jobs: { first: { name: 'mail' }, last: { name: 'mail', after: ['first'] } } },
          { callTimeout, uniqueKey: 'flow' },
        ),
        monque.enqueueMany([{ name: 'mail', options: { uniqueKey: 'many' } }], { callTimeout }),
      ]);
    proxy.refuse();
    proxy.cut();
    const late = { status: 'rejected', reason: { code: 'UNKNOWN_OUTCOME' } };
    const answers = await call(50);
    expect(answers.slice(0, 3)).toMatchObject([late, late, late]);
    expect(answers[3]).toMatchObject({ value: [{ status: 'unknown' }] });
    proxy.clear();
    expect((await call(60_000)).map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'],
    ]);
    expect(await db.collection('monque_jobs').countDocuments()).toBe(5);
    await monque.stop();
    await client.close();
    await proxy.close();
  });

  test('batches by group have jobs of one group alone, in two processes, and no more than it may run', async () => {
    const batches: string[][] = [];
    for (const monque of [make({ pollInterval: 200 }), make({ pollInterval: 200 })]) {
      const batch = async (jobs: readonly Job[]): Promise<void> => {
        batches.push(jobs.map(({ group = '-' }) => group));
      };
      const groups = { concurrency: 6 };
      monque.worker('work', { batch, size: 8, wait: 20, by: 'group' }, { groups, concurrency: 2 });
      await monque.start();
    }
    const entries = Array.from({ length: 90 }, (_, n) => ({
      name: 'work',
      ...(n % 9 > 0 && { options: { group: `group ${n % 3}` } }),
    }));
    await make().enqueueMany(entries);
    const done = { status: 'completed' };
    const jobs = db.collection('monque_jobs');
    await until('all are done', async () => (await jobs.countDocuments(done)) === 90, 60_000);
    expect(batches.flat()).toHaveLength(90);
    for (const groups of batches) {
      expect(new Set(groups).size).toBe(1);
      expect(groups.length).toBeLessThanOrEqual(groups[0] === '-' ? 8 : 6);
    }
  });

  test('a cut connection shows in the health of the ledger, of the scheduler, and in isHealthy, until it is back', async () => {
    const [host] = new URL(inject('mongoUri').replace('mongodb:', 'http:')).host.split(',');
    const proxy = await startFaultProxy({ target: Number(host?.split(':')[1]) });
    const client = new MongoClient(proxy.directUri, {
      serverSelectionTimeoutMS: 500,
      heartbeatFrequencyMS: 500,
    });
    const monque = make({ leaseDuration: 3_000, pollInterval: 100 }, client.db(db.databaseName));
    monque.worker('work', () => undefined);
    await monque.start();
    expect(monque.isHealthy()).toBe(true);
    expect(monque.health().ledger.connected).toBe(true);
    proxy.refuse();
    proxy.cut();
    await until('the ledger to be known as lost', () => !monque.health().ledger.connected);
    expect(monque.health().connected).toBe(false);
    expect(monque.isHealthy()).toBe(false);
    proxy.clear();
    await until('health to be back', () => monque.isHealthy());
    expect(monque.health()).toMatchObject({ connected: true, ledger: { connected: true } });
    await monque.stop();
    await client.close();
    await proxy.close();
  });
});

function isSettle({ body }: { readonly body: Record<string, unknown> }): boolean {
  const [first] = (body.updates ?? []) as { u?: { $set?: { status?: string } } }[];
  return first?.u?.$set?.status === 'completed';
}
