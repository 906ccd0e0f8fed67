/**
 * Amend: a pending job gets another time, priority or data.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { seriesFields } from './series-jobs.ts';
import { assertSameJob, type ContractTests, idsOf, present } from './subject.ts';

export const amendTests: ContractTests = {
  'an amended job keeps what is not changed': async (subject) => {
    const job = await subject.putOne({ priority: 3, data: { to: 'a' }, maxRetries: 2 });
    const nextRunAt = subject.at(5000);
    const params = { jobId: job._id, changes: { nextRunAt }, now: subject.at(7) };
    const { outcome, job: shown } = await subject.ledger.amend(params);
    assert.equal(outcome, 'amended');
    const { history: _, ...stored } = await subject.read(job);
    assertSameJob(stored, { ...job, nextRunAt, fence: 1, updatedAt: subject.at(7) });
    assertSameJob(present(shown), await subject.read(job));
  },

  'a job is claimed at its new time, no sooner and no later': async (subject) => {
    const [later, sooner] = await subject.put({}, { nextRunAt: subject.at(90_000) });
    const now = subject.at(0);
    await subject.ledger.amend({ jobId: later._id, changes: { nextRunAt: subject.at(50) }, now });
    await subject.ledger.amend({ jobId: sooner._id, changes: { nextRunAt: subject.at(40) }, now });
    assert.deepEqual((await subject.claim({ now: subject.at(39) })).jobs, []);
    assert.deepEqual(idsOf((await subject.claim({ now: subject.at(40) })).jobs), idsOf([sooner]));
    assert.deepEqual((await subject.claim({ now: subject.at(49) })).jobs, []);
    assert.deepEqual(idsOf((await subject.claim({ now: subject.at(50) })).jobs), idsOf([later]));
  },

  'a job is claimed in the order of its new priority': async (subject) => {
    const [first, second] = await subject.put({ priority: 1 }, { priority: 2 });
    const changes = { priority: -100 };
    await subject.ledger.amend({ jobId: second._id, changes, now: subject.at(0) });
    assert.deepEqual(idsOf((await subject.claim()).jobs), idsOf([second, first]));
  },

  'the handler gets the new data': async (subject) => {
    const job = await subject.putOne({ data: { old: true } });
    const changes = { data: { list: [1, { two: 2n ** 40n }], when: subject.at(3) } };
    await subject.ledger.amend({ jobId: job._id, changes, now: subject.at(0) });
    assert.deepEqual((await subject.claimOnly()).data, changes.data);
  },

  'what a caller does to new data afterwards does not reach the stored job': async (subject) => {
    const job = await subject.putOne();
    const data = { list: [1] };
    await subject.ledger.amend({ jobId: job._id, changes: { data }, now: subject.at(0) });
    data.list.push(2);
    assert.deepEqual((await subject.read(job)).data, { list: [1] });
  },

  'a job that is not pending refuses to be amended and is shown': async (subject) => {
    const processing = await subject.putClaimed();
    const completed = await subject.putClaimed();
    await subject.settle('complete', completed);
    for (const job of [processing, completed]) {
      const before = await subject.read(job);
      const params = { jobId: job._id, changes: { priority: 9 }, now: subject.at(9) };
      const { outcome, job: shown } = await subject.ledger.amend(params);
      assert.equal(outcome, 'refused');
      assertSameJob(present(shown), before);
      assertSameJob(await subject.read(job), before);
    }
  },

  'a job that is not there cannot be amended': async (subject) => {
    const jobId = subject.newJob()._id;
    const result = await subject.ledger.amend({ jobId, changes: {}, now: subject.at(0) });
    assert.deepEqual(result, { outcome: 'missing', job: null });
  },

  'the run of a series that is moved stays that run': async (subject) => {
    const job = await subject.putOne(seriesFields(subject));
    const changes = { nextRunAt: subject.at(8000) };
    await subject.ledger.amend({ jobId: job._id, changes, now: subject.at(1) });
    const { scheduledFor, seriesVersion, nextRunAt } = await subject.read(job);
    assert.deepEqual(
      { scheduledFor, seriesVersion, nextRunAt },
      { scheduledFor: job.scheduledFor, seriesVersion: 1, nextRunAt: subject.at(8000) },
    );
  },

  'a suspect that is amended stays one': async (subject) => {
    const job = await subject.putOne({ rescueCount: 2 });
    const changes = { priority: -3 };
    await subject.ledger.amend({ jobId: job._id, changes, now: subject.at(0) });
    assert.deepEqual((await subject.claim()).jobs, []);
    assert.equal((await subject.claimOnly({ suspects: true })).priority, -3);
  },

  'a job that was claimed since it was read is left alone': async (subject) => {
    const job = await subject.putClaimed();
    await subject.settle('snooze', job, { nextRunAt: subject.at(0) });
    const stored = await subject.read(job);
    const amend = { jobId: job._id, changes: { priority: 5 }, now: subject.at(2000) };
    const late = await subject.ledger.amend({ ...amend, fence: 0 });
    assert.equal(late.outcome, 'refused');
    assertSameJob(await subject.read(job), stored);
    const fresh = await subject.ledger.amend({ ...amend, fence: stored.fence });
    assert.equal(fresh.outcome, 'amended');
    assert.equal((await subject.read(job)).priority, 5);
  },
};
