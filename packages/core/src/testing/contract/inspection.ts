/**
 * Inspection: what is claimed by whom, and what is due, counted up to a bound.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Job } from '../../job/job.ts';
import type { CountDueParams, CountDueResult } from '../../ledger/ledger-repository.ts';
import {
  type ContractTests,
  INSTANCE,
  OTHER_INSTANCE,
  onForeignJobs,
  type Subject,
} from './subject.ts';

const NO_CLAIMS = { count: 0, isCut: false, byName: [] } as const;

export const inspectionTests: ContractTests = {
  'an instance without claims has none to count': async (subject) => {
    await subject.put({});
    assert.deepEqual(await countClaims(subject), NO_CLAIMS);
    assert.deepEqual(await subject.ledger.countClaims({ limit: 10 }), NO_CLAIMS);
  },

  'the claims of an instance are counted by name, with the oldest of them': async (subject) => {
    await subject.put({ name: 'b' }, { name: 'b' }, { name: 'c' });
    const { jobs } = await subject.claimOf(demandOf('b', 'c'), { now: subject.at(2_000) });
    assert.equal(jobs.length, 3);
    const oldest = await subject.putClaimed({ name: 'a' }, { name: 'a', now: subject.at(1_000) });
    await subject.putClaimed({ name: 'd' }, { name: 'd', now: subject.at(3_000) });
    const other = { name: 'e', instanceId: OTHER_INSTANCE };
    await subject.putClaimed({ name: 'e' }, other);
    assert.deepEqual(await countClaims(subject), {
      count: 5,
      isCut: false,
      byName: [
        { name: 'b', count: 2 },
        { name: 'a', count: 1 },
        { name: 'c', count: 1 },
        { name: 'd', count: 1 },
      ],
      oldest: { jobId: oldest._id, name: 'a', lockedAt: subject.at(1_000) },
    });
  },

  'no more claims are counted than the limit says': async (subject) => {
    await subject.put({}, {}, {});
    await subject.claim();
    const { count, isCut } = await countClaims(subject, 2);
    assert.deepEqual({ count, isCut }, { count: 2, isCut: true });
  },

  'the claims of tools that keep no lease are counted on their own': onForeignJobs(
    async (subject) => {
      await subject.putClaimed();
      const { claimedBy: _, ...foreign } = subject.newJob({
        name: 'foreign',
        status: 'processing',
        lockedAt: subject.at(-5_000),
      });
      await subject.putForeign(foreign);
      const {
        lockedAt: __,
        claimedBy: ___,
        ...unstamped
      } = subject.newJob({
        name: 'foreign',
        status: 'processing',
      });
      await subject.putForeign(unstamped);
      assert.deepEqual(await subject.ledger.countClaims({ limit: 10 }), {
        count: 2,
        isCut: false,
        byName: [{ name: 'foreign', count: 2 }],
        oldest: { jobId: foreign._id, name: 'foreign', lockedAt: subject.at(-5_000) },
      });
    },
  ),

  'a ledger without jobs has nothing due': async (subject) => {
    assert.deepEqual(await countDue(subject), { names: [], isCut: false });
  },

  'due jobs are counted for each name that has pending ones, suspects too': async (subject) => {
    await subject.put(
      { name: 'b', nextRunAt: subject.at(-3_000) },
      { name: 'b', nextRunAt: subject.at(-7_000), priority: 5 },
      { name: 'b', nextRunAt: subject.at(60_000) },
      { name: 'a', nextRunAt: subject.at(60_000) },
      { name: '$c.d', nextRunAt: subject.at(0), rescueCount: 3 },
    );
    await subject.putClaimed({ name: 'claimed' }, { name: 'claimed' });
    assert.deepEqual(await countDue(subject), {
      names: [
        { name: '$c.d', due: 1, isCut: false, queueLagMs: 0 },
        { name: 'a', due: 0, isCut: false, queueLagMs: 0 },
        { name: 'b', due: 2, isCut: false, queueLagMs: 7_000 },
      ],
      isCut: false,
    });
  },

  'beyond the bound the longest wait is that of any priority all the same': async (subject) => {
    await subject.put(
      { priority: -1, nextRunAt: subject.at(-1_000) },
      { priority: -1, nextRunAt: subject.at(-2_000) },
      { priority: 0, nextRunAt: subject.at(-3_000) },
      { priority: 3, nextRunAt: subject.at(-9_000) },
      { priority: 3, nextRunAt: subject.at(-8_000) },
      { priority: 4, nextRunAt: subject.at(50_000) },
    );
    const { names } = await countDue(subject, { mostJobs: 2 });
    assert.deepEqual(
      names.map(({ due, isCut, queueLagMs }) => ({ due, isCut, queueLagMs })),
      [{ due: 2, isCut: true, queueLagMs: 9_000 }],
    );
  },

  'no more names are looked at than the bound says': async (subject) => {
    await subject.put({ name: 'a' }, { name: 'b' }, { name: 'c' });
    const { names, isCut } = await countDue(subject, { mostNames: 2 });
    assert.deepEqual([names.map(({ name }) => name), isCut], [['a', 'b'], true]);
    assert.equal((await countDue(subject, { mostNames: 3 })).isCut, false);
  },

  'names that are asked for are counted alone, whether they have pending jobs or not': async (
    subject,
  ) => {
    await subject.put({ name: 'a' }, { name: 'b' }, { name: 'b' });
    const { names, isCut } = await countDue(subject, { names: ['none', 'b', 'b'], mostNames: 2 });
    assert.deepEqual(
      [names.map(({ name, due }) => [name, due]), isCut],
      [
        [
          ['b', 2],
          ['none', 0],
        ],
        false,
      ],
    );
    const first = await countDue(subject, { names: ['b', 'a'], mostNames: 1 });
    assert.deepEqual([first.names.map(({ name }) => name), first.isCut], [['a'], true]);
  },

  'failed jobs are counted up to a bound, or left out': async (subject) => {
    const jobs = [await subject.putClaimed(), await subject.putClaimed()];
    for (const job of jobs) await subject.settle('fail', job);
    const [{ name }] = jobs as [Job];
    const asked = await countDue(subject, { names: [name, `${name} none`], mostFailed: 1 });
    const counts = asked.names.map(({ failed }) => failed);
    assert.ok(counts.includes(undefined) || (counts[0] === 1 && counts[1] === 0), String(counts));
    const { names } = await countDue(subject, { names: [name] });
    assert.deepEqual(names[0], { name, due: 0, isCut: false, queueLagMs: 0 });
  },

  'a pause is no name with due jobs': async (subject) => {
    await subject.ledger.setPaused({ name: 'a', paused: true, now: subject.at(0) });
    assert.deepEqual(await countDue(subject), { names: [], isCut: false });
  },
};

function demandOf(...names: readonly string[]) {
  return names.map((name) => ({ name, limit: 10 }));
}

function countClaims(subject: Subject, limit = 10) {
  return subject.ledger.countClaims({ instanceId: INSTANCE, limit });
}

/** Counts at time 0. */
function countDue(subject: Subject, bounds: Partial<CountDueParams> = {}): Promise<CountDueResult> {
  return subject.ledger.countDue({ now: subject.at(0), mostNames: 10, mostJobs: 10, ...bounds });
}
