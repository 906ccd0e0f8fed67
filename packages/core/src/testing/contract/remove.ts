/**
 * Remove: any job but one that is processing.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { assertSameJob, type ContractTests, present } from './subject.ts';

export const removeTests: ContractTests = {
  'a removed job is shown once more and is gone': async (subject) => {
    const job = await subject.putOne({ data: { a: 1 } });
    const { outcome, job: shown } = await subject.ledger.remove({ jobId: job._id });
    assert.equal(outcome, 'removed');
    assertSameJob(present(shown), job);
    assert.equal(await subject.ledger.getJob({ jobId: job._id }), null);
    assert.deepEqual((await subject.claim()).jobs, []);
  },

  'a processing job refuses to be removed and is shown': async (subject) => {
    const job = await subject.putClaimed();
    const { outcome, job: shown } = await subject.ledger.remove({ jobId: job._id });
    assert.equal(outcome, 'refused');
    assertSameJob(present(shown), job);
    assert.equal(await subject.settle('complete', job), 'settled');
  },

  'a job that is not there, or was removed before, is missing': async (subject) => {
    const job = await subject.putOne();
    await subject.ledger.remove({ jobId: job._id });
    const again = await subject.ledger.remove({ jobId: job._id });
    assert.deepEqual(again, { outcome: 'missing', job: null });
  },
};
