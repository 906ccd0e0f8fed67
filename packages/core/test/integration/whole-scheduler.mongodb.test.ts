import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Db, MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, inject, test } from 'vitest';
import { type Job, JobStatus, Monque, type MonqueOptions } from '../../src/index.ts';
import { ManualClock, makeJob } from '../../src/testing/index.ts';
import { deferred, payloads, recordEvents } from '../engine/kit.ts';
import { CommandLog, namesOf } from '../mongodb/command-log.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { volume } from '../setup/volume.ts';

describeWithMongo('the whole scheduler on MongoDB', () => {
  let db: Db;
  const started: Monque[] = [];
  const clients: MongoClient[] = [];

  beforeEach(async () => {
    db = await getTestDb('whole');
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((monque) => monque.stop()));
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await cleanupTestDb(db);
  });

  afterAll(closeMongoDb);

  function make(options: MonqueOptions = {}, database = db): Monque {
    const monque = new Monque(database, { shutdownTimeout: 1_000, ...options });
    started.push(monque);
    return monque;
  }

  async function anotherDb(): Promise<Db> {
    const client = new MongoClient(inject('mongoUri'), { monitorCommands: true });
    clients.push(await client.connect());
    return client.db(db.databaseName);
  }

  test('a series runs each second, in whichever of two processes, each time once', async () => {
    const runs: string[] = [];
    for (const database of [db, await anotherDb()]) {
      const monque = make({}, database);
      monque.worker('tick', (job) => {
        runs.push(String(job.scheduledFor?.toISOString()));
      });
      await monque.schedule('* * * * * *', 'tick', { a: 1 });
      await monque.start();
    }
    await until('four runs', () => runs.length >= 4);
    expect(new Set(runs).size).toBe(runs.length);
    const times = runs.map((run) => Date.parse(run));
    for (const [index, time] of times.slice(1).entries()) {
      expect(time - Number(times[index])).toBe(1_000);
    }
    expect(await db.collection('monque_jobs').countDocuments({ name: 'tick' })).toBe(1);
  });

  test('a job that its result makes larger than MongoDB can hold is completed without it, and not run again', async () => {
    const monque = make({ maxPayloadSize: 10 * 1_048_576 });
    const events = recordEvents(monque);
    let runs = 0;
    monque.worker('grow', () => {
      runs += 1;
      return 'r'.repeat(9 * 1_048_576);
    });
    await monque.start();
    const { _id } = await monque.enqueue('grow', 'd'.repeat(9 * 1_048_576));
    const isDone = async () => (await monque.getJob(_id))?.status === JobStatus.COMPLETED;
    await until('the job is completed', isDone);
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ fence: 1, failCount: 0 });
    expect(job).not.toHaveProperty('result');
    expect(runs).toBe(1);
    const errors = payloads(events, 'job:error').map(({ error }) => error.message);
    expect(errors.filter((message) => message.includes('without its result'))).toHaveLength(1);
  });

  test('a job that completes itself in its own transaction is done with its effects, or not at all', async () => {
    const monque = make({ baseRetryInterval: 1 });
    const effects = db.collection<{ _id: string; job: string }>('effects');
    await effects.insertOne({ _id: 'first', job: '' });
    let runs = 0;
    monque.worker('pay', async (job, { complete }) => {
      runs += 1;
      const session = db.client.startSession();
      try {
        await session.withTransaction(async () => {
          await effects.insertOne({ _id: `run ${runs}`, job: job._id.toHexString() }, { session });
          await complete({ session, result: runs });
          if (runs === 1) throw new Error('before the commit');
        });
      } finally {
        await session.endSession();
      }
    });
    await monque.start();
    const job = await monque.enqueue('pay');
    expect(await monque.waitFor(job)).toBe(2);
    expect(await effects.find({ job: job._id.toHexString() }).toArray()).toHaveLength(1);
    expect(await monque.getJob(job._id)).toMatchObject({
      status: 'completed',
      fence: 2,
      failCount: 1,
    });
  });

  test('an enqueue in a transaction changes who holds its key only when that commits', async () => {
    const monque = make();
    const options = { uniqueKey: 'k', whenTaken: 'replace' } as const;
    const holder = await monque.enqueue('later', 'old', {
      uniqueKey: 'k',
      runAt: new Date(Date.now() + 60_000),
    });
    const inSession = async (data: string, end: 'commitTransaction' | 'abortTransaction') => {
      const session = db.client.startSession();
      session.startTransaction();
      const job = await monque.enqueue('later', data, { ...options, session });
      await session[end]();
      await session.endSession();
      return job;
    };
    expect((await inSession('undone', 'abortTransaction'))._id).toEqual(holder._id);
    expect((await monque.getJob(holder._id))?.data).toBe('old');
    expect(await inSession('new', 'commitTransaction')).toMatchObject({
      _id: holder._id,
      data: 'new',
    });
    expect((await monque.getJob(holder._id))?.data).toBe('new');
  });

  test('a pause in one process holds in another within two seconds, and a resume wakes it', async () => {
    const [runner, other] = [make(), make({}, await anotherDb())];
    runner.worker('work', () => undefined);
    await runner.start();
    await other.initialize();
    await until('hints to flow', () => runner.health().hints === 'flowing');
    await other.pause('work');
    await until('the pause to arrive', () => runner.health().pausedNames.includes('work'), 2_000);
    const { _id } = await other.enqueue('work');
    expect((await other.getJob(_id))?.status).toBe('pending');
    await other.resume('work');
    await other.waitFor(_id, { timeout: 2_000 });
    expect((await other.getJob(_id))?.status).toBe('completed');
  });

  test('jobs that another tool left processing are given back at start', async () => {
    const long = new Date(Date.now() - 3_600_000);
    const foreign = (lockedAt: Date) => {
      const {
        claimedBy: _,
        claimToken: __,
        ...job
      } = makeJob({ name: 'work', status: JobStatus.PROCESSING, lockedAt });
      return job;
    };
    const [stale, fresh] = [foreign(long), foreign(new Date())];
    await db.collection<Job>('monque_jobs').insertMany([stale, fresh] as Job[]);
    const monque = make();
    const events = recordEvents(monque);
    monque.worker('work', () => 'recovered');
    await monque.start();
    expect(await monque.waitFor(stale._id)).toBe('recovered');
    // It may have run before the answer to who gave it back is here.
    await until('the event', () => payloads(events, 'stale:recovered').length > 0);
    expect(payloads(events, 'stale:recovered')).toEqual([{ count: 1 }]);
    expect((await monque.getJob(fresh._id))?.status).toBe('processing');
  });

  test('a document written manually is run', async () => {
    const monque = make();
    monque.worker('work', (job) => job.data);
    await monque.start();
    const { insertedId } = await db
      .collection('monque_jobs')
      .insertOne({ name: 'work', status: 'pending', nextRunAt: new Date(0), data: { by: 'hand' } });
    expect(await monque.waitFor(insertedId)).toEqual({ by: 'hand' });
  });

  test('events fire within 100 ms of the change', async () => {
    const monque = make({ maxRetries: 1 });
    const delays: number[] = [];
    const measure = ({ job }: { job: Job }): void => {
      delays.push(Date.now() - (job.finishedAt ?? job.startedAt ?? job.createdAt).getTime());
    };
    monque.on('job:start', measure).on('job:complete', measure).on('job:fail', measure);
    monque.worker('works', () => undefined);
    monque.worker('fails', () => Promise.reject(new Error('no')));
    await monque.start();
    for (let index = 0; index < 10; index += 1) {
      const job = await monque.enqueue(index % 2 === 0 ? 'works' : 'fails');
      await monque.waitFor(job).catch(() => undefined);
    }
    // Who waits may hear of an end before the answer to its record is here.
    await until('the last event', () => delays.length >= 20);
    const sorted = delays.sort((a, b) => a - b);
    expect(sorted).toHaveLength(20);
    // A machine that is busy with other work makes some of them late.
    expect(sorted[4]).toBeLessThanOrEqual(100);
  });

  test('idle, a process sends at most 30 commands a minute besides heartbeats', async () => {
    const database = await anotherDb();
    const clock = new ManualClock();
    const monque = make({ clock }, database);
    monque.worker('a', () => undefined);
    monque.worker('b', () => undefined);
    let open = 0;
    const settle = async (): Promise<void> => {
      for (let quiet = 0; quiet < 3; quiet = open > 0 ? 0 : quiet + 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    // A request for changes is answered when there is one, or after fifteen seconds of the server's time.
    const isWaiting = (name: string): boolean => name === 'getMore';
    database.client
      .on('commandStarted', ({ commandName }) => (open += isWaiting(commandName) ? 0 : 1))
      .on('commandSucceeded', ({ commandName }) => (open -= isWaiting(commandName) ? 0 : 1))
      .on('commandFailed', ({ commandName }) => (open -= isWaiting(commandName) ? 0 : 1));
    await monque.start();
    await until('hints to flow', () => monque.health().hints === 'flowing');
    const pass = async (minutes: number): Promise<void> => {
      for (let second = 0; second < 60 * minutes; second += 1) {
        await clock.advance(1_000);
        await settle();
      }
    };
    await pass(2);
    const log = new CommandLog(database.client);
    await pass(10);
    // What the driver sends by itself is no cost of this library.
    const isHeartbeat = (name: string): boolean => name === 'hello';
    const names = namesOf(log.take()).filter((name) => !isWaiting(name) && !isHeartbeat(name));
    const getMoresAMinute = 4;
    expect(names.length).toBeGreaterThan(0);
    expect(names.length / 10 + getMoresAMinute).toBeLessThanOrEqual(30);
  });

  test('very many waiting jobs take less than 50 MB more', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const heapMb = (): number => {
      collectGarbage();
      return process.memoryUsage().heapUsed / 1_048_576;
    };
    const jobs = db.collection<Job>('monque_jobs');
    const monque = make({ jobRetention: { completed: false } });
    await monque.initialize();
    for (let batch = 0; batch < volume(20, 6); batch += 1) {
      const name = 'work';
      await jobs.insertMany(
        Array.from({ length: 5_000 }, () => makeJob({ name, data: { batch } })),
      );
    }
    const gate = deferred();
    monque.worker('work', () => gate.promise, { concurrency: 5 });
    const before = heapMb();
    await monque.start();
    await until('the first to start', () => monque.health().runningJobs === 5);
    await monque.enqueue('work');
    expect(heapMb() - before).toBeLessThan(50);
    gate.resolve();
    await until(
      'some to end',
      async () => (await jobs.countDocuments({ status: 'completed' })) > 100,
    );
    expect(heapMb() - before).toBeLessThan(50);
  });
});
