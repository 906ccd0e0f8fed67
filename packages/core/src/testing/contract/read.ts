/**
 * Reads: due times, claims, single jobs, the time; and opening and closing around them.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Job } from '../../job/job.ts';
import { type ContractTests, INSTANCE, idsOf, JOB_NAME, OTHER_INSTANCE } from './subject.ts';

export const readTests: ContractTests = {
  'the next due time lies within the window, after its start and up to its end': async (
    subject,
  ) => {
    await subject.put({ nextRunAt: subject.at(10) }, { nextRunAt: subject.at(20) });
    const nextDue = (after: number, until: number): Promise<Date | null> =>
      subject.ledger.nextDue({
        names: [JOB_NAME],
        after: subject.at(after),
        until: subject.at(until),
      });
    assert.deepEqual(await nextDue(0, 100), subject.at(10));
    assert.deepEqual(await nextDue(9, 10), subject.at(10));
    assert.deepEqual(await nextDue(10, 100), subject.at(20));
    assert.equal(await nextDue(0, 9), null);
    assert.equal(await nextDue(20, 100), null);
    assert.deepEqual(await nextDue(0, 100), subject.at(10));
  },

  'the next due time is found at every priority, and for suspects': async (subject) => {
    await subject.put(
      { priority: -1, nextRunAt: subject.at(1_000_000) },
      { priority: 100, nextRunAt: subject.at(50), rescueCount: 2 },
    );
    const names = [JOB_NAME];
    const due = await subject.ledger.nextDue({
      names,
      after: subject.at(0),
      until: subject.at(100),
    });
    assert.deepEqual(due, subject.at(50));
  },

  'the next due time is that of pending jobs of the names that were asked for': async (subject) => {
    const [gone] = await subject.put(
      { name: 'a', nextRunAt: subject.at(5) },
      { name: 'a', nextRunAt: subject.at(7) },
      { name: 'b', nextRunAt: subject.at(6) },
      { name: 'c', nextRunAt: subject.at(1) },
    );
    await subject.cancel(gone);
    const window = { after: subject.at(0), until: subject.at(100) };
    const due = async (...names: string[]): Promise<Date | null> =>
      subject.ledger.nextDue({ names, ...window });
    assert.deepEqual(await due('a'), subject.at(7));
    assert.deepEqual(await due('a', 'b'), subject.at(6));
    assert.equal(await due('d'), null);
    assert.equal(await due(), null);
  },

  'the claims of an instance are read up to a limit': async (subject) => {
    await subject.put({}, {}, {});
    const { jobs } = await subject.claim({ claimToken: 'token' });
    await subject.putClaimed({}, { instanceId: OTHER_INSTANCE });
    await subject.cancel(jobs[0] as Job);
    const claims = await subject.ledger.readClaims({ instanceId: INSTANCE, limit: 10 });
    assert.deepEqual(
      claims.map(({ jobId }) => jobId.toHexString()).sort(),
      [...idsOf(jobs)].sort(),
    );
    for (const { jobId, claimToken, fence, cancelRequestedAt } of claims) {
      const isAsked = idsOf(jobs)[0] === jobId.toHexString();
      assert.deepEqual([claimToken, fence], ['token', 1]);
      assert.deepEqual(cancelRequestedAt, isAsked ? subject.at(500) : undefined);
    }
    const limited = await subject.ledger.readClaims({ instanceId: INSTANCE, limit: 2 });
    assert.equal(limited.length, 2);
  },

  'a claim that ended is no longer read': async (subject) => {
    await subject.settle('complete', await subject.putClaimed());
    assert.deepEqual(await subject.ledger.readClaims({ instanceId: INSTANCE, limit: 10 }), []);
    assert.deepEqual(await subject.ledger.findClaimants({ except: [] }), []);
  },

  'instances with claims are found, but those that are known': async (subject) => {
    for (const instanceId of ['a', 'b', 'c']) await subject.putClaimed({}, { instanceId });
    await subject.put({});
    await subject.claim({ instanceId: 'a' });
    const find = async (...except: string[]): Promise<string[]> =>
      [...(await subject.ledger.findClaimants({ except }))].sort();
    assert.deepEqual(await find(), ['a', 'b', 'c']);
    assert.deepEqual(await find('b', 'unknown'), ['a', 'c']);
    assert.deepEqual(await find('a', 'b', 'c'), []);
  },

  'a job that is not there reads as null': async (subject) => {
    assert.equal(await subject.ledger.getJob({ jobId: subject.newJob()._id }), null);
  },

  'the time of the ledger is a time': async (subject) => {
    const time = await subject.ledger.readTime();
    assert.ok(time instanceof Date);
    assert.ok(Number.isFinite(time.getTime()));
  },

  'opening and closing may be repeated, and a verb opens the ledger again': async (subject) => {
    const { ledger } = subject;
    await Promise.all([ledger.open(), ledger.open()]);
    await ledger.open();
    const job = await subject.putOne();
    await Promise.all([ledger.close(), ledger.close()]);
    await ledger.close();
    assert.equal(await subject.statusOf(job), 'pending');
    await ledger.close();
  },
};
