/**
 * Stats: how many jobs are in which state, and how long they wait and run.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { JobFilter, StatsRow } from '../../ledger/ledger-repository.ts';
import { type ContractTests, JOB_NAME, only, type Subject } from './subject.ts';

const NO_TIMES = { queueLagMs: 0, meanWaitMs: 0, meanRunMs: 0, longestRunMs: 0 } as const;

export const statsTests: ContractTests = {
  'a ledger without jobs has no rows': async (subject) => {
    assert.deepEqual(await read(subject), []);
  },

  'jobs of a filter are counted up to a limit, also in the archive': async (subject) => {
    await subject.put({ name: 'a' }, { name: 'a' }, { name: 'b' });
    const claimed = await subject.putClaimed({ name: 'c' }, { name: 'c' });
    const { ledger } = subject;
    const count = (filter: JobFilter, limit: number, archived = false): Promise<number> =>
      ledger.countJobs({ filter, limit, archived });
    assert.equal(await count({}, 10), 4);
    assert.equal(await count({}, 4), 4);
    assert.equal(await count({}, 3), 3);
    assert.equal(await count({ names: ['a'], statuses: ['pending'] }, 10), 2);
    assert.equal(await count({ names: ['none'] }, 10), 0);
    const jobIds = [claimed._id];
    assert.equal(await count({ jobIds }, 10), 1);
    assert.equal(await count({ jobIds, names: ['a'] }, 10), 0);
    assert.equal(await count({}, 10, true), 0);
    assert.equal(await count({ jobIds }, 10, true), 0);
  },

  'jobs are counted by name and state, in this order': async (subject) => {
    await subject.putClaimed({ name: 'b' }, { name: 'b' });
    await subject.put({ name: 'b' }, { name: 'a' }, { name: 'a' });
    await subject.settle('fail', await subject.putClaimed({ name: 'c' }, { name: 'c' }));
    await subject.cancel(await subject.putOne({ name: 'c' }));
    const counts = (rows: readonly StatsRow[]): unknown =>
      rows.map(({ name, status, count }) => [name, status, count]);
    assert.deepEqual(counts(await read(subject)), [
      ['a', 'pending', 2],
      ['b', 'pending', 1],
      ['b', 'processing', 1],
      ['c', 'cancelled', 1],
      ['c', 'failed', 1],
    ]);
    assert.deepEqual(counts(await read(subject, 'b')), [
      ['b', 'pending', 1],
      ['b', 'processing', 1],
    ]);
    assert.deepEqual(await read(subject, 'none'), []);
  },

  'of pending jobs those that are due are counted, with the longest wait': async (subject) => {
    const dueTimes = [-500, 0, 10_000, 10_001, 99_999];
    await subject.put(...dueTimes.map((ms) => ({ nextRunAt: subject.at(ms) })));
    assert.deepEqual(only(await read(subject)), {
      ...NO_TIMES,
      name: JOB_NAME,
      status: 'pending',
      count: 5,
      due: 3,
      queueLagMs: 10_500,
    });
  },

  'jobs that are not due yet do not wait': async (subject) => {
    await subject.put({ nextRunAt: subject.at(10_001) });
    const row = { ...NO_TIMES, name: JOB_NAME, status: 'pending', count: 1, due: 0 };
    assert.deepEqual(await read(subject), [row]);
  },

  'of finished jobs the waiting and running times of the last runs are answered': async (
    subject,
  ) => {
    await run(subject, { dueMs: -100, claimedMs: 0 });
    await run(subject, { dueMs: -300, claimedMs: 600 });
    assert.deepEqual(only(await read(subject)), {
      name: JOB_NAME,
      status: 'completed',
      count: 2,
      due: 0,
      queueLagMs: 0,
      meanWaitMs: 500,
      meanRunMs: 700,
      longestRunMs: 1000,
    });
  },

  'a job that was cancelled before it ran counts without a time': async (subject) => {
    await subject.cancel(await subject.putOne());
    const row = { ...NO_TIMES, name: JOB_NAME, status: 'cancelled', count: 1, due: 0 };
    assert.deepEqual(await read(subject), [row]);
    const job = await subject.putClaimed();
    await subject.settle('cancelByHandler', job);
    const mixed = { ...row, count: 2, meanRunMs: 1000, longestRunMs: 1000 };
    assert.deepEqual(await read(subject), [mixed]);
  },

  'names with signs of their own are told apart': async (subject) => {
    const names = ['$name', 'a.b', 'a', ' a'];
    await subject.put(...names.map((name) => ({ name })));
    for (const name of names) {
      const row = only(await read(subject, name));
      assert.deepEqual([row.name, row.count], [name, 1]);
    }
    assert.equal((await read(subject)).length, names.length);
  },
};

/** Reads the stats at time 10,000. */
function read(subject: Subject, name?: string): Promise<readonly StatsRow[]> {
  const now = subject.at(10_000);
  return subject.ledger.readStats(name === undefined ? { now } : { name, now });
}

/** A job that is done at time 1000. */
async function run(
  subject: Subject,
  { dueMs, claimedMs }: { readonly dueMs: number; readonly claimedMs: number },
): Promise<void> {
  const job = await subject.putClaimed(
    { nextRunAt: subject.at(dueMs) },
    { now: subject.at(claimedMs) },
  );
  await subject.settle('complete', job);
}
