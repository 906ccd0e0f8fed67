import { type Job, Monque } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { ExitCode } from '../src/context/exit-codes.ts';
import { runner } from './setup/io.ts';

const NO_ID = '665f1f77bcf86cd799439011';

describeWithMongo('why', () => {
  let db: Db;
  let monque: Monque;
  let monqueCli: ReturnType<typeof runner>;

  beforeEach(async () => {
    db = await getTestDb('cli_why');
    monque = new Monque(db, { logger: false });
    monqueCli = runner(uriOf(db.databaseName));
    return async () => {
      await monque.stop();
      await cleanupTestDb(db);
    };
  });

  afterAll(closeMongoDb);

  /** Jobs that failed with these messages. */
  async function failed(...messages: string[]): Promise<Job[]> {
    const jobs: Job[] = [];
    for (const message of messages) jobs.push(await monque.enqueue('email', { message }));
    monque.worker<{ message: string }>(
      'email',
      ({ data }) => {
        throw new Error(data.message);
      },
      { maxRetries: 1 },
    );
    await monque.start();
    await Promise.allSettled(jobs.map((job) => monque.waitFor(job)));
    await monque.stop();
    return jobs;
  }

  test('says in words why a job runs or does not, with an exit code by the kind', async () => {
    const { _id } = await monque.enqueue('email', {}, { delay: 600_000 });
    const alone = await monqueCli('why', String(_id));
    expect(alone.code).toBe(ExitCode.STUCK);
    expect(alone.out).toMatch(
      /^pending {2}It was enqueued for a later time.*\n {2}also: No instance/,
    );
    const [broken] = await failed('boom');
    const bad = await monqueCli('why', String(broken?._id), '--json');
    expect(bad).toMatchObject({ code: ExitCode.ENDED_BADLY });
    expect(bad.records).toMatchObject([{ state: 'failed', reason: 'failed', others: [] }]);
    expect((await monqueCli('why', NO_ID)).code).toBe(ExitCode.MISSING);
    const other = new Monque(db, { logger: false });
    other.worker('email', () => undefined);
    await other.start();
    expect((await monqueCli('why', String(_id))).code).toBe(ExitCode.WAITS);
    await other.stop();
  });

  test('tells a claim that nobody gives back from one that somebody does', async () => {
    const claimed = { status: 'processing', claimedBy: 'gone', claimToken: 'x', fence: 1 };
    const { _id } = await monque.enqueue('email');
    await db.collection('monque_jobs').updateOne({ _id }, { $set: claimed });
    expect((await monqueCli('why', String(_id))).code).toBe(ExitCode.STUCK);
    // An instance that is alive and gives jobs back, and does not come to it within this test.
    const info = { host: 'here', pid: 1, version: '0.0.0', startedAt: new Date() };
    const counts = { unnamedWorkers: 0, runningJobs: 0, bufferedJobs: 0 };
    const says = {
      ...info,
      ...counts,
      workers: [],
      reportedAt: new Date(),
      recoverStaleJobs: true,
    };
    const lease = {
      _id: 'other',
      counter: 1,
      status: 'live',
      leaseDurationMs: 600_000,
      info: says,
    };
    await db.collection('monque_jobs.instances').insertOne(lease as never);
    expect((await monqueCli('why', String(_id))).code).toBe(ExitCode.WAITS);
    await db.collection('monque_jobs.instances').deleteMany({});
    const unset = { $unset: { claimedBy: '', claimToken: '' } };
    await db.collection('monque_jobs').updateOne({ _id }, unset);
    const locked = await monqueCli('why', String(_id));
    expect([locked.code, locked.out]).toEqual([ExitCode.STUCK, expect.stringContaining('tool')]);
    const archive = db.collection('monque_jobs.archive');
    const document = await db.collection('monque_jobs').findOneAndDelete({ _id });
    await archive.insertOne({ ...document, _id, status: 'failed' });
    const archived = await monqueCli('why', String(_id));
    expect(archived).toMatchObject({ code: ExitCode.ENDED_BADLY });
    expect(archived.out).toContain('moved to the archive');
  });
});
