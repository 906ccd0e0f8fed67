// How many commands and statements a flush of settlements costs, and what is read when some did not match.
import { beforeEach, expect, test } from 'vitest';
import type { Job } from '../../src/job/job.ts';
import type { SettleAnswer, Settlement, SettleVerb } from '../../src/ledger/verbs/settle.ts';
import { describeWithMongo } from '../setup/mongodb.ts';
import { nameOf } from './command-log.ts';
import { mongoFixture } from './fixture.ts';
import { at, jobsIn, makeClaimed, put, settlement, statesOf } from './jobs.ts';
import { POISON } from './poison.ts';

describeWithMongo('a flush of settlements', () => {
  const mongo = mongoFixture('settle');

  beforeEach(() => mongo.db.command({ collMod: 'jobs', validator: {} }));

  test('that completes 500 jobs of one claim is one command with one statement', async () => {
    const { answers, cost } = await settleAll('complete', makeClaimed(500));
    expect(answers).toEqual(Array(500).fill('settled'));
    expect(cost).toEqual(['update of 1']);
  });

  test('has one statement for the successes of each claim', async () => {
    const jobs = ['a', 'b', 'c'].flatMap((claimToken) => makeClaimed(20, { claimToken }));
    const { cost } = await settleAll('complete', jobs);
    expect(cost).toEqual(['update of 3']);
  });

  test('has one statement for each retry and each failure, beside one for each verb', async () => {
    const verbs: SettleVerb[] = ['complete', 'complete', 'retry', 'retry', 'fail', 'release'];
    const jobs = makeClaimed(verbs.length * 2);
    const { answers, cost } = await settleEach(
      jobs.map((job, index) => [verbs[index % verbs.length] ?? 'complete', job]),
    );
    expect(new Set(answers)).toEqual(new Set(['settled']));
    expect(cost).toEqual(['update of 8']);
    expect(await statesOf(mongo.db)).toEqual({ completed: 4, pending: 6, failed: 2 });
  });

  test('with thousands of statements is split into commands of a thousand', async () => {
    const { answers, cost } = await settleAll('retry', makeClaimed(2_300));
    expect(answers).toEqual(Array(2_300).fill('settled'));
    expect(cost).toEqual(['update of 1000', 'update of 1000', 'update of 300']);
  });

  test('of which one did not match costs one read more', async () => {
    const [first, second] = makeClaimed(2);
    if (!first || !second) throw new Error('Expected two jobs');
    const { answers, cost } = await settleEach([
      ['complete', first],
      ['complete', { ...second, claimToken: 'wrong' }],
    ]);
    expect(answers).toEqual(['settled', 'lost']);
    expect(cost).toEqual(['update of 2', 'find']);
  });

  test('that names a job twice settles it once', async () => {
    const [job] = makeClaimed(1);
    if (!job) throw new Error('Expected a job');
    const { answers } = await settleEach([
      ['complete', job],
      ['complete', job],
      ['retry', job],
    ]);
    expect(answers).toEqual(['settled', 'settled', 'settled']);
    expect(await statesOf(mongo.db)).toEqual({ completed: 1 });
  });

  test('answers each settlement that did not match what became of its job', async () => {
    const jobs = makeClaimed(7);
    const [mine, asked, ended, taken, onward, gone, limited] = jobs;
    if (!mine || !asked || !ended || !taken || !onward || !gone || !limited) throw new Error();
    await put(mongo.db, jobs);
    await change(asked, { cancelRequestedAt: at(0) });
    await change(ended, { status: 'pending', claimToken: 'gone', lastToken: 'token-a' });
    await change(taken, { claimToken: 'next', fence: 2 });
    await change(onward, { status: 'completed', claimToken: 'gone', fence: 3 });
    await jobsIn(mongo.db).deleteOne({ _id: gone._id });
    const settlements = jobs.map((job) => settlement('retry', job));
    settlements[6] = settlement('retry', limited, { lastFailCount: 0 });
    const { answers } = await mongo.ledger.settle({ settlements, now: at(1) });
    const expected: SettleAnswer[] = [
      ...(['settled', 'cancelRequested', 'settled', 'lost', 'unknown', 'unknown'] as const),
      'refused',
    ];
    expect(answers).toEqual(expected);
  });

  test('counts an absent failure count as zero', async () => {
    const [job] = makeClaimed(1);
    if (!job) throw new Error('Expected a job');
    await put(mongo.db, [job]);
    await jobsIn(mongo.db).updateOne({}, { $unset: { failCount: '' } });
    const settle = (end: Settlement) => mongo.ledger.settle({ settlements: [end], now: at(1) });
    const retry = settlement('retry', job, { lastFailCount: 0 });
    expect(await settle(retry)).toEqual({ answers: ['refused'] });
    expect(await settle(settlement('fail', job, { lastFailCount: 0 }))).toEqual({
      answers: ['settled'],
    });
  });

  test.each(POISON)('of which one has %s settles the others', async (_, result) => {
    const jobs = makeClaimed(5);
    await put(mongo.db, jobs);
    const settlements = jobs.map((job) => settlement('complete', job));
    const bad = { ...(settlements[1] as Settlement), result };
    const { answers } = await mongo.ledger.settle({
      settlements: settlements.with(1, bad),
      now: at(1),
    });
    expect(answers).toEqual(['settled', 'refused', 'settled', 'settled', 'settled']);
    expect(await statesOf(mongo.db)).toEqual({ completed: 4, processing: 1 });
  });

  test('with a job that a validator refuses settles the others', async () => {
    const jobs = makeClaimed(5);
    await put(mongo.db, jobs);
    await mongo.db.command({
      collMod: 'jobs',
      validator: { $or: [{ _id: { $ne: jobs[1]?._id } }, { status: 'processing' }] },
    });
    const settlements = jobs.map((job) => settlement('complete', job));
    const { answers } = await mongo.ledger.settle({ settlements, now: at(1) });
    expect(answers).toEqual(['settled', 'refused', 'settled', 'settled', 'settled']);
    expect(await statesOf(mongo.db)).toEqual({ completed: 4, processing: 1 });
  });

  function settleAll(verb: SettleVerb, jobs: readonly Job[]) {
    return settleEach(jobs.map((job) => [verb, job]));
  }

  /** Stores the jobs and settles them; a job that is named twice is stored once. */
  async function settleEach(ends: readonly (readonly [SettleVerb, Job])[]) {
    await put(mongo.db, [...new Set(ends.map(([, job]) => job))].map(withoutWrongToken));
    const settlements = ends.map(([verb, job]) => settlement(verb, job));
    mongo.log.take();
    const { answers } = await mongo.ledger.settle({ settlements, now: at(1) });
    const cost = mongo.log
      .take()
      .map((command) =>
        nameOf(command) === 'update' ? `update of ${command.updates.length}` : nameOf(command),
      );
    return { answers, cost };
  }

  async function change(job: Job, fields: Partial<Job>): Promise<void> {
    await jobsIn(mongo.db).updateOne({ _id: job._id }, { $set: fields });
  }
});

function withoutWrongToken(job: Job): Job {
  return job.claimToken === 'wrong' ? { ...job, claimToken: 'right' } : job;
}
