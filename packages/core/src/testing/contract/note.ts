/**
 * Note: what a handler reports while it runs.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { MOST_LOG_LINES } from '../../job/job.ts';
import { assertSameJob, type ContractTests, OTHER_INSTANCE } from './subject.ts';

export const noteTests: ContractTests = {
  'progress takes the place of the last, and lines are added to the log': async (subject) => {
    const { _id: jobId, claimToken = '' } = await subject.putClaimed();
    const note = { jobId, claimToken };
    const first = { ...note, progress: { done: 1 }, logLines: ['a', 'b'], now: subject.at(1) };
    const second = { ...note, progress: 'half', logLines: ['c'], now: subject.at(2) };
    assert.equal(await subject.ledger.note(first), true);
    assert.equal(await subject.ledger.note(second), true);
    const { progress, logs, updatedAt } = await subject.read({ ...subject.newJob(), _id: jobId });
    assert.deepEqual([progress, logs, updatedAt], ['half', ['a', 'b', 'c'], subject.at(2)]);
  },

  'progress alone leaves the log, and lines alone leave the progress': async (subject) => {
    const job = await subject.putClaimed({ progress: 1, logs: ['a'] });
    const note = { jobId: job._id, claimToken: String(job.claimToken), now: subject.at(1) };
    await subject.ledger.note({ ...note, progress: 2 });
    await subject.ledger.note({ ...note, logLines: ['b'] });
    const { progress, logs } = await subject.read(job);
    assert.deepEqual([progress, logs], [2, ['a', 'b']]);
  },

  'of a long log the newest lines stay': async (subject) => {
    const job = await subject.putClaimed();
    const lines = Array.from({ length: MOST_LOG_LINES + 7 }, (_, line) => `${line}`);
    const note = { jobId: job._id, claimToken: String(job.claimToken), now: subject.at(1) };
    await subject.ledger.note({ ...note, logLines: lines });
    assert.deepEqual((await subject.read(job)).logs, lines.slice(7));
    await subject.ledger.note({ ...note, logLines: ['last'] });
    assert.deepEqual((await subject.read(job)).logs, [...lines.slice(8), 'last']);
  },

  'a note under a claim that does not stand is not written': async (subject) => {
    const late = await subject.putClaimed();
    await subject.rescue();
    const note = { jobId: late._id, progress: 'late', now: subject.at(2000) };
    const claimToken = String(late.claimToken);
    assert.equal(await subject.ledger.note({ ...note, claimToken }), false);
    const next = await subject.claimOnly({ instanceId: OTHER_INSTANCE });
    assert.equal(await subject.ledger.note({ ...note, claimToken }), false);
    assertSameJob(await subject.read(late), next);
    await subject.settle('complete', next);
    const stored = await subject.read(late);
    assert.equal(await subject.ledger.note({ ...note, claimToken }), false);
    assertSameJob(await subject.read(late), stored);
  },

  'a note on a job that is not there is not written': async (subject) => {
    const jobId = subject.newJob()._id;
    const note = { jobId, claimToken: 'token', progress: 1, now: subject.at(0) };
    assert.equal(await subject.ledger.note(note), false);
  },

  'a note is written after a cancellation was asked for': async (subject) => {
    const job = await subject.putClaimed();
    await subject.cancel(job);
    const note = { jobId: job._id, claimToken: String(job.claimToken), now: subject.at(600) };
    assert.equal(await subject.ledger.note({ ...note, progress: 'cleaning up' }), true);
    assert.equal((await subject.read(job)).progress, 'cleaning up');
  },

  'what was noted stays when the run ends, and its end adds the rest': async (subject) => {
    const job = await subject.putClaimed();
    const note = { jobId: job._id, claimToken: String(job.claimToken), now: subject.at(1) };
    await subject.ledger.note({ ...note, progress: 'half', logLines: ['a'] });
    await subject.settle('complete', job, { progress: 'all', logLines: ['b'], result: [1] });
    const { progress, logs, result } = await subject.read(job);
    assert.deepEqual([progress, logs, result], ['all', ['a', 'b'], [1]]);
  },
};
