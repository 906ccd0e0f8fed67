/**
 * Dead letters: a job that failed for good waits under another name, and gets its own back when it is redriven.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { systemRandom } from '../../foundation/random.ts';
import type { Job } from '../../job/job.ts';
import { orderFields } from '../../job/lanes.ts';
import type { RedriveResult } from '../../ledger/ledger-repository.ts';
import { putClaimedSeries } from './series-jobs.ts';
import {
  assertSameJob,
  type ContractTests,
  idsOf,
  JOB_NAME,
  only,
  present,
  type Subject,
} from './subject.ts';

const DEAD = 'dead-letters';
const LOCKED = { uniqueKey: 'key', uniqueLock: 'key:key' } as const;
const WORKERS = [{ name: JOB_NAME, concurrency: 1, running: 1, deadLetter: DEAD }];

export const deadLetterTests: ContractTests = {
  'a job that is buried waits under another name, due at once and with no failure counted': async (
    subject,
  ) => {
    const claimed = await subject.putClaimed();
    assert.equal(await bury(subject, claimed), 'settled');
    const stored = await subject.read(claimed);
    assert.deepEqual(
      [stored.name, stored.status, stored.failCount, stored.failReason],
      [DEAD, 'pending', 0, 'Boom'],
    );
    assert.deepEqual(stored.source, {
      ...{ name: JOB_NAME, failedAt: subject.at(1000), failCount: 0, reason: 'Boom' },
    });
    assert.deepEqual(await claimedAt(subject, JOB_NAME), []);
    assert.deepEqual(await claimedAt(subject, DEAD), idsOf([claimed]));
  },

  'a burial that is sent twice is carried out once': async (subject) => {
    const claimed = await subject.putClaimed();
    assert.equal(await bury(subject, claimed), 'settled');
    assert.equal(await bury(subject, claimed), 'settled');
    assert.equal((await subject.read(claimed)).history?.length, undefined);
  },

  'a burial frees the unique key under the name that the job leaves': async (subject) => {
    const claimed = await subject.putClaimed(LOCKED);
    await bury(subject, claimed);
    await subject.put(LOCKED);
    assert.equal((await subject.read(claimed)).uniqueLock, undefined);
  },

  'a job whose cancellation was asked for is not buried': async (subject) => {
    const claimed = await subject.putClaimed();
    await subject.cancel(claimed);
    assert.equal(await bury(subject, claimed), 'cancelRequested');
    assert.equal((await subject.read(claimed)).name, JOB_NAME);
  },

  'a job that stands in an order is not buried': async (subject) => {
    await subject.put({ ...orderFields('a') });
    const { jobs } = await subject.ledger.claimOrders({
      demand: [{ name: JOB_NAME, limit: 1, halts: false }],
      ...{ now: subject.at(0), instanceId: 'instance-a', suspects: false },
      claimToken: systemRandom.token(),
    });
    assert.equal(await bury(subject, only(jobs)), 'refused');
  },

  'the run of a series is not buried': async (subject) => {
    const claimed = await putClaimedSeries(subject);
    const { seriesVersion: _, ...job } = claimed;
    assert.equal(await bury(subject, job), 'replanned');
  },

  'a job that its instance died of too often is buried where the instance had said so': async (
    subject,
  ) => {
    const claimed = await subject.putClaimed();
    await subject.die(WORKERS);
    const { pending, failed } = await subject.rescue({ rescueLimit: 1 });
    assert.deepEqual([pending, failed], [1, 0]);
    const stored = await subject.read(claimed);
    assert.equal(stored.name, DEAD);
    assert.equal(stored.rescueCount, undefined);
    assert.equal(stored.source?.reason, stored.failReason);
    assert.equal(stored.history?.at(-1)?.verb, 'rescueToDeadLetter');
  },

  'of several jobs that one instance died of each has its own past': async (subject) => {
    await subject.put({ failCount: 0 }, {});
    const [first, second] = (await subject.claim()).jobs as [Job, Job];
    assert.equal(await subject.settle('retry', first, { nextRunAt: subject.at(0) }), 'settled');
    await subject.claimOnly();
    await subject.die(WORKERS);
    await subject.rescue({ rescueLimit: 1 });
    const counts = [await subject.read(first), await subject.read(second)];
    assert.deepEqual(
      counts.map(({ source }) => source?.failCount),
      [1, 0],
    );
  },

  'a job that its instance died of too often fails where the instance had said nothing': async (
    subject,
  ) => {
    const claimed = await subject.putClaimed();
    await subject.die([{ name: JOB_NAME, concurrency: 1, running: 1 }]);
    await subject.rescue({ rescueLimit: 1 });
    assert.equal(await subject.statusOf(claimed), 'failed');
  },

  'a dead letter that is redriven has its name and its key again, and no past but its history':
    async (subject) => {
      const claimed = await subject.putClaimed(LOCKED);
      await bury(subject, claimed);
      const { outcome, job: shown } = await redrive(subject, claimed);
      assert.equal(outcome, 'redriven');
      const stored = await subject.read(claimed);
      assertSameJob(present(shown), stored);
      assert.deepEqual(
        [stored.name, stored.source, stored.failReason, stored.uniqueLock, stored.fence],
        [JOB_NAME, undefined, undefined, LOCKED.uniqueLock, claimed.fence + 1],
      );
      const { verb, by, reason } = present(stored.history?.at(-1));
      assert.deepEqual(
        { verb, by, reason },
        { verb: 'redriveDeadLetter', by: 'anna', reason: 'fixed' },
      );
      assert.deepEqual(await claimedAt(subject, DEAD), []);
      assert.deepEqual(await claimedAt(subject, JOB_NAME), idsOf([claimed]));
    },

  'a dead letter that failed again, or was cancelled, is redriven all the same': async (
    subject,
  ) => {
    for (const end of ['fail', 'cancelByHandler'] as const) {
      const claimed = await subject.putClaimed({}, { name: JOB_NAME });
      await bury(subject, claimed);
      const again = await subject.claimOnly({ name: DEAD, now: subject.at(2000) });
      assert.equal(await subject.settle(end, again), 'settled');
      assert.equal((await redrive(subject, claimed)).outcome, 'redriven');
      assert.equal((await subject.read(claimed)).name, JOB_NAME);
      assert.equal((await subject.ledger.remove({ jobId: claimed._id })).outcome, 'removed');
    }
  },

  'a dead letter that runs, or completed, refuses to be redriven': async (subject) => {
    const claimed = await subject.putClaimed();
    await bury(subject, claimed);
    const again = await subject.claimOnly({ name: DEAD, now: subject.at(2000) });
    assert.equal((await redrive(subject, claimed)).outcome, 'refused');
    assert.equal(await subject.settle('complete', again), 'settled');
    assert.equal((await redrive(subject, claimed)).outcome, 'refused');
  },

  'a dead letter whose key another job took meanwhile stays, and the holder is the answer': async (
    subject,
  ) => {
    const claimed = await subject.putClaimed(LOCKED);
    await bury(subject, claimed);
    const before = await subject.read(claimed);
    const holder = await subject.putOne(LOCKED);
    const result = await redrive(subject, claimed);
    assert.equal(result.outcome, 'taken');
    assertSameJob(present(result.holder), holder);
    assertSameJob(await subject.read(claimed), before);
  },

  'of two redrives of a dead letter at once one finds it': async (subject) => {
    const claimed = await subject.putClaimed();
    await bury(subject, claimed);
    const results = await Promise.all([redrive(subject, claimed), redrive(subject, claimed)]);
    assert.deepEqual(results.map(({ outcome }) => outcome).sort(), ['redriven', 'refused']);
  },

  'dead letters are listed by the name under which they failed, or all of them': async (
    subject,
  ) => {
    const [first, second] = [
      await subject.putClaimed({ name: 'one' }, { name: 'one' }),
      await subject.putClaimed({ name: 'two' }, { name: 'two' }),
    ];
    await bury(subject, first);
    await bury(subject, second);
    const plain = await subject.putOne({ name: DEAD });
    const list = async (deadLettersOf: readonly string[]): Promise<readonly string[]> =>
      idsOf(
        await subject.ledger.findJobs({
          filter: { names: [DEAD], deadLettersOf },
          ...{ orderBy: '_id', direction: 'ascending', limit: 10 },
        }),
      );
    assert.deepEqual(await list(['one']), idsOf([first]));
    assert.deepEqual([...(await list([]))].sort(), [...idsOf([first, second])].sort());
    assert.ok(!(await list([])).includes(plain._id.toHexString()));
  },
};

function bury(subject: Subject, job: Job): ReturnType<Subject['settle']> {
  const { name, failCount } = job;
  const source = { name, failedAt: subject.at(1000), failCount, reason: 'Boom' };
  return subject.settle('bury', job, { deadLetter: DEAD, source, failReason: 'Boom' });
}

/** Redrives a dead letter at time 4000. */
function redrive(subject: Subject, { _id: jobId }: Job): Promise<RedriveResult> {
  const now = subject.at(4000);
  const given = { by: 'anna', reason: 'fixed', isDeadLetter: true };
  return subject.ledger.redrive({ jobId, now, nextRunAt: now, ...given });
}

/** The jobs of a name that a claim at time 5000 finds. */
async function claimedAt(subject: Subject, name: string): Promise<readonly string[]> {
  return idsOf((await subject.claim({ name, now: subject.at(5000) })).jobs);
}
