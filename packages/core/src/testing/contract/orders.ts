/**
 * Orders: of the jobs of one key the first goes first, and the next when it is finished.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { systemRandom } from '../../foundation/random.ts';
import type { Job } from '../../job/job.ts';
import { groupFields, laneOf, orderFields } from '../../job/lanes.ts';
import { startLock } from '../../job/unique-locks.ts';
import type { ClaimOrdersParams, ClaimResult } from '../../ledger/ledger-repository.ts';
import {
  assertSameJob,
  type ContractTests,
  INSTANCE,
  idsOf,
  JOB_NAME,
  only,
  type Subject,
} from './subject.ts';

export const orderTests: ContractTests = {
  'of each order one job is claimed, the one that was stored first': async (subject) => {
    const [a1, b1] = await putAll(subject, 'a', 'b', 'a', 'b', 'a');
    const { jobs, drained } = await claim(subject);
    assert.deepEqual([...idsOf(jobs)].sort(), [...idsOf([a1, b1] as Job[])].sort());
    assert.deepEqual(drained, [JOB_NAME]);
    assert.deepEqual((await claim(subject)).jobs, []);
  },

  'a claim that is not for orders takes no job with one': async (subject) => {
    await putAll(subject, 'a');
    const plain = await subject.putOne();
    assert.deepEqual(idsOf((await subject.claim()).jobs), idsOf([plain]));
    assert.deepEqual((await subject.claim({ suspects: true })).jobs, []);
  },

  'a claim for orders takes no job without one': async (subject) => {
    await subject.putOne();
    await subject.putOne(groupFields('a', 0));
    assert.deepEqual((await claim(subject)).jobs, []);
  },

  'the next starts when the one before it is finished, in whatever way': async (subject) => {
    const jobs = await putAll(subject, 'a', 'a', 'a', 'a');
    const ends = ['complete', 'fail', 'cancelByHandler'] as const;
    for (const [index, end] of ends.entries()) {
      const claimed = only((await claim(subject)).jobs);
      assert.deepEqual(idsOf([claimed]), idsOf([jobs[index] as Job]));
      assert.equal(await subject.settle(end, claimed), 'settled');
    }
    assert.deepEqual(idsOf((await claim(subject)).jobs), idsOf(jobs.slice(3)));
  },

  'a job keeps its place through a retry, and through a release': async (subject) => {
    const [first] = await putAll(subject, 'a', 'a');
    const claimed = only((await claim(subject)).jobs);
    assert.equal(await subject.settle('retry', claimed), 'settled');
    assert.deepEqual((await claim(subject)).jobs, []);
    const again = only((await claim(subject, { now: subject.at(2000) })).jobs);
    assert.deepEqual(idsOf([again]), idsOf([first as Job]));
    assert.equal(again.fence, 2);
    assert.equal(await subject.settle('release', again), 'settled');
    const third = only((await claim(subject, { now: subject.at(2000) })).jobs);
    assert.deepEqual(idsOf([third]), idsOf([first as Job]));
  },

  'a job keeps its place through a rescue, and is claimed alone when it was rescued often': async (
    subject,
  ) => {
    const [first] = await putAll(subject, 'a', 'a');
    for (let time = 0; time < 2; time += 1) {
      assert.deepEqual(idsOf((await claim(subject)).jobs), idsOf([first as Job]));
      assert.equal((await subject.rescue()).pending, 1);
    }
    const other = only(await putAll(subject, 'b'));
    assert.deepEqual(idsOf((await claim(subject)).jobs), idsOf([other]));
    const { jobs } = await claim(subject, { suspects: true });
    assert.deepEqual(idsOf(jobs), idsOf([first as Job]));
  },

  'one that is not due holds up those behind it': async (subject) => {
    await subject.putOne({ ...orderFields('a'), nextRunAt: subject.at(500) });
    await putAll(subject, 'a');
    assert.deepEqual((await claim(subject)).jobs, []);
    assert.equal((await claim(subject, { now: subject.at(500) })).jobs.length, 1);
  },

  'one that was cancelled before it started holds nobody up': async (subject) => {
    const [first, second] = await putAll(subject, 'a', 'a');
    await subject.cancel(first as Job);
    assert.deepEqual(idsOf((await claim(subject)).jobs), idsOf([second as Job]));
  },

  'one that was redriven waits until the one that was started is finished': async (subject) => {
    const [first] = await putAll(subject, 'a', 'a');
    await subject.settle('fail', only((await claim(subject)).jobs));
    const second = only((await claim(subject)).jobs);
    await redrive(subject, first as Job);
    assert.deepEqual((await claim(subject)).jobs, []);
    await subject.settle('retry', second, { nextRunAt: subject.at(0) });
    const again = only((await claim(subject)).jobs);
    assert.deepEqual(idsOf([again]), idsOf([second]));
    await subject.settle('complete', again);
    assert.deepEqual(idsOf((await claim(subject)).jobs), idsOf([first as Job]));
  },

  'one that has failed holds up its order where that is wanted, and is not pruned': async (
    subject,
  ) => {
    const [first, second] = await putAll(subject, 'a', 'a');
    await subject.settle('fail', only((await claim(subject, {}, true)).jobs));
    assert.deepEqual((await claim(subject, {}, true)).jobs, []);
    assert.deepEqual(await subject.prune(), { pruned: 0 });
    await redrive(subject, first as Job);
    const again = only((await claim(subject, {}, true)).jobs);
    assert.deepEqual(idsOf([again]), idsOf([first as Job]));
    await subject.settle('complete', again);
    assert.deepEqual(idsOf((await claim(subject, {}, true)).jobs), idsOf([second as Job]));
  },

  'one that fails by a rescue is reported where it holds up its order': async (subject) => {
    const [first] = await putAll(subject, 'a', 'a', 'b');
    await claim(subject, {}, true);
    const { halted = [], failed } = await subject.rescue({ rescueLimit: 1 });
    assert.equal(failed, 2);
    const reported = halted.find(({ order }) => order === 'a') as Job;
    assertSameJob(reported, await subject.read(first as Job));
    assert.deepEqual(halted.map(({ order }) => order).sort(), ['a', 'b']);
    await claim(subject, {}, false);
    assert.equal((await subject.rescue({ rescueLimit: 1 })).halted, undefined);
  },

  'one whose gate is not opened in time is reported where it holds up its order': async (
    subject,
  ) => {
    const [first] = await putAll(subject, 'a', 'a');
    const now = subject.at(6000);
    const block = async (halts: boolean): Promise<void> => {
      const job = only((await claim(subject, {}, halts)).jobs);
      const gate = { gate: 'a', blockedUntil: subject.at(5000) };
      assert.equal(await subject.settle('block', job, gate), 'settled');
    };
    await block(true);
    const { halted, failed, pending } = await subject.ledger.expireGates({ now, limit: 10 });
    assert.deepEqual([failed, pending], [1, 0]);
    assertSameJob(only(halted as readonly Job[]), await subject.read(first as Job));
    await subject.ledger.remove({ jobId: (first as Job)._id });
    await block(false);
    const last = await subject.ledger.expireGates({ now, limit: 10 });
    assert.deepEqual(last, { failed: 1, pending: 0 });
  },

  'one that holds up its order lets it go on when it is removed': async (subject) => {
    const [first, second] = await putAll(subject, 'a', 'a');
    await subject.settle('fail', only((await claim(subject, {}, true)).jobs));
    await subject.ledger.remove({ jobId: (first as Job)._id });
    assert.deepEqual(idsOf((await claim(subject, {}, true)).jobs), idsOf([second as Job]));
  },

  'no more orders are begun than are wanted, and the others get their turn': async (subject) => {
    await putAll(subject, ...Array.from({ length: 7 }, (_, index) => `key ${index}`));
    const seen = new Set<string>();
    for (let round = 0; round < 7; round += 1) {
      const { jobs, saturated } = await claim(subject, {}, false, 1);
      assert.equal(jobs.length, 1);
      assert.deepEqual(saturated, [JOB_NAME]);
      for (const { order = '' } of jobs) seen.add(order);
    }
    assert.equal(seen.size, 7);
  },

  'many claims at once start one job of an order': async (subject) => {
    await putAll(subject, 'a', 'a', 'a', 'b');
    const claims = await Promise.all(Array.from({ length: 8 }, () => claim(subject)));
    const won = [...claims, await claim(subject)].flatMap(({ jobs }) => jobs);
    assert.deepEqual(won.map(({ order }) => order).sort(), ['a', 'b']);
  },

  'what a claim for orders won is found by its token': async (subject) => {
    const [first] = await putAll(subject, 'a');
    await claim(subject, { claimToken: 'the-token' });
    const found = await subject.ledger.readClaim({ instanceId: INSTANCE, claimToken: 'the-token' });
    assert.deepEqual(idsOf(found), idsOf([first as Job]));
  },

  'orders are read with who holds them, by page': async (subject) => {
    const { ledger } = subject;
    const orders = { name: JOB_NAME, halted: false, limit: 10 };
    assert.deepEqual(await ledger.readOrders(orders), []);
    const [a1, , b1] = await putAll(subject, 'a', 'a', 'b', 'c');
    const claimed = (await claim(subject, {}, true)).jobs;
    const ofA = claimed.find(({ order }) => order === 'a') as Job;
    await subject.settle('complete', claimed.find(({ order }) => order === 'c') as Job);
    await subject.settle('fail', ofA);
    const all = await ledger.readOrders(orders);
    assert.equal(all.length, 2);
    const [ofKeyA, ofKeyB] = ['a', 'b'].map((key) => all.find(({ order }) => order === key));
    assert.deepEqual(ofKeyA, { order: 'a', jobId: a1?._id, status: 'failed', waiting: 1 });
    assert.deepEqual(ofKeyB, { order: 'b', jobId: b1?._id, status: 'processing', waiting: 0 });
    assert.deepEqual(
      (await ledger.readOrders({ ...orders, halted: true })).map(({ order }) => order),
      ['a'],
    );
    const first = only(await ledger.readOrders({ ...orders, limit: 1 }));
    const rest = await ledger.readOrders({ ...orders, limit: 1, after: first.order });
    assert.deepEqual([first, ...rest], all);
    assert.deepEqual(await ledger.readOrders({ ...orders, name: 'other' }), []);
  },

  'who goes first in a lane is the one that holds it, else the first that waits': async (
    subject,
  ) => {
    const place = { name: JOB_NAME, lane: laneOf('a') };
    assert.equal(await subject.ledger.findAhead(place), null);
    const [first, second] = await putAll(subject, 'a', 'a');
    assert.deepEqual(await subject.ledger.findAhead(place), ahead(first, 'pending'));
    const claimed = only((await claim(subject)).jobs);
    assert.deepEqual(await subject.ledger.findAhead(place), ahead(first, 'processing'));
    await subject.settle('complete', claimed);
    assert.deepEqual(await subject.ledger.findAhead(place), ahead(second, 'pending'));
  },

  'what nobody holds is swept when it is old, and who holds an order stays': async (subject) => {
    const { ledger } = subject;
    await putAll(subject, 'a', 'b');
    const { jobs } = await claim(subject);
    await subject.settle('complete', jobs.find(({ order }) => order === 'a') as Job);
    const walk = { limit: 10 };
    assert.deepEqual(await ledger.sweepOrders({ ...walk, usedBefore: subject.at(0) }), {
      swept: 0,
    });
    assert.deepEqual(await ledger.sweepOrders({ ...walk, usedBefore: subject.at(1) }), {
      swept: 1,
    });
    assert.deepEqual(
      (await ledger.readOrders({ name: JOB_NAME, halted: false, limit: 9 })).map((o) => o.order),
      ['b'],
    );
    const again = only(await putAll(subject, 'a'));
    assert.deepEqual(idsOf((await claim(subject)).jobs), idsOf([again]));
  },

  'a sweep says who is to be cancelled for one that waits, until that was asked or has ended':
    async (subject) => {
      const { ledger } = subject;
      const sweep = async () =>
        (await ledger.sweepOrders({ usedBefore: subject.at(0), limit: 10, superseded: true }))
          .superseded;
      const put = (key: string, supersedes: 'cancel' | 'finish'): Promise<Job> => {
        const lock = startLock({ uniqueKey: key, supersedes });
        const hold = { uniqueKey: key, uniqueHold: 'untilStarted', startLock: lock } as const;
        return subject.putOne({ ...orderFields(key), ...hold, supersedes });
      };
      for (const key of ['a', 'b', 'c']) await put(key, 'cancel');
      await putAll(subject, 'd');
      assert.equal(await sweep(), undefined);
      const claimed = (await claim(subject)).jobs;
      const [ofA, ofB] = ['a', 'b'].map((key) => claimed.find(({ order }) => order === key) as Job);
      assert.equal(await sweep(), undefined);
      const [byA, byB] = [await put('a', 'cancel'), await put('b', 'finish')];
      await put('e', 'cancel');
      await putAll(subject, 'd');
      assert.deepEqual(await sweep(), [{ jobId: ofA?._id, by: byA._id }]);
      const walk = { usedBefore: subject.at(0), limit: 10 };
      assert.equal((await ledger.sweepOrders(walk)).superseded, undefined);
      const behind = await ledger.sweepOrders({ ...walk, after: '9', superseded: true });
      assert.deepEqual(behind.superseded, [{ jobId: ofA?._id, by: byA._id }]);
      const replacing = {
        jobId: byB._id,
        changes: { supersedes: 'cancel' },
        now: subject.at(0),
      } as const;
      assert.equal((await ledger.amend(replacing)).outcome, 'amended');
      const reported = (await sweep()) as NonNullable<Awaited<ReturnType<typeof sweep>>>;
      assert.deepEqual(
        reported.map(({ jobId }) => jobId.toHexString()).sort(),
        idsOf([ofA, ofB] as Job[]),
      );
      await ledger.cancel({ jobId: (ofA as Job)._id, now: subject.at(0) });
      assert.deepEqual(await sweep(), [{ jobId: ofB?._id, by: byB._id }]);
      await subject.settle('complete', ofB as Job);
      assert.equal(await sweep(), undefined);
    },

  'one that was put back does not supersede the newer one that runs': async (subject) => {
    const older = { ...orderFields('a'), uniqueKey: 'a', supersedes: 'cancel' } as const;
    const first = await subject.putOne({ ...older, uniqueHold: 'untilStarted' });
    await subject.settle('fail', only((await claim(subject)).jobs));
    await subject.putOne(orderFields('a'));
    await claim(subject);
    assert.equal((await redrive(subject, first)).outcome, 'redriven');
    const { superseded } = await subject.ledger.sweepOrders({
      usedBefore: subject.at(0),
      ...{ limit: 9, superseded: true },
    });
    assert.equal(superseded, undefined);
  },

  'jobs are found by their order': async (subject) => {
    const [first, , third] = await putAll(subject, 'a', 'b', 'a');
    const found = await subject.ledger.findJobs({
      filter: { order: 'a' },
      ...{ orderBy: '_id', direction: 'ascending', limit: 10 },
    });
    assert.deepEqual([...idsOf(found)].sort(), [...idsOf([first, third] as Job[])].sort());
  },

  'keys with signs of their own are orders word for word': async (subject) => {
    const keys = ['$a.b', 'a/b', '1/a', 'ä 🚀', 'a:b', ' '];
    await putAll(subject, ...keys, ...keys);
    const { jobs } = await claim(subject);
    assert.deepEqual(jobs.map(({ order }) => order).sort(), [...keys].sort());
  },
};

function ahead(job: Job | undefined, status: Job['status']) {
  return { jobId: job?._id, status };
}

/** One after the other, so that each was stored before the next. */
async function putAll(subject: Subject, ...keys: readonly string[]): Promise<Job[]> {
  const jobs: Job[] = [];
  for (const key of keys) jobs.push(await subject.putOne(orderFields(key)));
  return jobs;
}

function claim(
  subject: Subject,
  choice: Partial<ClaimOrdersParams> = {},
  halts = false,
  limit = 10,
): Promise<ClaimResult> {
  return subject.ledger.claimOrders({
    demand: [{ name: JOB_NAME, limit, halts }],
    instanceId: INSTANCE,
    claimToken: systemRandom.token(),
    now: subject.at(0),
    suspects: false,
    ...choice,
  });
}

function redrive(subject: Subject, { _id: jobId }: Job) {
  return subject.ledger.redrive({ jobId, now: subject.at(0), nextRunAt: subject.at(0) });
}
