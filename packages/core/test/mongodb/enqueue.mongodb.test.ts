// What only MongoDB has: unique indexes that race, commands that are too large, transactions of the user's.
import { type ClientSession, MongoServerError } from 'mongodb';
import { afterEach, expect, test } from 'vitest';
import type { Job } from '../../src/job/job.ts';
import type { EnqueueAnswer } from '../../src/ledger/ledger-repository.ts';
import { makeJob } from '../../src/testing/index.ts';
import { type FailPoint, failCommand } from '../faults/fail-point.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { CommandLog, nameOf, namesOf } from './command-log.ts';
import { ownMongoFixture } from './fixture.ts';
import { idsOf, jobsIn, makeJobs, onlyJob, openLedger, put } from './jobs.ts';
import { APP_NAME } from './own-server.ts';
import { POISON } from './poison.ts';

const KEY = { uniqueKey: 'key', uniqueLock: 'key' };
const MIB = 1_048_576;

describeWithOwnMongo('enqueueing into MongoDB', (binary) => {
  const mongo = ownMongoFixture(binary);
  let failPoint: FailPoint | undefined;

  afterEach(() => failPoint?.off());

  test('a job is stored when the holder of its lock vanishes before it is looked for', async () => {
    await put(mongo.db, makeJobs(1, KEY));
    const [job] = makeJobs(1, KEY);
    const refused = mongo.server.proxy.holdReply({ command: 'insert' });
    const call = enqueue(job);
    await refused.entered();
    await jobsIn(mongo.db).deleteMany();
    refused.release();
    expect(await call).toMatchObject([{ outcome: 'enqueued' }]);
    expect((await onlyJob(mongo.db))._id).toEqual(job?._id);
  });

  test('a job whose lock is held and freed again and again is refused in the end', async () => {
    const holders = makeJobs(11, KEY);
    await put(mongo.db, holders.slice(0, 1));
    const [neighbour] = makeJobs(1);
    const call = enqueue(makeJobs(1, KEY)[0], neighbour);
    for (const next of [...holders.slice(1), undefined]) {
      const inserted = mongo.server.proxy.holdReply({ command: 'insert' });
      await inserted.entered();
      await jobsIn(mongo.db).deleteMany({ uniqueLock: 'key' });
      const found = mongo.server.proxy.holdReply({ command: 'find' });
      inserted.release();
      await found.entered();
      if (next) await put(mongo.db, [next]);
      found.release();
    }
    expect(await call).toMatchObject([
      { outcome: 'refused', error: { code: 'LEDGER_REFUSED', message: /E11000/ } },
      { outcome: 'enqueued' },
    ]);
    expect((await onlyJob(mongo.db))._id).toEqual(neighbour?._id);
  });

  test('of many jobs of a batch with one key the first is stored and holds the others', async () => {
    const jobs = makeJobs(20, KEY);
    const answers = await enqueue(...jobs);
    expect(answers.map(({ outcome }) => outcome)).toEqual([
      'enqueued',
      ...Array(19).fill('existing'),
    ]);
    for (const answer of answers) expect(answer).toMatchObject({ job: { _id: jobs[0]?._id } });
  });

  test('many callers that race for one key all learn of the one job that is stored', async () => {
    const answers = await Promise.all(makeJobs(20, KEY).map((job) => enqueue(job)));
    const stored = await onlyJob(mongo.db);
    for (const [answer] of answers) expect(answer).toMatchObject({ job: { _id: stored._id } });
    expect(answers.filter(([answer]) => answer?.outcome === 'enqueued')).toHaveLength(1);
  });

  test('a key that an open transaction holds stalls its own job and no other', async () => {
    const impatient = openLedger(mongo.through, { operationTimeoutMs: 400 });
    await impatient.open();
    const [keyed] = makeJobs(1, KEY);
    await mongo.client.withSession(async (session) => {
      session.startTransaction();
      await mongo.ledger.enqueue({ jobs: makeJobs(1, KEY), session });
      const stalled = impatient.enqueue({ jobs: [keyed as Job] }).catch((error: unknown) => error);
      expect(await enqueue(...makeJobs(1))).toMatchObject([{ outcome: 'enqueued' }]);
      expect(await stalled).toMatchObject({ code: 'UNKNOWN_OUTCOME' });
      await session.abortTransaction();
    });
    expect(await enqueue(keyed)).toMatchObject([{ outcome: 'enqueued' }]);
    expect(await jobsIn(mongo.db).countDocuments({ uniqueLock: 'key' })).toBe(1);
  });

  test('a batch that is too large for one command is stored in several', async () => {
    const jobs = makeJobs(20, { data: Buffer.alloc(MIB) });
    const directly = new CommandLog(mongo.server.direct);
    const { answers } = await openLedger(mongo.db).enqueue({ jobs });
    expect(answers.map(({ outcome }) => outcome)).toEqual(jobs.map(() => 'enqueued'));
    const inserts = directly.take().filter((command) => nameOf(command) === 'insert');
    expect(inserts.length).toBeLessThanOrEqual(3);
    expect(idsOf(await storedIds())).toEqual(idsOf(jobs));
  });

  test.each([
    ['more bytes than MongoDB takes', Buffer.alloc(16 * MIB)],
    ['more bytes than the driver sends', Buffer.alloc(18 * MIB)],
    ['a longer string than the driver sends', 'x'.repeat(18 * MIB)],
    ['a list of more than the driver sends', Array.from({ length: 18 }, () => 'x'.repeat(MIB))],
  ])('a job of %s is refused alone', async (_, data) => {
    const [large] = makeJobs(1, { data });
    const [before, after] = [makeJobs(3), makeJobs(3, { data: Buffer.alloc(MIB) })];
    const jobs = [...before, large as Job, ...after];
    const { answers } = await openLedger(mongo.db).enqueue({ jobs });
    expect(answers.map(({ outcome }) => outcome)).toEqual([
      ...['enqueued', 'enqueued', 'enqueued', 'refused', 'enqueued', 'enqueued', 'enqueued'],
    ]);
    expect(answers[3]).toMatchObject({ error: { code: 'LEDGER_REFUSED' } });
    expect(idsOf(await storedIds())).toEqual(idsOf([...before, ...after]));
  });

  test.each(POISON)('a job of %s is refused alone', async (_, data) => {
    const [bad] = makeJobs(1, { data });
    const [before, after] = [makeJobs(3), makeJobs(3)];
    const { answers } = await openLedger(mongo.db).enqueue({
      jobs: [...before, bad as Job, ...after],
    });
    expect(answers.map(({ outcome }) => outcome)).toEqual([
      ...['enqueued', 'enqueued', 'enqueued', 'refused', 'enqueued', 'enqueued', 'enqueued'],
    ]);
    expect(answers[3]).toMatchObject({ error: { code: 'LEDGER_REFUSED' } });
    expect(idsOf(await storedIds())).toEqual(idsOf([...before, ...after]));
  });

  test('a job that a validator refuses is refused alone', async () => {
    await mongo.db.command({ collMod: 'jobs', validator: { 'data.to': { $type: 'string' } } });
    const good = makeJobs(2, { data: { to: 'a@example.com' } });
    const [bad] = makeJobs(1, { data: { to: 7 } });
    const answers = await enqueue(good[0], bad, good[1]);
    expect(answers).toMatchObject([
      { outcome: 'enqueued' },
      { outcome: 'refused', error: { message: /Document failed validation/ } },
      { outcome: 'enqueued' },
    ]);
    expect(idsOf(await storedJobs())).toEqual(idsOf(good));
  });

  test('a unique index of the user refuses a job, and shows no other as its holder', async () => {
    await jobsIn(mongo.db).createIndex({ 'data.order': 1 }, { unique: true });
    const jobs = [
      ...makeJobs(2, { data: { order: 1 } }),
      ...makeJobs(1, { ...KEY, data: { order: 1 } }),
    ];
    const [answers, commands] = await logged(() => enqueue(...jobs));
    expect(answers.map(({ outcome }) => outcome)).toEqual(['enqueued', 'refused', 'refused']);
    expect(commands).toEqual(['insert']);
  });

  test('a job of a transaction is there once that is committed, and gone if it is aborted', async () => {
    await mongo.client.withSession(async (session) => {
      for (const ending of ['abort', 'commit'] as const) {
        session.startTransaction();
        await mongo.ledger.enqueue({ jobs: [...makeJobs(1), ...makeJobs(1, KEY)], session });
        expect(await jobsIn(mongo.db).countDocuments()).toBe(0);
        if (ending === 'abort') await session.abortTransaction();
        else await session.commitTransaction();
      }
    });
    expect(await jobsIn(mongo.db).countDocuments()).toBe(2);
  });

  test('a job with a key is stored in a transaction as it is stored without', async () => {
    const data = { bytes: Buffer.from('x'), nothing: undefined, dotted: { 'a.b': 1 } };
    const jobs = makeJobs(2, { data });
    const keyed = jobs.map((job, index) => ({ ...job, uniqueKey: 'k', uniqueLock: `k${index}` }));
    const [plain, inTransaction] = keyed;
    if (!plain || !inTransaction) throw new Error('Expected two jobs');
    await enqueue(plain);
    await mongo.client.withSession((session) =>
      session.withTransaction(() => mongo.ledger.enqueue({ jobs: [inTransaction], session })),
    );
    const [one, other] = await storedJobs();
    expect(other).toEqual({ ...one, _id: inTransaction._id, uniqueLock: 'k1' });
    expect(Object.keys(one ?? {}).sort()).toEqual(Object.keys(other ?? {}).sort());
  });

  test('a held key shows its holder inside a transaction, which goes on', async () => {
    const [holder] = makeJobs(1, KEY);
    await enqueue(holder);
    const [other] = makeJobs(1);
    const answers: EnqueueAnswer[] = [];
    await mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        const jobs = [...makeJobs(1, KEY), other as Job];
        answers.splice(0, 2, ...(await mongo.ledger.enqueue({ jobs, session })).answers);
      }),
    );
    expect(answers).toMatchObject([
      { outcome: 'existing', job: { _id: holder?._id } },
      { outcome: 'enqueued', job: { _id: other?._id } },
    ]);
    expect(await jobsIn(mongo.db).countDocuments()).toBe(2);
  });

  test('transactions that race for one key both end well, with one job', async () => {
    const answers = await Promise.all(
      makeJobs(4, KEY).map((job) =>
        mongo.client.withSession((session) =>
          session.withTransaction(
            async () => (await mongo.ledger.enqueue({ jobs: [job], session })).answers,
          ),
        ),
      ),
    );
    const stored = await onlyJob(mongo.db);
    for (const [answer] of answers) expect(answer).toMatchObject({ job: { _id: stored._id } });
  });

  test('an error in a session keeps the labels by which withTransaction tries again', async () => {
    const data = { failCommands: ['insert'], appName: APP_NAME, errorCode: 112 };
    failPoint = await failCommand(mongo.server.direct, data);
    const errors: unknown[] = [];
    await mongo.client.withSession((session) =>
      session.withTransaction(() => enqueueNoting(session, errors)),
    );
    expect(errors).toEqual([expect.any(MongoServerError)]);
    expect((errors[0] as MongoServerError).hasErrorLabel('TransientTransactionError')).toBe(true);
    expect(await jobsIn(mongo.db).countDocuments()).toBe(1);
  });

  test('hundreds of keys that are taken cost one read, not one each', async () => {
    const keyed = () =>
      Array.from({ length: 300 }, (_, index) =>
        makeJob({ name: `name-${index % 3}`, uniqueKey: `${index}`, uniqueLock: `key:${index}` }),
      );
    const holders = keyed();
    await enqueue(...holders);
    const [answers, commands] = await logged(() => enqueue(...keyed()));
    expect(answers.map(({ outcome }) => outcome)).toEqual(keyed().map(() => 'existing'));
    expect(answers.map((answer) => 'job' in answer && answer.job._id.toHexString())).toEqual(
      holders.map(({ _id }) => _id.toHexString()),
    );
    expect(commands.filter((name) => name === 'find').length).toBe(1);
    expect(commands.length).toBeLessThanOrEqual(4);
  });

  async function enqueueNoting(session: ClientSession, errors: unknown[]): Promise<void> {
    try {
      await mongo.ledger.enqueue({ jobs: makeJobs(1), session });
    } catch (error) {
      errors.push(error);
      throw error;
    }
  }

  async function enqueue(...jobs: readonly (Job | undefined)[]): Promise<readonly EnqueueAnswer[]> {
    const present = jobs.filter((job) => job !== undefined);
    return (await mongo.ledger.enqueue({ jobs: present })).answers;
  }

  function storedJobs(): Promise<Job[]> {
    return jobsIn(mongo.db).find().sort({ uniqueLock: 1 }).toArray();
  }

  function storedIds(): Promise<Pick<Job, '_id'>[]> {
    return jobsIn(mongo.db)
      .find({}, { projection: { _id: 1 } })
      .toArray();
  }

  async function logged<T>(work: () => Promise<T>): Promise<[T, string[]]> {
    mongo.log.take();
    const result = await work();
    return [result, namesOf(mongo.log.take())];
  }
});
