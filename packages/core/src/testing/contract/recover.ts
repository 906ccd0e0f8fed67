/**
 * Recover: jobs that another tool claimed, which keeps no lease, and left processing.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Job } from '../../job/job.ts';
import type { RecoverParams, RecoverResult } from '../../ledger/ledger-repository.ts';
import {
  assertSameJob,
  type ContractTests,
  idsOf,
  onForeignJobs,
  present,
  type Subject,
} from './subject.ts';

export const recoverTests: ContractTests = {
  'a job that another tool left processing is due again': onForeignJobs(async (subject) => {
    const job = await putLeft(subject);
    assert.deepEqual(await recover(subject), { pending: 1, cancelled: 0 });
    const stored = await subject.read(job);
    assert.deepEqual(
      [stored.status, stored.lockedAt, stored.rescueCount],
      ['pending', undefined, 1],
    );
    const { verb, at } = present(stored.history?.at(-1));
    assert.deepEqual({ verb, at }, { verb: 'recover', at: subject.at(2000) });
    assert.deepEqual(idsOf((await subject.claim()).jobs), idsOf([job]));
  }),

  'a job that was to be cancelled is cancelled': onForeignJobs(async (subject) => {
    const job = await putLeft(subject, { cancelRequestedAt: subject.at(1), uniqueLock: 'lock' });
    assert.deepEqual(await recover(subject), { pending: 0, cancelled: 1 });
    assert.equal(await subject.statusOf(job), 'cancelled');
    await subject.put({ uniqueLock: 'lock' });
  }),

  'a job that was locked later is left alone': onForeignJobs(async (subject) => {
    const left = await putLeft(subject, { lockedAt: subject.at(1000) });
    const later = await putLeft(subject, { lockedAt: subject.at(1001) });
    assert.deepEqual(await recover(subject), { pending: 1, cancelled: 0 });
    assert.equal(await subject.statusOf(left), 'pending');
    assertSameJob(await subject.read(later), later);
  }),

  'a job that an instance claimed is left to its lease, however long ago': async (subject) => {
    const job = await subject.putClaimed();
    assert.deepEqual(await recover(subject), { pending: 0, cancelled: 0 });
    assertSameJob(await subject.read(job), job);
  },

  'a call recovers no more jobs than its limit': onForeignJobs(async (subject) => {
    for (let count = 0; count < 5; count += 1) await putLeft(subject);
    assert.deepEqual(await recover(subject, { limit: 3 }), { pending: 3, cancelled: 0 });
    assert.deepEqual(await recover(subject, { limit: 3 }), { pending: 2, cancelled: 0 });
    assert.deepEqual(await recover(subject, { limit: 3 }), { pending: 0, cancelled: 0 });
  }),

  'two concurrent calls count each job once': onForeignJobs(async (subject) => {
    for (let count = 0; count < 10; count += 1) await putLeft(subject);
    const results = await Promise.all([recover(subject), recover(subject)]);
    assert.equal(
      results.reduce((sum, { pending }) => sum + pending, 0),
      10,
    );
    const { jobs } = await subject.claim();
    assert.deepEqual(new Set(jobs.map(({ rescueCount }) => rescueCount)), new Set([1]));
  }),
};

/** Recovers at time 2000 what was locked at time 1000 or before. */
function recover(subject: Subject, choice: Partial<RecoverParams> = {}): Promise<RecoverResult> {
  const [staleBefore, now] = [subject.at(1000), subject.at(2000)];
  return subject.ledger.recover({ staleBefore, now, limit: 100, ...choice });
}

async function putLeft(subject: Subject, fields: Partial<Job> = {}): Promise<Job> {
  const job = subject.newJob({ lockedAt: subject.at(0), ...fields });
  await subject.putForeign({ ...job, status: 'processing' });
  return subject.read(job);
}
