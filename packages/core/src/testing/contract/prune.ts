/**
 * Prune: which finished jobs leave, how the walk over them goes on, and what the archive keeps.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { ObjectId } from 'mongodb';
import type { Job } from '../../job/job.ts';
import type { PruneParams } from '../../ledger/ledger-repository.ts';
import {
  assertSameJob,
  type ContractTests,
  idsOf,
  only,
  present,
  type Subject,
} from './subject.ts';

const MINUTE_MS = 60_000;
const ALL = { filter: {}, orderBy: '_id', direction: 'ascending', limit: 100 } as const;

const leaving: ContractTests = {
  'jobs that finished long enough ago leave, the others stay': async (subject) => {
    const old = await finished(subject);
    const processing = await subject.putClaimed();
    const pending = await subject.putOne();
    assert.deepEqual(await subject.prune(), { pruned: 1 });
    assert.equal(await subject.ledger.getJob({ jobId: old._id }), null);
    for (const job of [processing, pending]) assertSameJob(await subject.read(job), job);
  },

  'each state has its own age, and a state without one is kept': async (subject) => {
    const completed = await finished(subject, 'complete');
    const failed = await finished(subject, 'fail');
    const cancelled = await finished(subject, 'cancelByHandler');
    const finishedBefore = { completed: subject.at(999), failed: subject.at(1000) };
    assert.deepEqual(await subject.prune({ finishedBefore }), { pruned: 1 });
    assert.equal(await subject.ledger.getJob({ jobId: failed._id }), null);
    for (const job of [completed, cancelled]) await subject.read(job);
    assert.deepEqual(await subject.prune({ finishedBefore: {} }), { pruned: 0 });
  },

  'a job that holds a window leaves only when the window is over': async (subject) => {
    const windowUntil = subject.at(5000);
    const job = await finished(subject, 'complete', { windowLock: 'w', windowUntil });
    assert.deepEqual(await subject.prune({ now: subject.at(5000) }), { pruned: 0 });
    await subject.read(job);
    assert.deepEqual(await subject.prune({ now: subject.at(5001) }), { pruned: 1 });
  },

  'a job that is younger than its id stays as long as one of its age': async (subject) => {
    const _id = subject.newJob({ createdAt: subject.at(0) })._id;
    await finished(subject, 'complete', { _id, createdAt: subject.at(5 * MINUTE_MS) });
    const createdBefore = subject.at(3 * MINUTE_MS);
    assert.deepEqual(await subject.prune({ createdBefore }), { pruned: 0 });
    assert.deepEqual(await subject.prune({ createdBefore: subject.at(6 * MINUTE_MS) }), {
      pruned: 1,
    });
  },

  'jobs that were created lately are not looked at': async (subject) => {
    const minutes = [0, 1, 5, 6];
    for (const minute of minutes) {
      await finished(subject, 'complete', { createdAt: subject.at(minute * MINUTE_MS) });
    }
    const createdBefore = subject.at(3 * MINUTE_MS);
    assert.deepEqual(await subject.prune({ createdBefore }), { pruned: 2 });
    assert.equal((await subject.ledger.findJobs(ALL)).length, 2);
  },

  'a job that is pruned can be enqueued again under its id': async (subject) => {
    const { _id } = await finished(subject);
    await subject.prune();
    await subject.put({ _id });
    assert.equal((await subject.claimOnly()).fence, 1);
  },

  'concurrent prunes count each job once': async (subject) => {
    for (let count = 0; count < 10; count += 1) await finished(subject);
    const results = await Promise.all([subject.prune(), subject.prune(), subject.prune()]);
    assert.equal(
      results.reduce((sum, { pruned }) => sum + pruned, 0),
      10,
    );
  },
};

const walking: ContractTests = {
  'the walk goes on behind the last job it looked at, up to its end': async (subject) => {
    const jobs = await putAlternately(subject, 5);
    const ids = [...idsOf(jobs)].sort();
    const first = await subject.prune({ limit: 2 });
    assert.equal(present(first.position).toHexString(), ids[1]);
    const second = await subject.prune({ limit: 2, ...after(first.position) });
    assert.equal(present(second.position).toHexString(), ids[3]);
    const third = await subject.prune({ limit: 2, ...after(second.position) });
    assert.equal(third.position, undefined);
    assert.equal(first.pruned + second.pruned + third.pruned, 3);
    assert.equal((await subject.ledger.findJobs(ALL)).length, 2);
  },

  'a walk that ends on a full step finds nothing in the next one': async (subject) => {
    await putAlternately(subject, 2);
    const first = await subject.prune({ limit: 2 });
    assert.ok(first.position);
    assert.deepEqual(await subject.prune({ limit: 2, ...after(first.position) }), { pruned: 0 });
  },

  'jobs before the position are not looked at': async (subject) => {
    const jobs = await putAlternately(subject, 4);
    const last = jobs
      .map(({ _id }) => _id)
      .sort((a, b) => Buffer.compare(a.id, b.id))
      .at(-1);
    assert.deepEqual(await subject.prune({ ...after(last) }), { pruned: 0 });
    assert.equal((await subject.ledger.findJobs(ALL)).length, 4);
  },

  'a walk over an empty ledger is at its end': async (subject) => {
    assert.deepEqual(await subject.prune(), { pruned: 0 });
  },
};

const archiving: ContractTests = {
  'an archived job is found in the archive, as it was, and not among the jobs': async (subject) => {
    const job = await finished(subject, 'complete', { data: { a: [1, 2n] }, uniqueKey: 'key' });
    assert.deepEqual(await subject.prune({ archive: true }), { pruned: 1 });
    const { ledger } = subject;
    assert.equal(await ledger.getJob({ jobId: job._id }), null);
    assertSameJob(present(await ledger.getJob({ jobId: job._id, archived: true })), job);
    assert.deepEqual(await ledger.findJobs(ALL), []);
    assertSameJob(only(await ledger.findJobs({ ...ALL, archived: true })), job);
    assert.deepEqual(await ledger.readStats({ now: subject.at(0) }), []);
  },

  'a look into the archive shows a job that is not archived, and null for one that is nowhere':
    async (subject) => {
      const job = await subject.putOne();
      const { ledger } = subject;
      assertSameJob(present(await ledger.getJob({ jobId: job._id, archived: true })), job);
      const jobId = subject.newJob()._id;
      assert.equal(await ledger.getJob({ jobId, archived: true }), null);
      assert.deepEqual(await ledger.findJobs({ ...ALL, archived: true }), []);
    },

  'a job that is deleted is not archived': async (subject) => {
    const { _id: jobId } = await finished(subject);
    assert.deepEqual(await subject.prune({ archive: false }), { pruned: 1 });
    assert.equal(await subject.ledger.getJob({ jobId, archived: true }), null);
    assert.deepEqual(await subject.ledger.findJobs({ ...ALL, archived: true }), []);
  },

  'what is not pruned is not archived': async (subject) => {
    await subject.putClaimed();
    await subject.put({});
    await finished(subject, 'complete', { windowUntil: subject.at(1e9) });
    assert.deepEqual(await subject.prune({ archive: true }), { pruned: 0 });
    assert.deepEqual(await subject.ledger.findJobs({ ...ALL, archived: true }), []);
  },

  'the archive is listed by filter and order, page by page': async (subject) => {
    const jobs: Job[] = [];
    for (const name of ['a', 'b', 'a', 'a'])
      jobs.push(await finished(subject, 'complete', { name }));
    await subject.prune({ archive: true });
    const params = { ...ALL, filter: { names: ['a'] }, archived: true, limit: 2 } as const;
    const ids = [...idsOf(jobs.filter(({ name }) => name === 'a'))].sort();
    const first = await subject.ledger.findJobs(params);
    assert.deepEqual(idsOf(first), ids.slice(0, 2));
    const [, last] = first;
    assert.ok(last);
    const second = await subject.ledger.findJobs({ ...params, after: { jobId: last._id } });
    assert.deepEqual(idsOf(second), ids.slice(2));
  },

  'a job that is archived once more is kept as it was last': async (subject) => {
    const { _id } = await finished(subject);
    await subject.prune({ archive: true });
    const again = await finished(subject, 'fail', { _id, data: 'again' });
    assert.deepEqual(await subject.prune({ archive: true }), { pruned: 1 });
    const archived = await subject.ledger.findJobs({ ...ALL, archived: true });
    assertSameJob(only(archived), again);
  },

  'a lock that an archived job held is free': async (subject) => {
    const locked = { windowLock: 'w', windowUntil: subject.at(1) };
    await finished(subject, 'complete', locked);
    await subject.prune({ archive: true });
    await subject.put(locked);
  },

  'a job that is redriven while it is moved is either among the jobs or in the archive': async (
    subject,
  ) => {
    const jobs: Job[] = [];
    for (let count = 0; count < 20; count += 1) jobs.push(await finished(subject, 'fail'));
    const { ledger } = subject;
    const times = { now: subject.at(4000), nextRunAt: subject.at(5000) };
    const [{ pruned }, ...results] = await Promise.all([
      subject.prune({ archive: true }),
      ...jobs.map(({ _id }) => ledger.redrive({ jobId: _id, ...times })),
    ]);
    const redriven = jobs.filter((_, index) => results[index]?.outcome === 'redriven');
    const gone = jobs.filter((_, index) => results[index]?.outcome === 'missing');
    assert.deepEqual(idsOf(await ledger.findJobs(ALL)), [...idsOf(redriven)].sort());
    const archived = await ledger.findJobs({ ...ALL, archived: true });
    assert.deepEqual(idsOf(archived), [...idsOf(gone)].sort());
    assert.deepEqual([pruned, redriven.length + gone.length], [gone.length, jobs.length]);
  },
};

export const pruneTests: ContractTests = { ...leaving, ...walking, ...archiving };

/** Stores a job and has it finish at time 1000. */
async function finished(
  subject: Subject,
  verb: 'complete' | 'fail' | 'cancelByHandler' = 'complete',
  fields: Partial<Job> = {},
): Promise<Job> {
  const name = `finished ${fields.name ?? verb}`;
  const named = fields.name === undefined ? { name } : { name: fields.name };
  const job = await subject.putClaimed({ nextRunAt: subject.at(0), ...fields, ...named }, named);
  assert.equal(await subject.settle(verb, job), 'settled');
  return subject.read(job);
}

/** Jobs of which each second one is not finished. */
async function putAlternately(subject: Subject, count: number): Promise<readonly Job[]> {
  const jobs: Job[] = [];
  for (let index = 0; index < count; index += 1) {
    jobs.push(index % 2 === 0 ? await finished(subject) : await subject.putOne());
  }
  return jobs;
}

function after(position: ObjectId | undefined): Partial<PruneParams> {
  assert.ok(position !== undefined, 'the walk has come to its end');
  return { after: position };
}
