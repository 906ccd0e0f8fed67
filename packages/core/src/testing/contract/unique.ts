/**
 * Unique locks of all three kinds: what they keep out, and when they are free again.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Job } from '../../job/job.ts';
import { LOCK_FIELDS } from '../../job/unique-locks.ts';
import {
  assertSameJob,
  type ContractTest,
  type ContractTests,
  idsOf,
  jobOf,
  type Subject,
} from './subject.ts';

const WINDOW = { windowLock: 'window:60000:7:key' } as const;
const START = { startLock: 'key:key' } as const;

/** One test a kind of lock. */
function ofEachKind(
  name: string,
  run: (subject: Subject, locked: Partial<Job>) => Promise<void>,
): [string, ContractTest][] {
  return LOCK_FIELDS.map((field) => [
    `${name}: ${field}`,
    (subject) => run(subject, { uniqueKey: 'key', [field]: 'some:lock' }),
  ]);
}

export const uniqueTests: ContractTests = {
  ...Object.fromEntries([
    ...ofEachKind('a second job with a held lock is answered with its holder', holderTest),
    ...ofEachKind('of two jobs with one lock in one call the first is stored', batchTest),
    ...ofEachKind('of many concurrent jobs with one lock a single one is stored', raceTest),
    ...ofEachKind('jobs of other names hold locks of their own', namesTest),
    ...ofEachKind('a removed job leaves its lock', removeTest),
  ]),

  'one text in the fields of three kinds is three locks': async (subject) => {
    await subject.put(...LOCK_FIELDS.map((field) => ({ [field]: 'some:lock' })));
  },

  'a lock until the start is free once the job is claimed, and stays free after a retry': async (
    subject,
  ) => {
    const job = await subject.putClaimed(START);
    assert.equal(job.startLock, undefined);
    const second = await subject.putOne({ ...START, nextRunAt: subject.at(9000) });
    await subject.settle('retry', job);
    assert.equal(await subject.statusOf(job), 'pending');
    const [answer] = await subject.enqueue(subject.newJob(START));
    assert.deepEqual(idsOf([jobOf(answer)]), idsOf([second]));
  },

  'a lock until the start is taken again by a job that is given back unstarted': async (
    subject,
  ) => {
    const job = await subject.putClaimed(START);
    for (let sent = 0; sent < 2; sent += 1) {
      assert.equal(await subject.settle('release', job, START), 'settled');
    }
    const [answer] = await subject.enqueue(subject.newJob(START));
    assert.deepEqual(idsOf([jobOf(answer)]), idsOf([job]));
  },

  'a job that is given back unstarted does not take its lock from another': async (subject) => {
    const job = await subject.putClaimed(START);
    const second = await subject.putOne({ ...START, nextRunAt: subject.at(9000) });
    assert.equal(await subject.settle('release', job, START), 'refused');
    assert.equal(await subject.statusOf(job), 'processing');
    assert.equal(await subject.settle('release', job), 'settled');
    assert.equal((await subject.read(second)).startLock, START.startLock);
  },

  'a lock until the start is free once the pending job is cancelled': async (subject) => {
    await subject.cancel(await subject.putOne(START));
    await subject.put(START);
  },

  'a lock for a window is free once the job is cancelled, but not by its handler': async (
    subject,
  ) => {
    const windowUntil = subject.at(60_000);
    const held = (name: string): Partial<Job> => ({ ...WINDOW, windowUntil, name });
    const waiting = await subject.putOne(held('waiting'));
    await subject.cancel(waiting);
    const running = await subject.putClaimed(held('running'), { name: 'running' });
    await subject.cancel(running);
    await subject.settle('cancelled', running);
    const orphaned = await subject.putClaimed(held('orphaned'), { name: 'orphaned' });
    await subject.cancel(orphaned);
    assert.equal((await subject.rescue()).cancelled, 1);
    for (const { _id, name } of [waiting, running, orphaned]) {
      const job = await subject.ledger.getJob({ jobId: _id });
      assert.equal(job?.status, 'cancelled');
      assert.deepEqual([job.windowLock, job.windowUntil], [undefined, undefined]);
      await subject.put(held(name));
    }
  },

  'a lock for a window is held after the job is done, whatever its end': async (subject) => {
    for (const verb of ['complete', 'fail', 'cancelByHandler'] as const) {
      const fields = { ...WINDOW, name: verb };
      const job = await subject.putClaimed(fields, { name: verb });
      await subject.settle(verb, job);
      const [answer] = await subject.enqueue(subject.newJob(fields));
      assert.equal(answer?.outcome, 'existing');
      assertSameJob(jobOf(answer), await subject.read(job));
    }
  },

  'a window that comes next is another lock': async (subject) => {
    await subject.put(WINDOW, { windowLock: 'window:60000:8:key' });
  },

  'a lock of a window is free once its job is pruned': async (subject) => {
    const job = await subject.putClaimed({ ...WINDOW, windowUntil: subject.at(5000) });
    await subject.settle('complete', job);
    assert.equal((await subject.prune()).pruned, 1);
    await subject.put(WINDOW);
  },
};

async function holderTest(subject: Subject, locked: Partial<Job>): Promise<void> {
  const holder = await subject.putOne({ ...locked, data: 'holder' });
  const rival = subject.newJob(locked);
  const [answer] = await subject.enqueue(rival);
  assert.equal(answer?.outcome, 'existing');
  assertSameJob(jobOf(answer), holder);
  assert.equal(await subject.ledger.getJob({ jobId: rival._id }), null);
  // The holder that is sent again is no rival of itself.
  assert.equal((await subject.enqueue(holder))[0]?.outcome, 'enqueued');
}

async function batchTest(subject: Subject, locked: Partial<Job>): Promise<void> {
  const jobs = [subject.newJob(locked), subject.newJob(), subject.newJob(locked)];
  const answers = await subject.enqueue(...jobs);
  assert.deepEqual(
    answers.map(({ outcome }) => outcome),
    ['enqueued', 'enqueued', 'existing'],
  );
  assert.deepEqual(idsOf([jobOf(answers[2])]), idsOf(jobs.slice(0, 1)));
}

async function raceTest(subject: Subject, locked: Partial<Job>): Promise<void> {
  const jobs = Array.from({ length: 20 }, () => subject.newJob(locked));
  const answers = (await Promise.all(jobs.map((job) => subject.enqueue(job)))).flat();
  assert.equal(answers.filter(({ outcome }) => outcome === 'enqueued').length, 1);
  assert.equal(new Set(idsOf(answers.map((answer) => jobOf(answer)))).size, 1);
}

async function namesTest(subject: Subject, locked: Partial<Job>): Promise<void> {
  await subject.put({ ...locked, name: 'one' }, { ...locked, name: 'two' });
}

async function removeTest(subject: Subject, locked: Partial<Job>): Promise<void> {
  const { _id: jobId } = await subject.putOne(locked);
  await subject.ledger.remove({ jobId });
  await subject.put(locked);
}
