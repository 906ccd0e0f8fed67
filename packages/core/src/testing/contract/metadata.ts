/**
 * Metadata: what users note beside the data of a job, changed in any state, and found by.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Job } from '../../job/job.ts';
import type { MetadataChanges, MetadataFilter } from '../../job/metadata.ts';
import type { SetMetadataResult } from '../../ledger/ledger-repository.ts';
import { assertSameJob, type ContractTests, idsOf, present, type Subject } from './subject.ts';

export const metadataTests: ContractTests = {
  'keys are set and removed one by one, the others stay': async (subject) => {
    const job = await subject.putOne({ metadata: { tenant: 'a', attempt: 1 } });
    const first = await change(subject, job, { attempt: 2, tags: ['x'] });
    assert.equal(first.outcome, 'written');
    const second = await change(subject, job, { tenant: null, missing: null });
    assert.deepEqual(present(second.job).metadata, { attempt: 2, tags: ['x'] });
    assertSameJob(await subject.read(job), present(second.job));
    assert.deepEqual(present(second.job).updatedAt, subject.at(700));
  },

  'a job without metadata gets some, and loses it with its last key': async (subject) => {
    const job = await subject.putOne();
    assert.equal((await subject.read(job)).metadata, undefined);
    await change(subject, job, { tenant: 'a' });
    assert.deepEqual((await subject.read(job)).metadata, { tenant: 'a' });
    await change(subject, job, { tenant: null });
    assert.equal('metadata' in (await subject.read(job)), false);
  },

  'metadata is changed in every state, and no state by it': async (subject) => {
    const jobs = [
      await subject.putOne({ name: 'waits' }),
      await subject.putClaimed({ name: 'runs' }, { name: 'runs' }),
    ];
    const done = await subject.putClaimed();
    await subject.settle('complete', done);
    const failed = await subject.putClaimed();
    await subject.settle('discard', failed);
    const cancelled = await subject.putOne();
    await subject.cancel(cancelled);
    for (const job of [...jobs, done, failed, cancelled]) {
      const before = await subject.read(job);
      const { outcome } = await change(subject, job, { seen: true });
      assert.equal(outcome, 'written');
      const expected = { ...before, metadata: { seen: true }, updatedAt: subject.at(700) };
      assertSameJob(await subject.read(job), expected);
    }
  },

  'under a claim metadata is changed only while that claim stands': async (subject) => {
    const job = await subject.putClaimed();
    const claimToken = String(job.claimToken);
    assert.equal((await change(subject, job, { a: 1 }, claimToken)).outcome, 'written');
    await subject.settle('retry', job);
    const late = await change(subject, job, { a: 2 }, claimToken);
    assert.equal(late.outcome, 'refused');
    assert.deepEqual((await subject.read(job)).metadata, { a: 1 });
    assertSameJob(present(late.job), await subject.read(job));
  },

  'metadata that would be too large is refused, and changes nothing': async (subject) => {
    const job = await subject.putOne({ metadata: { text: 'x'.repeat(3000) } });
    const before = await subject.read(job);
    const { outcome, job: shown } = await change(subject, job, { more: 'x'.repeat(1100) });
    assert.equal(outcome, 'full');
    assertSameJob(present(shown), before);
    assertSameJob(await subject.read(job), before);
  },

  'of many changes at once none is lost': async (subject) => {
    const job = await subject.putOne();
    const keys = Array.from({ length: 8 }, (_, index) => `key${index}`);
    await Promise.all(keys.map((key) => change(subject, job, { [key]: true })));
    assert.deepEqual(Object.keys(present((await subject.read(job)).metadata)).sort(), keys);
  },

  'the metadata of a job that does not exist is missing': async (subject) => {
    const result = await change(subject, subject.newJob(), { a: 1 });
    assert.deepEqual(result, { outcome: 'missing', job: null });
  },

  'metadata comes with an amend, which sets all of it': async (subject) => {
    const job = await subject.putOne({ metadata: { a: 1, b: 2 } });
    const amend = { jobId: job._id, now: subject.at(1) };
    await subject.ledger.amend({ ...amend, changes: { priority: 3 } });
    assert.deepEqual((await subject.read(job)).metadata, { a: 1, b: 2 });
    await subject.ledger.amend({ ...amend, changes: { metadata: { c: 3 } } });
    assert.deepEqual((await subject.read(job)).metadata, { c: 3 });
  },

  'jobs are found by values of their metadata, each of its own type': async (subject) => {
    const since = subject.at(5);
    const jobs = await subject.put(
      { metadata: { tenant: 'a', count: 1, active: true, since } },
      { metadata: { tenant: 'a', count: 2, active: false } },
      { metadata: { tenant: ['b', 'c'], count: '1' } },
      { metadata: { nested: { tenant: 'a' } } },
      {},
    );
    const [first, second, third] = jobs;
    const cases: readonly [MetadataFilter, readonly Job[]][] = [
      [{ tenant: 'a' }, [first, second]],
      [{ tenant: 'a', count: 2 }, [second]],
      [{ count: 1 }, [first]],
      [{ count: '1' }, [third]],
      [{ active: false }, [second]],
      [{ since: new Date(since) }, [first]],
      [{ since: subject.at(6) }, []],
      [{ tenant: 'c' }, [third]],
      [{ tenant: 'd' }, []],
      [{ nested: 'a' }, []],
      [{ toString: 'a' }, []],
      [{}, jobs],
    ];
    for (const [filter, expected] of cases) {
      assert.deepEqual([...(await found(subject, filter))].sort(), [...idsOf(expected)].sort());
    }
  },
};

function change(
  subject: Subject,
  { _id: jobId }: Job,
  changes: MetadataChanges,
  claimToken?: string,
): Promise<SetMetadataResult> {
  const claim = claimToken === undefined ? {} : { claimToken };
  return subject.ledger.setMetadata({ jobId, changes, ...claim, now: subject.at(700) });
}

async function found({ ledger }: Subject, metadata: MetadataFilter): Promise<readonly string[]> {
  const order = { orderBy: '_id', direction: 'ascending', limit: 100 } as const;
  return idsOf(await ledger.findJobs({ filter: { metadata }, ...order }));
}
