// What is kept beside the states of jobs: what the log of all transitions and metadata cost, and what happens in races.
import { randomBytes } from 'node:crypto';
import type { Db, Document } from 'mongodb';
import { expect, test } from 'vitest';
import { MonqueError, UnknownOutcomeError, UnsupportedError } from '../../src/foundation/errors.ts';
import { Monque } from '../../src/index.ts';
import type { Job } from '../../src/job/job.ts';
import { aesCodec } from '../aes-codec.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { namesOf } from './command-log.ts';
import { ownMongoFixture } from './fixture.ts';
import {
  at,
  claim,
  INSTANCE,
  idsOf,
  jobsIn,
  makeClaimed,
  makeForeign,
  makeJobs,
  openLedger,
  put,
  settlement,
  statesOf,
  TOKEN,
} from './jobs.ts';
import { between } from './own-server.ts';

describeWithOwnMongo('what is kept beside the states of jobs', (binary) => {
  const mongo = ownMongoFixture(binary, { transitionLog: true });

  test('the log costs one insert a batch, and nothing where a batch was empty', async () => {
    const jobs = makeJobs(20);
    const enqueue = await mongo.log.during(() => mongo.ledger.enqueue({ jobs }));
    expect(namesOf(enqueue)).toEqual(['insert', 'insert']);
    const claimed = await mongo.log.during(() => claim(mongo.ledger, { limit: 20 }));
    expect(namesOf(claimed)).toEqual(['find', 'update', 'find', 'insert']);
    expect(namesOf(await mongo.log.during(() => claim(mongo.ledger)))).toEqual(['find']);
    const held = await mongo.ledger.readClaim({ instanceId: INSTANCE, claimToken: TOKEN });
    const settlements = held.map((job) => settlement('complete', job));
    const settled = await mongo.log.during(() => mongo.ledger.settle({ settlements, now: at(1) }));
    expect(namesOf(settled)).toEqual(['update', 'insert']);
    expect(await entriesIn(mongo.db).countDocuments()).toBe(60);
  });

  test('without the option neither a command nor a collection is more', async () => {
    const plain = openLedger(mongo.through);
    expect(namesOf(await mongo.log.during(() => plain.enqueue({ jobs: makeJobs(5) })))).toContain(
      'insert',
    );
    const claimed = await mongo.log.during(() => claim(plain));
    expect(namesOf(claimed)).toEqual(['find', 'update', 'find']);
    expect(await entriesIn(mongo.db).countDocuments()).toBe(0);
  });

  test('an index of the log that is expected and missing is an error at the start', async () => {
    const options = { transitionLog: true, skipIndexCreation: true };
    await expect(openLedger(mongo.through, options).open()).resolves.toBeUndefined();
    await entriesIn(mongo.db).dropIndexes();
    const opening = openLedger(mongo.through, options).open();
    await expect(opening).rejects.toThrow(UnsupportedError);
    await expect(openLedger(mongo.through, options).open()).rejects.toThrow(/monque_transitions/);
  });

  test('what happens in a transaction is in the log if and when it commits', async () => {
    const [job, running] = [makeJobs(1)[0] as Job, makeClaimed(1)[0] as Job];
    await put(mongo.db, [running]);
    const run = async (commits: boolean): Promise<void> => {
      await mongo.client.withSession(async (session) => {
        session.startTransaction();
        await mongo.ledger.enqueue({ jobs: [job], session });
        await mongo.ledger.amend({ jobId: job._id, changes: { priority: 1 }, now: at(1), session });
        const ended = settlement('complete', running);
        await mongo.ledger.completeInSession({ settlement: ended, now: at(2), session });
        expect(await entriesIn(mongo.db).countDocuments()).toBe(0);
        await (commits ? session.commitTransaction() : session.abortTransaction());
      });
    };
    await run(false);
    expect(await entriesIn(mongo.db).countDocuments()).toBe(0);
    await run(true);
    expect(await verbsOf(job)).toEqual(['enqueue', 'amend']);
    expect(await verbsOf(running)).toEqual(['complete']);
  });

  test('a claim that ended before its transaction did is not reported as completed', async () => {
    const running = makeClaimed(1)[0] as Job;
    await mongo.client.withSession(async (session) => {
      session.startTransaction();
      const ended = settlement('complete', running);
      const params = { settlement: ended, now: at(2), session };
      expect(await mongo.ledger.completeInSession(params)).toBe(false);
      await session.commitTransaction();
    });
    expect(await verbsOf(running)).toEqual([]);
  });

  test('a verb whose entry was not stored has an unknown outcome; sent again, it brings the entry', async () => {
    const [job] = makeJobs(1) as [Job];
    await mongo.ledger.enqueue({ jobs: [job] });
    const [claimed] = (await claim(mongo.ledger)).jobs as [Job];
    const settle = () =>
      mongo.ledger.settle({ settlements: [settlement('complete', claimed)], now: at(1) });
    mongo.server.proxy.dropRequest({ command: 'insert' });
    await expect(settle()).rejects.toBeInstanceOf(UnknownOutcomeError);
    mongo.server.proxy.clear();
    expect(await verbsOf(job)).toEqual(['enqueue', 'claim']);
    expect(await settle()).toEqual({ answers: ['settled'] });
    expect(await settle()).toEqual({ answers: ['settled'] });
    expect(await verbsOf(job)).toEqual(['enqueue', 'claim', 'complete']);
  });

  test('an entry that the server refuses is an error, not a gap', async () => {
    await mongo.db.command({ collMod: 'jobs.transitions', validator: { verb: 'claim' } });
    const enqueue = mongo.ledger.enqueue({ jobs: makeJobs(1) });
    await expect(enqueue).rejects.toThrow(/refused an entry of the transition log/);
    await expect(enqueue).rejects.toBeInstanceOf(MonqueError);
  });

  test('a claim whose entry is refused stands, and is read by its token once the entry can be stored', async () => {
    const refusing = (validator: Document) =>
      mongo.db.command({ collMod: 'jobs.transitions', validator });
    const jobs = makeJobs(2);
    await mongo.ledger.enqueue({ jobs });
    await refusing({ verb: { $ne: 'claim' } });
    await expect(claim(mongo.ledger)).rejects.toMatchObject({ code: 'LEDGER_REFUSED' });
    expect(await statesOf(mongo.db)).toEqual({ processing: 2 });
    const read = () => mongo.ledger.readClaim({ instanceId: INSTANCE, claimToken: TOKEN });
    await expect(read()).rejects.toMatchObject({ code: 'LEDGER_REFUSED' });
    await refusing({});
    expect(idsOf(await read())).toEqual(idsOf(jobs));
    expect(await verbsOf(jobs[0] as Job)).toEqual(['enqueue', 'claim']);
  });

  test('of jobs that several rescue at once, each rescue reports its own', async () => {
    const [mine, theirs] = makeClaimed(2) as [Job, Job];
    await put(mongo.db, [mine, theirs]);
    const race = between(mongo.server, 'find', [
      async () => undefined,
      () => jobsIn(mongo.db).updateOne({ _id: theirs._id }, { $set: { claimToken: 'another' } }),
    ]);
    const rescue = { deadInstanceId: INSTANCE, rescueLimit: 5, limit: 10 };
    const result = await mongo.ledger.rescue({ ...rescue, now: at(1000) });
    await race;
    expect(result.pending).toBe(1);
    expect(await verbsOf(mine)).toEqual(['rescue']);
    expect(await verbsOf(theirs)).toEqual([]);
  });

  test('jobs of other tools that were given back are reported', async () => {
    const [waits, asked] = makeForeign(2) as [Job, Job];
    await put(mongo.db, [waits, { ...asked, cancelRequestedAt: at(1) }]);
    await mongo.ledger.recover({ staleBefore: at(10), now: at(1000), limit: 10 });
    expect(await verbsOf(waits)).toEqual(['recover']);
    expect(await verbsOf(asked)).toEqual(['recoverToCancelled']);
  });

  test('a job that was made pending while it was to be pruned is not reported as gone', async () => {
    const finished = { status: 'completed', finishedAt: at(0) } as const;
    const [leaves, stays] = makeJobs(2, finished) as [Job, Job];
    await put(mongo.db, [leaves, stays]);
    const change = () =>
      jobsIn(mongo.db).updateOne({ _id: stays._id }, { $set: { finishedAt: at(3_600_000) } });
    const race = between(mongo.server, 'find', [change]);
    const now = at(1_000_000);
    const finishedBefore = { completed: now };
    const prune = { finishedBefore, createdBefore: now, limit: 10, archive: false, now };
    expect((await mongo.ledger.prune(prune)).pruned).toBe(1);
    await race;
    expect(await verbsOf(leaves)).toEqual(['prune']);
    expect(await verbsOf(stays)).toEqual([]);
  });

  test('metadata is one read and one write; in a race it is computed again', async () => {
    const [job] = makeJobs(1, { metadata: { a: 1 } }) as [Job];
    await put(mongo.db, [job]);
    const set = (changes: Record<string, number>) =>
      mongo.ledger.setMetadata({ jobId: job._id, changes, now: at(1) });
    const commands = await mongo.log.during(() => set({ b: 2 }));
    expect(namesOf(commands)).toEqual(['find', 'findAndModify']);
    const race = between(mongo.server, 'find', [
      () => jobsIn(mongo.db).updateOne({ _id: job._id }, { $set: { 'metadata.a': 5 } }),
    ]);
    const { job: after } = await set({ c: 3 });
    await race;
    expect(after?.metadata).toEqual({ a: 5, b: 2, c: 3 });
  });

  test('metadata that was written manually as something else is taken as empty when it is changed', async () => {
    for (const metadata of ['text', null, [1]]) {
      const [job] = makeJobs(1) as [Job];
      await put(mongo.db, [{ ...job, metadata: metadata as never }]);
      const changes = { a: 1 };
      const { job: after } = await mongo.ledger.setMetadata({
        jobId: job._id,
        changes,
        now: at(1),
      });
      expect(after?.metadata).toEqual({ a: 1 });
    }
  });

  test('who paused a name, and why, stands in the document of the pause', async () => {
    const hand = { by: 'operator', reason: 'the receiver is down' };
    await mongo.ledger.setPaused({ name: 'work', paused: true, now: at(1), ...hand });
    const pause = await mongo.db.collection('jobs').findOne({ pausedName: 'work' });
    expect(pause).toMatchObject({ pausedBy: hand.by, pausedReason: hand.reason });
  });

  test('nothing that a codec encrypts can be read in the database, nor in the archive', async () => {
    const options = { collectionName: 'jobs', codec: aesCodec(randomBytes(32)) };
    const monque = new Monque(mongo.through, options);
    monque.worker('charge', ({ data }) => ({ receipt: data }));
    await monque.start();
    const job = await monque.enqueue('charge', { card: 'secret-number' });
    expect(await monque.waitFor(job)).toEqual({ receipt: { card: 'secret-number' } });
    await monque.stop();
    const raw = await mongo.db.collection('jobs').find({}, { raw: true }).toArray();
    const bytes = Buffer.concat(raw.map((document) => Buffer.from(document as never)));
    expect(bytes.includes('charge')).toBe(true);
    expect(bytes.includes('secret-number')).toBe(false);
    const now = new Date(Date.now() + 3_600_000);
    const finishedBefore = { completed: now };
    await mongo.ledger.prune({ finishedBefore, createdBefore: now, limit: 10, archive: true, now });
    expect(await jobsIn(mongo.db).countDocuments({ name: 'charge' })).toBe(0);
    const archived = await monque.getJob(job._id);
    expect(archived).toMatchObject({
      data: { card: 'secret-number' },
      result: { receipt: { card: 'secret-number' } },
    });
    await monque.stop();
  });

  test('what a codec encodes in a transaction belongs to its job, also when it is replaced there', async () => {
    const options = { collectionName: 'jobs', codec: aesCodec(randomBytes(32)) };
    const monque = new Monque(mongo.through, options);
    await monque.initialize();
    const key = { uniqueKey: 'key', whenTaken: 'replace' } as const;
    await mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        await monque.enqueue('charge', 'first', { ...key, session });
        await monque.enqueue('charge', 'second', { ...key, session });
      }),
    );
    expect((await monque.getJobs())[0]?.data).toBe('second');
    await monque.stop();
  });

  test('a result that is recorded in a transaction is encoded too', async () => {
    const options = { collectionName: 'jobs', codec: aesCodec(randomBytes(32)) };
    const monque = new Monque(mongo.through, options);
    monque.worker('charge', (_job, { complete }) =>
      mongo.client.withSession((session) =>
        session.withTransaction(() => complete({ session, result: 'secret' })),
      ),
    );
    await monque.start();
    const job = await monque.enqueue('charge');
    expect(await monque.waitFor(job)).toBe('secret');
    await monque.stop();
    const raw = await jobsIn(mongo.db).findOne({ _id: job._id });
    expect(raw?.result).toHaveProperty('value');
  });

  function entriesIn(of: Db) {
    return of.collection('jobs.transitions');
  }

  async function verbsOf({ _id: jobId }: Job): Promise<string[]> {
    return (await mongo.ledger.readHistory({ jobId, limit: 100 })).map(({ verb }) => verb);
  }
});
