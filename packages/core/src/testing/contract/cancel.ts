/**
 * Cancel: at once while the job waits, by request while it runs.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { assertSameJob, type ContractTests, present } from './subject.ts';

export const cancelTests: ContractTests = {
  'a pending job is cancelled at once and never claimed': async (subject) => {
    const job = await subject.putOne();
    const { outcome, job: shown } = await subject.cancel(job);
    assert.equal(outcome, 'cancelled');
    assert.equal(present(shown).status, 'cancelled');
    assertSameJob(present(shown), await subject.read(job));
    assert.deepEqual((await subject.claim()).jobs, []);
  },

  'the cancellation of a processing job is asked for': async (subject) => {
    const job = await subject.putClaimed();
    const { outcome, job: shown } = await subject.cancel(job);
    assert.equal(outcome, 'requested');
    assert.deepEqual(present(shown).cancelRequestedAt, subject.at(500));
    assert.equal(present(shown).claimToken, job.claimToken);
  },

  'a cancelled job keeps the reason in its history': async (subject) => {
    const { _id: jobId } = await subject.putOne();
    const now = subject.at(500);
    const { job } = await subject.ledger.cancel({ jobId, now, reason: 'No longer wanted' });
    const entry = { verb: 'cancel', at: now, reason: 'No longer wanted' };
    assert.deepEqual(present(job).history, [entry]);
  },

  'a second request changes nothing and is answered alike': async (subject) => {
    const job = await subject.putClaimed();
    await subject.cancel(job);
    const before = await subject.read(job);
    const { outcome, job: shown } = await subject.ledger.cancel({
      jobId: job._id,
      now: subject.at(900),
    });
    assert.equal(outcome, 'requested');
    assertSameJob(present(shown), before);
    assertSameJob(await subject.read(job), before);
  },

  'a finished job refuses to be cancelled and is shown': async (subject) => {
    const job = await subject.putClaimed();
    await subject.settle('complete', job);
    const { outcome, job: shown } = await subject.cancel(job);
    assert.equal(outcome, 'refused');
    assert.equal(present(shown).status, 'completed');
  },

  'a job that is not there is missing': async (subject) => {
    assert.deepEqual(await subject.cancel(subject.newJob()), { outcome: 'missing', job: null });
  },
};
