/**
 * Rescue: what becomes of the jobs of a dead instance.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { SUSPECT_RESCUE_COUNT } from '../../ledger/ledger-repository.ts';
import { rescueFailReason } from '../../ledger/settle-answers.ts';
import {
  assertSameJob,
  type ContractTests,
  INSTANCE,
  OTHER_INSTANCE,
  type Subject,
} from './subject.ts';

const NOTHING = { pending: 0, failed: 0, cancelled: 0 } as const;

export const rescueTests: ContractTests = {
  'the jobs of a live lease are not rescued': async (subject) => {
    await subject.openLease();
    const job = await subject.putClaimed();
    assert.deepEqual(await subject.rescue(), { ...NOTHING, more: false, refused: true });
    assertSameJob(await subject.read(job), job);
  },

  'the jobs of a dead lease and of a missing one are rescued': async (subject) => {
    await subject.openLease();
    const first = await subject.putClaimed();
    await subject.putClaimed();
    const { counter } = await subject.leaseOf();
    await subject.ledger.declareDead({ instanceId: INSTANCE, counter });
    assert.equal((await subject.rescue()).pending, 2);
    assert.equal(await subject.statusOf(first), 'pending');
    await subject.claim({ instanceId: OTHER_INSTANCE });
    assert.equal((await subject.rescue({ deadInstanceId: OTHER_INSTANCE })).pending, 2);
  },

  'a rescue leaves the claims of other instances alone': async (subject) => {
    await subject.putClaimed();
    const other = await subject.putClaimed({}, { instanceId: OTHER_INSTANCE });
    assert.equal((await subject.rescue()).pending, 1);
    assertSameJob(await subject.read(other), other);
  },

  'a rescued job is due at once, with its rescue counted and its failures not': async (subject) => {
    const job = await subject.putClaimed({ failCount: 0 });
    await subject.rescue();
    const stored = await subject.read(job);
    assert.equal(stored.rescueCount, 1);
    assert.equal(stored.failCount, 0);
    assert.equal((await subject.claimOnly()).fence, 2);
  },

  'a job that is rescued again is a suspect': async (subject) => {
    await subject.put({});
    for (let rescue = 1; rescue <= SUSPECT_RESCUE_COUNT; rescue += 1) {
      await subject.claimOnly();
      await subject.rescue();
    }
    assert.deepEqual((await subject.claim()).jobs, []);
    assert.equal((await subject.claimOnly({ suspects: true })).rescueCount, SUSPECT_RESCUE_COUNT);
  },

  'the rescue that reaches the limit ends the job as failed': async (subject) => {
    const rescueLimit = 3;
    const job = await subject.putOne();
    const seen: string[] = [];
    for (let rescue = 1; rescue <= rescueLimit; rescue += 1) {
      await subject.claimOnly({ suspects: rescue > SUSPECT_RESCUE_COUNT });
      const { pending, failed } = await subject.rescue({ rescueLimit });
      seen.push(`pending ${pending}, failed ${failed}`);
    }
    assert.deepEqual(seen, ['pending 1, failed 0', 'pending 1, failed 0', 'pending 0, failed 1']);
    const stored = await subject.read(job);
    assert.equal(stored.status, 'failed');
    assert.equal(stored.rescueCount, rescueLimit);
    assert.equal(stored.failReason, rescueFailReason(rescueLimit));
  },

  'a job whose cancellation was asked for is cancelled by its rescue': async (subject) => {
    const job = await subject.putClaimed();
    await subject.cancel(job);
    assert.deepEqual(await subject.rescue({ rescueLimit: 1 }), {
      ...NOTHING,
      cancelled: 1,
      more: false,
      refused: false,
    });
    assert.equal(await subject.statusOf(job), 'cancelled');
  },

  'a rescue counts what went where': async (subject) => {
    await claimMixed(subject);
    const result = await subject.rescue({ rescueLimit: 2 });
    assert.deepEqual(result, { pending: 2, failed: 1, cancelled: 1, more: false, refused: false });
  },

  'a rescue looks at no more claims than its limit and says that there are more': async (
    subject,
  ) => {
    await subject.put(...Array.from({ length: 5 }, () => ({})));
    await subject.claim();
    const first = await subject.rescue({ limit: 3 });
    assert.deepEqual([first.pending, first.more], [3, true]);
    const second = await subject.rescue({ limit: 3 });
    assert.deepEqual([second.pending, second.more], [2, false]);
  },

  'two concurrent rescues count each job once': async (subject) => {
    await subject.put(...Array.from({ length: 20 }, () => ({})));
    await subject.claim({ limit: 20 });
    const results = await Promise.all([subject.rescue(), subject.rescue()]);
    assert.equal(
      results.reduce((sum, { pending }) => sum + pending, 0),
      20,
    );
    const { jobs } = await subject.claim({ limit: 20 });
    assert.deepEqual(new Set(jobs.map((job) => job.rescueCount)), new Set([1]));
  },

  'a rescue of an instance without claims does nothing': async (subject) => {
    assert.deepEqual(await subject.rescue(), { ...NOTHING, more: false, refused: false });
  },
};

/** Two fresh claims, one at its limit, one to be cancelled; each under a token of its own. */
async function claimMixed(subject: Subject): Promise<void> {
  await subject.putClaimed({ name: 'fresh' }, { name: 'fresh' });
  await subject.putClaimed({ name: 'fresh' }, { name: 'fresh' });
  await subject.putClaimed({ name: 'worn', rescueCount: 1 }, { name: 'worn' });
  await subject.cancel(await subject.putClaimed({ name: 'asked' }, { name: 'asked' }));
}
