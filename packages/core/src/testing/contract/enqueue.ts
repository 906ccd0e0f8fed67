/**
 * Enqueue: what is stored, what a resend does, what a held lock does.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type BirthClaim, bornClaimed } from '../../job/born-claimed.ts';
import { copyPayload } from '../../job/payload.ts';
import {
  assertSameJob,
  type ContractTests,
  INSTANCE,
  idsOf,
  jobOf,
  type Subject,
} from './subject.ts';

const LOCKED = { uniqueKey: 'key', uniqueLock: 'lock' } as const;
const PAYLOAD_BYTES = 1024 * 1024;
const TOO_LARGE_BYTES = 17 * 1024 * 1024;

export const enqueueTests: ContractTests = {
  'a job comes back as it was stored': async (subject) => {
    const job = subject.newJob({ ...LOCKED, priority: -7, nextRunAt: subject.at(5), data: 'data' });
    const [answer] = await subject.enqueue(job);
    assertSameJob(jobOf(answer), job);
    assertSameJob(await subject.read(job), job);
  },

  'a job without data has none when it comes back': async (subject) => {
    const job = await subject.putOne({ data: undefined });
    assert.equal((await subject.read(job)).data, undefined);
  },

  'data of every kind comes back with its type': async (subject) => {
    const data = copyPayload('data', sampleData(), PAYLOAD_BYTES);
    const job = await subject.putOne({ data });
    assert.deepEqual((await subject.read(job)).data, expectedData());
    const claimed = await subject.claimOnly();
    assert.deepEqual(claimed.data, expectedData());
  },

  'what a caller does to the data of a job it was given does not reach the stored job': async (
    subject,
  ) => {
    const job = await subject.putOne({ data: { list: [1] } });
    const { data } = (await subject.read(job)) as { data: { list: number[] } };
    data.list.push(2);
    assert.deepEqual((await subject.read(job)).data, { list: [1] });
  },

  'many jobs are stored in one call and answered in order': async (subject) => {
    const jobs = Array.from({ length: 250 }, () => subject.newJob());
    const answers = await subject.enqueue(...jobs);
    assert.deepEqual(idsOf(answers.map((answer) => jobOf(answer))), idsOf(jobs));
    assert.equal((await subject.claim({ limit: 300 })).jobs.length, 250);
  },

  'an enqueue of nothing is answered with nothing': async (subject) => {
    assert.deepEqual(await subject.enqueue(), []);
  },

  'a job sent twice is stored once and answered alike': async (subject) => {
    const job = subject.newJob();
    for (const send of ['first', 'again']) {
      const [answer] = await subject.enqueue(job);
      assert.equal(answer?.outcome, 'enqueued', send);
      assert.deepEqual(idsOf([jobOf(answer)]), idsOf([job]), send);
    }
    assert.equal((await subject.claim()).jobs.length, 1);
  },

  'a batch sent again in part stores what was missing': async (subject) => {
    const [first, second] = [subject.newJob(), subject.newJob()];
    await subject.enqueue(first);
    const answers = await subject.enqueue(first, second);
    assert.deepEqual(
      answers.map(({ outcome }) => outcome),
      ['enqueued', 'enqueued'],
    );
    assert.equal((await subject.claim()).jobs.length, 2);
  },

  'a job with a lock that is sent again after another took the lock is still answered as enqueued':
    async (subject) => {
      const job = await subject.putClaimed(LOCKED);
      await subject.settle('complete', job);
      await subject.put(LOCKED);
      const [answer] = await subject.enqueue(subject.newJob({ ...LOCKED, _id: job._id }));
      assert.equal(answer?.outcome, 'enqueued');
      assert.equal(await subject.statusOf(job), 'completed');
    },

  'a job whose lock is held is not stored, and the holder is the answer': async (subject) => {
    const holder = await subject.putOne({ ...LOCKED, data: 'holder' });
    const rival = subject.newJob({ ...LOCKED, data: 'rival' });
    const [answer] = await subject.enqueue(rival);
    assert.equal(answer?.outcome, 'existing');
    assertSameJob(jobOf(answer), holder);
    assert.equal(await subject.ledger.getJob({ jobId: rival._id }), null);
  },

  'of two jobs with one lock in one call the first is stored': async (subject) => {
    const [first, second] = [subject.newJob(LOCKED), subject.newJob(LOCKED)];
    const answers = await subject.enqueue(first, second);
    assert.deepEqual(
      answers.map(({ outcome }) => outcome),
      ['enqueued', 'existing'],
    );
    assert.deepEqual(idsOf(answers.map((answer) => jobOf(answer))), idsOf([first, first]));
  },

  'of many concurrent jobs with one lock one is stored': async (subject) => {
    const jobs = Array.from({ length: 20 }, () => subject.newJob(LOCKED));
    const answers = (await Promise.all(jobs.map((job) => subject.enqueue(job)))).flat();
    assert.equal(answers.filter(({ outcome }) => outcome === 'enqueued').length, 1);
    assert.equal(new Set(idsOf(answers.map((answer) => jobOf(answer)))).size, 1);
  },

  'one lock under two names is two locks': async (subject) => {
    await subject.put({ ...LOCKED, name: 'one' }, { ...LOCKED, name: 'two' });
  },

  'a name and a lock never read as another name and lock': async (subject) => {
    await subject.put({ name: 'ab', uniqueLock: 'c' }, { name: 'a', uniqueLock: 'bc' });
  },

  'the lock is held while the job is processing and after a retry': async (subject) => {
    const job = await subject.putClaimed(LOCKED);
    await assertLockHeldBy(subject, job);
    await subject.settle('retry', job);
    await assertLockHeldBy(subject, job);
  },

  'the lock is held after a rescue and after a release': async (subject) => {
    await subject.putClaimed(LOCKED);
    await subject.rescue();
    const job = await subject.claimOnly({ now: subject.at(2000) });
    await assertLockHeldBy(subject, job);
    await subject.settle('release', job);
    await assertLockHeldBy(subject, job);
  },

  'the lock is free once the job is completed': async (subject) => {
    await subject.settle('complete', await subject.putClaimed(LOCKED));
    await subject.put(LOCKED);
  },

  'the lock is free once the job is failed': async (subject) => {
    await subject.settle('fail', await subject.putClaimed(LOCKED));
    await subject.put(LOCKED);
  },

  'the lock is free once the job is cancelled, pending or processing': async (subject) => {
    await subject.cancel(await subject.putOne(LOCKED));
    const job = await subject.putClaimed(LOCKED);
    await subject.cancel(job);
    await assertLockHeldBy(subject, job);
    await subject.settle('cancelled', job);
    await subject.put(LOCKED);
  },

  'the lock is free once the job is removed': async (subject) => {
    const job = await subject.putOne(LOCKED);
    await subject.ledger.remove({ jobId: job._id });
    await subject.put(LOCKED);
  },

  'a job that is stored as claimed is held by who stored it, and read by its token': async (
    subject,
  ) => {
    const job = bornClaimed(subject.newJob({ data: 'data' }), claimOf(subject));
    const [answer] = await subject.enqueue(job, subject.newJob());
    assertSameJob(jobOf(answer), job);
    assertSameJob(await subject.read(job), job);
    assert.equal((await subject.claim()).jobs.length, 1);
    const { instanceId, claimToken } = claimOf(subject);
    const found = await subject.ledger.readClaim({ instanceId, claimToken });
    assert.deepEqual(idsOf(found), idsOf([job]));
    assert.equal(await subject.settle('complete', job), 'settled');
  },

  'a job that was stored as claimed and is sent again as pending stays as it is': async (
    subject,
  ) => {
    const asked = subject.newJob();
    const job = bornClaimed(asked, claimOf(subject));
    await subject.enqueue(job);
    const [answer] = await subject.enqueue(asked);
    assert.equal(answer?.outcome, 'enqueued');
    assertSameJob(await subject.read(job), job);
    assert.equal((await subject.claim()).jobs.length, 0);
  },

  'a job that is stored as claimed is not stored while another holds its lock': async (subject) => {
    const holder = await subject.putOne(LOCKED);
    const [answer] = await subject.enqueue(bornClaimed(subject.newJob(LOCKED), claimOf(subject)));
    assert.equal(answer?.outcome, 'existing');
    assert.deepEqual(idsOf([jobOf(answer)]), idsOf([holder]));
  },

  'each job of a batch gets its own answer: stored, stored before, held lock, too large': async (
    subject,
  ) => {
    const [known, holder] = await subject.put({}, LOCKED);
    const tooLarge = subject.newJob({ data: 'x'.repeat(TOO_LARGE_BYTES) });
    const answers = await subject.enqueue(
      subject.newJob({ _id: known._id }),
      subject.newJob(LOCKED),
      tooLarge,
      subject.newJob(),
    );
    assert.deepEqual(
      answers.map(({ outcome }) => outcome),
      ['enqueued', 'existing', 'refused', 'enqueued'],
    );
    assert.deepEqual(idsOf([jobOf(answers[1])]), idsOf([holder]));
    assert.equal(await subject.ledger.getJob({ jobId: tooLarge._id }), null);
  },
};

function claimOf(subject: Subject): BirthClaim {
  return { instanceId: INSTANCE, claimToken: 'born', now: subject.at(1) };
}

async function assertLockHeldBy(
  subject: Subject,
  holder: { readonly _id: Parameters<typeof idsOf>[0][number]['_id'] },
): Promise<void> {
  const [answer] = await subject.enqueue(subject.newJob(LOCKED));
  assert.equal(answer?.outcome, 'existing');
  assert.deepEqual(idsOf([jobOf(answer)]), idsOf([holder]));
}

function sampleData(): unknown {
  return {
    ...expectedData(),
    dropped: undefined,
    list: [1, 'two', { three: 3.5 }, undefined],
    bytes: Uint8Array.of(0, 1, 255),
  };
}

function expectedData(): Record<string, unknown> {
  return {
    text: 'Grüße 🚀',
    number: -1.25,
    large: Number.MAX_SAFE_INTEGER,
    bigint: 2n ** 62n,
    small: 7n,
    yes: true,
    nothing: null,
    when: new Date(1_234_567_890_123),
    bytes: Buffer.from([0, 1, 255]),
    pattern: /^a+$/i,
    list: [1, 'two', { three: 3.5 }, null],
    nested: { deeper: { deepest: [[]] } },
    empty: {},
  };
}
