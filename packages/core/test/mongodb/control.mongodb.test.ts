// Single jobs: what each verb costs, and what it does when others are at the job too.
import { expect, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import type { Job } from '../../src/job/job.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { namesOf } from './command-log.ts';
import { ownMongoFixture } from './fixture.ts';
import { at, jobsIn, makeClaimed, makeJobs, makeSeries, onlyJob, put, TOKEN } from './jobs.ts';
import { between } from './own-server.ts';

const MOST_RACES = 10;

describeWithOwnMongo('a verb on one job', (binary) => {
  const mongo = ownMongoFixture(binary);

  test('is one command, and two where the job is looked at first', async () => {
    const [job, failed, claimed] = [make(), makeFailed(), makeClaimed(1)[0] as Job];
    const series = makeSeries('key');
    await put(mongo.db, [job, failed, claimed, series]);
    const now = at(1);
    const jobId = job._id;
    const costs = {
      amend: await cost(() => mongo.ledger.amend({ jobId, changes: {}, now })),
      cancel: await cost(() => mongo.ledger.cancel({ jobId, now })),
      remove: await cost(() => mongo.ledger.remove({ jobId })),
      note: await cost(() => mongo.ledger.note({ jobId: claimed._id, claimToken: TOKEN, now })),
      replan: await cost(() =>
        mongo.ledger.replan({ jobId: series._id, seriesVersion: 1, series: {}, now }),
      ),
      redrive: await cost(() => mongo.ledger.redrive({ jobId: failed._id, now, nextRunAt: now })),
    };
    expect(costs).toEqual({
      amend: ['findAndModify'],
      cancel: ['findAndModify'],
      remove: ['findAndModify'],
      note: ['update'],
      replan: ['findAndModify'],
      redrive: ['find', 'findAndModify'],
    });
  });

  test('that amends or removes applies to a job that became pending after the first try', async () => {
    for (const verb of ['amend', 'remove'] as const) {
      const job = make({ status: 'processing' });
      await put(mongo.db, [job]);
      const race = between(mongo.server, 'findAndModify', [() => change({ status: 'pending' })]);
      const call =
        verb === 'amend'
          ? mongo.ledger.amend({ jobId: job._id, changes: { priority: 1 }, now: at(1) })
          : mongo.ledger.remove({ jobId: job._id });
      await race;
      expect((await call).outcome).toBe(verb === 'amend' ? 'amended' : 'removed');
      await jobsIn(mongo.db).deleteMany();
    }
  });

  test('that cancels a job which became pending again after the first try leaves no trace of a series', async () => {
    const [job] = makeClaimed(1, { cancelRequestedAt: at(0) }) as [Job];
    await put(mongo.db, [job]);
    const race = between(mongo.server, 'findAndModify', [() => change({ status: 'pending' })]);
    const call = mongo.ledger.cancel({ jobId: job._id, now: at(1), reason: 'Late' });
    await race;
    expect(await call).toMatchObject({ outcome: 'cancelled', job: { status: 'cancelled' } });
    expect(await onlyJob(mongo.db)).not.toHaveProperty('seriesVersion');
    expect((await onlyJob(mongo.db)).history).toEqual([
      { verb: 'cancel', at: at(1), reason: 'Late' },
    ]);
  });

  test('that cancels a run skips the one that stands there, when the plan was changed meanwhile', async () => {
    const job = makeSeries('key');
    await put(mongo.db, [job]);
    const replan = () => change({ seriesVersion: 2, repeatInterval: '0 * * * *' });
    const race = between(mongo.server, 'find', [replan]);
    const call = mongo.ledger.cancel({ jobId: job._id, now: at(1) });
    await race;
    expect(await call).toMatchObject({
      outcome: 'skipped',
      job: { scheduledFor: at(3_600_000), nextRunAt: at(3_600_000), seriesVersion: 2 },
    });
  });

  test('on a job that changes at every look has an unknown outcome, and changed nothing', async () => {
    const job = makeSeries('key');
    await put(mongo.db, [job]);
    let seriesVersion = 1;
    const bump = () => {
      seriesVersion += 1;
      return change({ seriesVersion });
    };
    const race = between(mongo.server, 'find', Array(MOST_RACES).fill(bump));
    const call = mongo.ledger
      .cancel({ jobId: job._id, now: at(1) })
      .catch((error: unknown) => error);
    await race;
    expect(await call).toMatchObject({
      code: 'UNKNOWN_OUTCOME',
      message: `Job ${job._id.toHexString()} changed too often to be changed`,
    });
    expect(await onlyJob(mongo.db)).toMatchObject({ scheduledFor: at(0), status: 'pending' });
  });

  test.each(['completed', 'failed', 'cancelled', 'pending', 'blocked', 'gone'] as const)(
    'that cancels a job which was running, and was %s after the first try, goes by what it is now',
    async (status) => {
      const [job] = makeClaimed(1) as [Job];
      await put(mongo.db, [job]);
      const monque = new Monque(mongo.ledger, { logger: false });
      await monque.initialize();
      const become = () => (status === 'gone' ? jobsIn(mongo.db).deleteMany() : change({ status }));
      const race = between(mongo.server, 'findAndModify', [become]);
      const call = monque.cancelJob(job._id).catch((error: unknown) => error);
      await race;
      const answer = await call;
      if (status === 'gone') expect(answer).toBeNull();
      else if (status === 'completed' || status === 'failed') {
        const allowed = 'cancelJob is allowed from: pending, blocked, processing';
        expect(answer).toMatchObject({ code: 'JOB_STATE', status, verb: 'cancelJob' });
        expect(String(answer)).toContain(`it is ${status}, and ${allowed}`);
      } else expect(answer).toMatchObject({ status: 'cancelled' });
      await monque.stop();
    },
  );

  test('that cancels refuses a document of a state it does not know', async () => {
    const job = make({ status: 'parked' as Job['status'] });
    await put(mongo.db, [job]);
    const outcome = { outcome: 'refused', job: { status: 'parked' } };
    expect(await mongo.ledger.cancel({ jobId: job._id, now: at(1) })).toMatchObject(outcome);
  });

  test('that plans a series again applies to a job that was given back between its two tries', async () => {
    const job = makeSeries('key', { status: 'processing', claimToken: TOKEN });
    await put(mongo.db, [job]);
    const race = between(mongo.server, 'findAndModify', [() => change({ status: 'pending' })]);
    const call = mongo.ledger.replan({
      jobId: job._id,
      seriesVersion: 1,
      series: { repeatInterval: '@daily' },
      now: at(1),
    });
    await race;
    expect(await call).toMatchObject({ outcome: 'written', job: { repeatInterval: '@daily' } });
    expect((await onlyJob(mongo.db)).history).toEqual([{ verb: 'replan', at: at(1) }]);
  });

  test('that redrives takes the lock of what the job is now', async () => {
    const job = makeSeries('key', { status: 'failed', finishedAt: at(0) });
    const { uniqueLock: _, ...unlocked } = job;
    await put(mongo.db, [unlocked]);
    const end = () =>
      jobsIn(mongo.db).updateOne(
        {},
        { $set: { seriesVersion: 2 }, $unset: { repeatInterval: '' } },
      );
    const race = between(mongo.server, 'find', [end]);
    const call = mongo.ledger.redrive({ jobId: job._id, now: at(1), nextRunAt: at(1) });
    await race;
    expect(await call).toMatchObject({ outcome: 'redriven' });
    expect(await onlyJob(mongo.db)).not.toHaveProperty('uniqueLock');
  });

  test('that redrives shows who holds the key, and nobody when that one is gone again', async () => {
    const job = makeFailed({ uniqueKey: 'key' });
    const holder = make({ uniqueKey: 'key', uniqueLock: 'key:key' });
    await put(mongo.db, [job, holder]);
    const redrive = () => mongo.ledger.redrive({ jobId: job._id, now: at(1), nextRunAt: at(1) });
    const taken = { outcome: 'taken', job: { status: 'failed' } };
    expect(await redrive()).toMatchObject({ ...taken, holder: { _id: holder._id } });
    const race = between(mongo.server, 'findAndModify', [() => jobsIn(mongo.db).deleteOne(holder)]);
    const call = redrive();
    await race;
    expect(await call).toMatchObject(taken);
    expect(await call).not.toHaveProperty('holder');
    expect(await redrive()).toMatchObject({ outcome: 'redriven', job: { uniqueLock: 'key:key' } });
  });

  test('that meets a unique index of the user is refused by it, and names no holder', async () => {
    await jobsIn(mongo.db).createIndex(
      { 'data.order': 1 },
      { unique: true, partialFilterExpression: { status: 'pending' } },
    );
    const data = { order: 1 };
    const [plain, keyed] = [makeFailed({ data }), makeFailed({ data, uniqueKey: 'key' })];
    await put(mongo.db, [plain, keyed, make({ data })]);
    for (const { _id } of [plain, keyed]) {
      const call = mongo.ledger.redrive({ jobId: _id, now: at(1), nextRunAt: at(1) });
      await expect(call).rejects.toMatchObject({ code: 'LEDGER_REFUSED', message: /redrive/ });
    }
  });

  async function cost(work: () => Promise<unknown>): Promise<string[]> {
    return namesOf(await mongo.log.during(work));
  }

  function change(fields: Partial<Job>): Promise<unknown> {
    return jobsIn(mongo.db).updateMany({}, { $set: fields });
  }
});

function make(overrides: Partial<Job> = {}): Job {
  return makeJobs(1, overrides)[0] as Job;
}

function makeFailed(overrides: Partial<Job> = {}): Job {
  return make({ status: 'failed', finishedAt: at(0), ...overrides });
}
