// How jobs leave: what a step costs, what it never touches, and what meets it on the way to the archive.
import { type Collection, ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import type { Job } from '../../src/job/job.ts';
import type { PruneParams } from '../../src/ledger/ledger-repository.ts';
import type { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { namesOf } from './command-log.ts';
import { ownMongoFixture } from './fixture.ts';
import { at, idsOf, jobsIn, makeJobs, onlyJob, put } from './jobs.ts';
import { between } from './own-server.ts';

describeWithOwnMongo('pruning', (binary) => {
  const mongo = ownMongoFixture(binary);

  test('a step without anything to prune is one command', async () => {
    await put(mongo.db, [...makeJobs(5), ...makeFinished(5, { finishedAt: at(60_000) })]);
    expect(namesOf(await mongo.log.during(() => prune(mongo.ledger)))).toEqual(['find']);
  });

  test('a step is one delete a state, and none of a job is read that leaves', async () => {
    await put(mongo.db, [...makeFinished(5), ...makeFinished(5, { status: 'failed' })]);
    const commands = await mongo.log.during(() => prune(mongo.ledger));
    expect(namesOf(commands)).toEqual(['find', 'delete', 'delete']);
    expect(commands[0]?.projection).not.toHaveProperty('data');
    expect(await jobsIn(mongo.db).countDocuments()).toBe(0);
  });

  test('the archive gets the whole documents, on the server', async () => {
    const jobs = makeFinished(3, { data: { to: 'somebody' }, result: 7 });
    await put(mongo.db, jobs);
    const commands = await mongo.log.during(() => prune(mongo.ledger, { archive: true }));
    expect(namesOf(commands)).toEqual(['find', 'aggregate', 'delete']);
    expect(await archive().find().sort({ _id: 1 }).toArray()).toEqual(
      jobs.sort((a, b) => (a._id.toHexString() < b._id.toHexString() ? -1 : 1)),
    );
  });

  test('an older copy is replaced', async () => {
    const [job] = makeFinished(1, { result: 'new' }) as [Job];
    await put(mongo.db, [job]);
    await archive().insertOne({ ...job, result: 'old', failReason: 'Boom' });
    expect(await prune(mongo.ledger, { archive: true })).toEqual({ pruned: 1 });
    expect(await archive().find().toArray()).toEqual([job]);
  });

  test('a redrive that meets the move wins, and the copy is withdrawn', async () => {
    const [job, other] = makeFinished(2, { status: 'failed' }) as [Job, Job];
    await put(mongo.db, [job, other]);
    const redrive = () => mongo.rival.redrive({ jobId: job._id, now: at(2), nextRunAt: at(2) });
    const race = between(mongo.server, 'aggregate', [redrive]);
    const call = prune(mongo.ledger, { archive: true });
    await race;
    expect(await call).toEqual({ pruned: 1 });
    expect(await onlyJob(mongo.db)).toMatchObject({ _id: job._id, status: 'pending' });
    expect(idsOf(await archive().find().toArray())).toEqual(idsOf([other]));
  });

  test('a job that another instance moved at the same time stays in the archive', async () => {
    const [job] = makeFinished(1) as [Job];
    await put(mongo.db, [job]);
    const race = between(mongo.server, 'aggregate', [() => prune(mongo.rival, { archive: true })]);
    const call = prune(mongo.ledger, { archive: true });
    await race;
    expect(await call).toEqual({ pruned: 0 });
    expect(await jobsIn(mongo.db).countDocuments()).toBe(0);
    expect(await archive().find().toArray()).toEqual([job]);
  });

  test('a step that broke off between copy and delete is made up for by the next', async () => {
    const [job] = makeFinished(1) as [Job];
    await put(mongo.db, [job]);
    mongo.server.proxy.dropRequest({ command: 'delete' });
    await expect(prune(mongo.ledger, { archive: true })).rejects.toMatchObject({
      code: 'UNKNOWN_OUTCOME',
    });
    expect(await jobsIn(mongo.db).countDocuments()).toBe(1);
    expect(await prune(mongo.ledger, { archive: true })).toEqual({ pruned: 1 });
    expect(await archive().find().toArray()).toEqual([job]);
    expect(await jobsIn(mongo.db).countDocuments()).toBe(0);
  });

  test('what is no job is left alone, however finished it looks', async () => {
    const [job] = makeFinished(1) as [Job];
    const strangers = ['text', 7, { nested: new ObjectId() }].map((_id) => ({ ...job, _id }));
    await jobsIn(mongo.db).insertMany(strangers as unknown as Job[]);
    await mongo.ledger.setPaused({ name: 'a', paused: true, now: at(0) });
    expect(await prune(mongo.ledger)).toEqual({ pruned: 0 });
    expect(await jobsIn(mongo.db).countDocuments()).toBe(strangers.length + 1);
    expect((await mongo.ledger.readPaused()).map(({ name }) => name)).toEqual(['a']);
  });

  test('a finished job that does not say when it finished stays', async () => {
    const [{ finishedAt: _, ...job }] = makeFinished(1) as [Job];
    await put(mongo.db, [job]);
    expect(await prune(mongo.ledger)).toEqual({ pruned: 0 });
    expect(await jobsIn(mongo.db).countDocuments()).toBe(1);
  });

  test('an archived job is found by its id and in lists, where the archive is asked', async () => {
    const [job] = makeFinished(1) as [Job];
    await put(mongo.db, [job]);
    await prune(mongo.ledger, { archive: true });
    expect(await mongo.ledger.getJob({ jobId: job._id })).toBeNull();
    expect(await mongo.ledger.getJob({ jobId: job._id, archived: true })).toEqual(job);
    const list = { filter: {}, direction: 'ascending', limit: 10, archived: true } as const;
    for (const orderBy of ['_id', 'createdAt', 'updatedAt', 'nextRunAt'] as const) {
      expect(await mongo.ledger.findJobs({ ...list, orderBy })).toEqual([job]);
    }
  });

  function prune(by: MongoLedgerRepository, params: Partial<PruneParams> = {}) {
    return by.prune({
      finishedBefore: { completed: at(1), failed: at(1), cancelled: at(1) },
      createdBefore: at(86_400_000),
      limit: 100,
      archive: false,
      now: at(1),
      ...params,
    });
  }

  function archive(): Collection<Job> {
    return mongo.db.collection<Job>('jobs.archive');
  }
});

function makeFinished(count: number, overrides: Partial<Job> = {}): Job[] {
  return makeJobs(count, { status: 'completed', finishedAt: at(0), ...overrides });
}
