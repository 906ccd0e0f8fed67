// Dead letters, batches and superseding jobs on a real server.
import type { Db } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { type Job, Monque } from '../../src/index.ts';
import { claimStatement } from '../../src/ledger/mongodb/engine-queries.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { jobsIn } from './jobs.ts';

describeWithMongo('on a real server', () => {
  let db: Db;
  let monque: Monque;

  beforeEach(async () => {
    db = await getTestDb('dead_letters');
    monque = new Monque(db, { collectionName: 'jobs', logger: false });
  });

  afterEach(async () => {
    await monque.stop();
    await cleanupTestDb(db);
  });

  afterAll(closeMongoDb);

  test('a dead letter is redriven and runs again, and stands once all the time', async () => {
    let isFixed = false;
    monque.worker('mail', () => (isFixed ? 'sent' : Promise.reject(new Error('no host'))), {
      ...{ maxRetries: 1, deadLetter: 'mail.dead' },
    });
    await monque.start();
    const job = await monque.enqueue('mail', 1, { uniqueKey: 'k' });
    await expect(monque.waitFor(job)).rejects.toMatchObject({ reason: 'failed' });
    expect(await monque.getJobs({ deadLettersOf: 'mail' })).toMatchObject([
      { _id: job._id, name: 'mail.dead', source: { name: 'mail', reason: 'no host' } },
    ]);
    isFixed = true;
    expect(await monque.redriveDeadLetters({ name: 'mail.dead' })).toMatchObject({ changed: 1 });
    expect(await monque.waitFor(job)).toBe('sent');
    expect(await db.collection('jobs').countDocuments({ name: /mail/ })).toBe(1);
  });

  test('a claim takes no job that has got another name since it was found', async () => {
    const job = await monque.enqueue('mail');
    const now = new Date(Date.now() + 1_000);
    const claim = { claimToken: 't', instanceId: 'i', now, suspects: false };
    const { q, u } = claimStatement([job._id], {
      ...claim,
      demand: [{ name: 'mail.dead', limit: 1 }],
    });
    expect((await jobsIn(db).updateMany(q, u)).matchedCount).toBe(0);
    const own = claimStatement([job._id], { ...claim, demand: [{ name: 'mail', limit: 1 }] });
    expect((await jobsIn(db).updateMany(own.q, own.u)).matchedCount).toBe(1);
  });

  test('the jobs of a batch have outcomes of their own, and one transaction may complete them', async () => {
    const sizes: number[] = [];
    monque.worker<number>(
      'index',
      {
        batch: async (jobs, context) => {
          sizes.push(jobs.length);
          await db.client.withSession((session) =>
            session.withTransaction(async () => {
              for (const job of jobs) {
                if (job.data === 3) continue;
                await context.of(job).complete({ session, result: job.data });
              }
            }),
          );
          for (const job of jobs) if (job.data === 3) context.fail(job, new Error('bad'));
        },
        wait: 500,
      },
      { maxRetries: 1 },
    );
    await monque.start();
    const results = await monque.enqueueMany([1, 2, 3, 4].map((data) => ({ name: 'index', data })));
    const jobs = results.map((result) => (result as { readonly job: Job }).job);
    const ends = await Promise.allSettled(jobs.map((job) => monque.waitFor(job)));
    expect(ends.map((end) => (end.status === 'fulfilled' ? end.value : end.status))).toEqual([
      ...[1, 2, 'rejected', 4],
    ]);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(4);
  });

  test('a job that supersedes starts when the one that ran was cancelled', async () => {
    monque.worker<number>(
      'render',
      ({ data }, { signal }) =>
        data === 2
          ? 'newest'
          : new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => reject(signal.reason));
            }),
      { order: {} },
    );
    await monque.start();
    const first = await monque.enqueue('render', 1, { supersede: { key: 'k' } });
    await until('the first to run', async () => {
      return (await monque.getJob(first._id))?.status === 'processing';
    });
    const second = await monque.enqueue('render', 2, { supersede: { key: 'k' } });
    expect(await monque.waitFor(second)).toBe('newest');
    expect((await monque.getJob(first._id))?.status).toBe('cancelled');
  });
});
