/**
 * Claim: which jobs are taken, in which order, by how many, and by whom.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Job } from '../../job/job.ts';
import { SUSPECT_RESCUE_COUNT } from '../../ledger/ledger-repository.ts';
import {
  assertSameJob,
  type ContractTests,
  INSTANCE,
  idsOf,
  JOB_NAME,
  OTHER_INSTANCE,
  only,
  present,
  type Subject,
} from './subject.ts';

export const claimTests: ContractTests = {
  'a claim takes nothing that is not due': async (subject) => {
    const [due] = await subject.put({ nextRunAt: subject.at(10) }, { nextRunAt: subject.at(11) });
    assert.deepEqual((await subject.claim({ now: subject.at(9) })).jobs, []);
    const { jobs } = await subject.claim({ now: subject.at(10) });
    assert.deepEqual(idsOf(jobs), idsOf([due]));
  },

  'a job that is not due for one caller is not lost for a caller whose clock is ahead': async (
    subject,
  ) => {
    const job = await subject.putOne({ nextRunAt: subject.at(100), priority: -1 });
    await subject.put({ name: 'other', nextRunAt: subject.at(200) });
    await subject.claim({ name: 'other', now: subject.at(150) });
    for (const ms of [99, 50]) {
      assert.deepEqual((await subject.claim({ now: subject.at(ms) })).jobs, []);
    }
    assert.deepEqual(idsOf((await subject.claim({ now: subject.at(100) })).jobs), idsOf([job]));
  },

  'a claim by a clock that is behind takes what is due for it': async (subject) => {
    const late = { nextRunAt: subject.at(100), priority: -1 };
    await subject.put(late, late, late, { nextRunAt: subject.at(0) });
    const ahead = await subject.claim({ now: subject.at(100), limit: 1 });
    const behind = await subject.claim({ now: subject.at(50) });
    const aheadAgain = await subject.claim({ now: subject.at(100) });
    assert.equal(ahead.jobs.length, 1);
    assert.equal(behind.jobs.length, 1);
    assert.equal(only(behind.jobs).priority, 0);
    assert.equal(aheadAgain.jobs.length, 2);
  },

  'a claim takes the lowest priority number first, then the earliest due, then the lowest id':
    async (subject) => {
      const jobs = await subject.put(
        { priority: 5, nextRunAt: subject.at(-50) },
        { priority: 0, nextRunAt: subject.at(-10) },
        { priority: 0, nextRunAt: subject.at(-20) },
        { priority: 0, nextRunAt: subject.at(-20) },
        { priority: -100, nextRunAt: subject.at(0) },
        { priority: 100, nextRunAt: subject.at(-90) },
      );
      const expected = idsOf([...jobs].sort(byClaimOrder));
      const taken = await takeSingly(subject, jobs.length);
      assert.deepEqual(taken, expected);
    },

  'the jobs of a claim come in the order of claims, over all names': async (subject) => {
    const jobs = await subject.put(
      { name: 'a', priority: 1 },
      { name: 'b', priority: 0, nextRunAt: subject.at(-1) },
      { name: 'a', priority: 0, nextRunAt: subject.at(-2) },
      { name: 'b', priority: -1 },
    );
    const result = await subject.claimOf([
      { name: 'a', limit: 10 },
      { name: 'b', limit: 10 },
    ]);
    assert.deepEqual(idsOf(result.jobs), idsOf([...jobs].sort(byClaimOrder)));
  },

  'a claim takes only the names it demands, and of each no more than its limit': async (
    subject,
  ) => {
    await subject.put(...['a', 'a', 'b', 'b', 'c'].map((name) => ({ name })));
    const { jobs } = await subject.claimOf([
      { name: 'a', limit: 2 },
      { name: 'b', limit: 1 },
    ]);
    const counts = { a: 0, b: 0, c: 0 };
    for (const { name } of jobs) counts[name as keyof typeof counts] += 1;
    assert.equal(counts.c, 0);
    assert.ok(counts.a <= 2 && counts.b <= 1, JSON.stringify(counts));
    assert.ok(jobs.length >= 2);
  },

  'a name is saturated when it had as many due jobs as were demanded': async (subject) => {
    await subject.put({}, {});
    const short = await subject.claim({ limit: 3, now: subject.at(-1) });
    assert.deepEqual(short.saturated, []);
    const full = await subject.claim({ limit: 2 });
    assert.deepEqual(full.saturated, [JOB_NAME]);
    assert.equal(full.attempted, 2);
    assert.deepEqual(await subject.claim({ limit: 2 }), {
      jobs: [],
      attempted: 0,
      saturated: [],
      drained: [JOB_NAME],
    });
  },

  'a claim demanding nothing takes nothing': async (subject) => {
    await subject.put({});
    assert.deepEqual((await subject.claimOf([])).jobs, []);
  },

  'a claimed job carries its claim, and so does the stored one': async (subject) => {
    const job = await subject.putOne({ data: { a: 1 } });
    const claimed = await subject.claimOnly({ claimToken: 'token', now: subject.at(3) });
    const expected = {
      ...job,
      status: 'processing',
      claimToken: 'token',
      claimedBy: INSTANCE,
      lockedAt: subject.at(3),
      startedAt: subject.at(3),
      updatedAt: subject.at(3),
      fence: 1,
    } as const;
    assertSameJob(claimed, expected);
    assertSameJob(await subject.read(job), expected);
  },

  'the fence grows with every claim': async (subject) => {
    let job = await subject.putClaimed();
    for (const fence of [2, 3]) {
      await subject.settle('release', job);
      job = await subject.claimOnly({ now: subject.at(2000) });
      assert.equal(job.fence, fence);
    }
  },

  'concurrent claims win each job once': async (subject) => {
    const jobs = await subject.put(...Array.from({ length: 200 }, () => ({})));
    const claims = Array.from({ length: 50 }, (_, index) =>
      subject.claim({ claimToken: `token-${index}`, limit: 10 }),
    );
    const won = (await Promise.all(claims)).flatMap((result) => result.jobs);
    assert.equal(new Set(idsOf(won)).size, won.length);
    for (const job of won) assertSameJob(await subject.read(job), job);
    const rest = await subject.claim({ limit: 200 });
    assert.equal(won.length + rest.jobs.length, jobs.length);
  },

  'a wider search takes no more than was demanded': async (subject) => {
    await subject.put(...Array.from({ length: 20 }, () => ({})));
    const { jobs } = await subject.claim({ limit: 3, widening: 4 });
    assert.equal(jobs.length, 3);
  },

  'what a claim won can be read by its token': async (subject) => {
    await subject.put({ priority: 1 }, { priority: 0 });
    const mine = await subject.claim({ claimToken: 'mine', limit: 2 });
    await subject.putClaimed({}, { claimToken: 'other' });
    await subject.putClaimed({}, { instanceId: OTHER_INSTANCE });
    const read = await subject.ledger.readClaim({ instanceId: INSTANCE, claimToken: 'mine' });
    assert.deepEqual(idsOf(read), idsOf(mine.jobs));
    for (const [index, job] of read.entries()) assertSameJob(job, present(mine.jobs[index]));
  },

  'a token that won nothing reads nothing': async (subject) => {
    await subject.putClaimed();
    const claims = [
      { instanceId: INSTANCE, claimToken: 'unknown' },
      { instanceId: OTHER_INSTANCE, claimToken: 'unknown' },
    ];
    for (const claim of claims) assert.deepEqual(await subject.ledger.readClaim(claim), []);
  },

  'a suspect is taken only by a claim for suspects, alone, and never stands in the way of others':
    async (subject) => {
      const suspects = await putSuspects(subject, 3);
      const normal = await subject.put({ priority: 9 }, { priority: 9, rescueCount: 1 });
      const plain = await subject.claim({ limit: 2 });
      assert.deepEqual([...idsOf(plain.jobs)].sort(), [...idsOf(normal)].sort());
      assert.deepEqual((await subject.claim()).jobs, []);
      const apart = await subject.claim({ suspects: true, limit: 2 });
      assert.equal(apart.jobs.length, 1);
      const taken = new Set(idsOf(suspects));
      assert.ok(idsOf(apart.jobs).every((id) => taken.has(id)));
      const next = await subject.claim({ suspects: true, limit: 2 });
      assert.equal(next.jobs.length, 1);
      assert.notDeepEqual(idsOf(next.jobs), idsOf(apart.jobs));
    },
};

function putSuspects(subject: Subject, count: number): Promise<readonly Job[]> {
  const suspect = { rescueCount: SUSPECT_RESCUE_COUNT, priority: -5 };
  return subject.put(...Array.from({ length: count }, () => suspect));
}

async function takeSingly(subject: Subject, count: number): Promise<readonly string[]> {
  const taken: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const { jobs } = await subject.claim({ limit: 1 });
    taken.push(...idsOf(jobs));
  }
  return taken;
}

function byClaimOrder(a: Job, b: Job): number {
  const aheadMs = a.nextRunAt.getTime() - b.nextRunAt.getTime();
  return a.priority - b.priority || aheadMs || Buffer.compare(a._id.id, b._id.id);
}
