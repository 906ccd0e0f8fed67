/**
 * Redrive: a failed or cancelled job runs again, with its unique key if nobody else holds it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Job } from '../../job/job.ts';
import { seriesLock } from '../../job/unique-locks.ts';
import type { RedriveResult } from '../../ledger/ledger-repository.ts';
import { midnight, putClaimedSeries, putSeries, SERIES_KEY } from './series-jobs.ts';
import {
  assertSameJob,
  type ContractTests,
  idsOf,
  only,
  present,
  type Subject,
} from './subject.ts';

const LOCKED = { uniqueKey: 'key', uniqueLock: 'key:key' } as const;
const START_LOCKED = {
  uniqueKey: 'key',
  uniqueHold: 'untilStarted',
  startLock: 'key:key',
} as const;

export const redriveTests: ContractTests = {
  'a failed job that is redriven runs again as if it had never failed': async (subject) => {
    const job = await failed(subject);
    const { outcome, job: shown } = await redrive(subject, job);
    assert.equal(outcome, 'redriven');
    const stored = await subject.read(job);
    assertSameJob(present(shown), stored);
    assert.deepEqual(
      [stored.status, stored.failCount, stored.failReason, stored.finishedAt],
      ['pending', 0, undefined, undefined],
    );
    assert.deepEqual((await subject.claim({ now: subject.at(4999) })).jobs, []);
    const again = await subject.claimOnly({ now: subject.at(5000) });
    // Once for being put back, which a claim that is still on its way must not match, and once for the claim.
    assert.equal(again.fence, job.fence + 2);
    assert.equal(await subject.settle('complete', again), 'settled');
  },

  'a job that was cancelled on request is not cancelled again when it is redriven': async (
    subject,
  ) => {
    const job = await subject.putClaimed();
    await subject.cancel(job);
    await subject.settle('cancelled', job);
    assert.equal((await redrive(subject, job)).outcome, 'redriven');
    const again = await subject.claimOnly({ now: subject.at(5000) });
    assert.equal(again.cancelRequestedAt, undefined);
    assert.equal(await subject.settle('release', again), 'settled');
  },

  'a redrive is noted in the history': async (subject) => {
    const job = await failed(subject);
    await redrive(subject, job);
    const { verb, at } = present((await subject.read(job)).history?.at(-1));
    assert.deepEqual({ verb, at }, { verb: 'redrive', at: subject.at(4000) });
  },

  'a job that was rescued too often is no suspect once it is redriven': async (subject) => {
    const job = await subject.putClaimed();
    await subject.rescue({ rescueLimit: 1 });
    assert.equal(await subject.statusOf(job), 'failed');
    await redrive(subject, job);
    const again = await subject.claimOnly({ now: subject.at(5000) });
    assert.equal(again.rescueCount, undefined);
  },

  'a job that did neither fail nor get cancelled refuses to be redriven and is shown': async (
    subject,
  ) => {
    const pending = await subject.putOne({ name: 'pending' });
    const processing = await subject.putClaimed();
    const completed = await subject.putClaimed();
    await subject.settle('complete', completed);
    for (const job of [pending, processing, completed]) {
      const before = await subject.read(job);
      const { outcome, job: shown } = await redrive(subject, job);
      assert.equal(outcome, 'refused');
      assertSameJob(present(shown), before);
      assertSameJob(await subject.read(job), before);
    }
  },

  'a job that is not there cannot be redriven': async (subject) => {
    assert.deepEqual(await redrive(subject, subject.newJob()), { outcome: 'missing', job: null });
  },

  'a redriven job holds its unique key again': async (subject) => {
    const job = await failed(subject, LOCKED);
    await redrive(subject, job);
    const [answer] = await subject.enqueue(subject.newJob(LOCKED));
    assert.equal(answer?.outcome, 'existing');
    assert.equal((await subject.read(job)).uniqueLock, LOCKED.uniqueLock);
  },

  'a redriven job holds a key that it held until it was started, until it is started again': async (
    subject,
  ) => {
    const job = await failed(subject, START_LOCKED);
    await redrive(subject, job);
    const [answer] = await subject.enqueue(subject.newJob(START_LOCKED));
    assert.equal(answer?.outcome, 'existing');
    await subject.claimOnly({ now: subject.at(5000) });
    await subject.put(START_LOCKED);
  },

  'a job whose key another job took is not redriven, and the holder is the answer': async (
    subject,
  ) => {
    for (const [name, fields] of Object.entries({ LOCKED, START_LOCKED })) {
      const job = await failed(subject, { ...fields, name });
      const before = await subject.read(job);
      const holder = await subject.putOne({ ...fields, name });
      const result = await redrive(subject, job);
      assert.equal(result.outcome, 'taken');
      assertSameJob(present(result.holder), holder);
      assertSameJob(present(result.job), before);
      assertSameJob(await subject.read(job), before);
    }
  },

  'a job is redriven once its key is free again': async (subject) => {
    const job = await failed(subject, LOCKED);
    const holder = await subject.putOne({ ...LOCKED });
    assert.equal((await redrive(subject, job)).outcome, 'taken');
    await subject.cancel(holder);
    assert.equal((await redrive(subject, job)).outcome, 'redriven');
    assert.equal((await redrive(subject, holder)).outcome, 'taken');
  },

  'of two concurrent redrives of jobs with one key one is redriven': async (subject) => {
    const jobs = [await failed(subject, LOCKED), await failed(subject, LOCKED)];
    const results = await Promise.all(jobs.map((job) => redrive(subject, job)));
    assert.deepEqual(results.map(({ outcome }) => outcome).sort(), ['redriven', 'taken']);
    const states = await Promise.all(jobs.map((job) => subject.statusOf(job)));
    assert.deepEqual(states.sort(), ['failed', 'pending']);
  },

  'a redrive that is sent twice is carried out once': async (subject) => {
    const job = await failed(subject);
    const results = await Promise.all([redrive(subject, job), redrive(subject, job)]);
    assert.deepEqual(results.map(({ outcome }) => outcome).sort(), ['redriven', 'refused']);
    assert.equal((await subject.read(job)).history?.length, 1);
  },

  'a failed series that is redriven goes on with its key': async (subject) => {
    const job = await putClaimedSeries(subject, { endAt: midnight(subject) });
    await subject.settle('discard', job);
    assert.equal((await redrive(subject, job)).outcome, 'redriven');
    const stored = await subject.read(job);
    assert.equal(stored.uniqueLock, seriesLock(SERIES_KEY));
    assert.deepEqual(stored.scheduledFor, midnight(subject));
  },

  'the last run of a series that was ended runs again without a key, beside a new series': async (
    subject,
  ) => {
    const job = await putSeries(subject);
    await subject.ledger.endSeries({ jobId: job._id, seriesVersion: 1, now: subject.at(1) });
    const successor = await putSeries(subject, { nextRunAt: subject.at(9000) });
    assert.equal((await redrive(subject, job)).outcome, 'redriven');
    assert.equal((await subject.read(job)).uniqueLock, undefined);
    const found = await subject.ledger.findSeries({ limit: 10 });
    assert.deepEqual(idsOf(found), idsOf([successor]));
    const again = only((await subject.claim({ now: subject.at(5000) })).jobs);
    assert.equal(await subject.settle('complete', again), 'settled');
  },

  'a job keeps the window of its key when it is redriven': async (subject) => {
    const window = {
      uniqueKey: 'key',
      uniqueHold: 'window',
      windowLock: 'window:1000:1:key',
      windowUntil: subject.at(60_000),
    } as const;
    const job = await failed(subject, window);
    assert.equal((await redrive(subject, job)).outcome, 'redriven');
    assert.equal((await subject.read(job)).windowLock, window.windowLock);
    assert.equal((await subject.enqueue(subject.newJob(window)))[0]?.outcome, 'existing');
  },
};

/** Redrives a job at time 4000, to run at time 5000. */
function redrive(subject: Subject, { _id }: Job): Promise<RedriveResult> {
  const [now, nextRunAt] = [subject.at(4000), subject.at(5000)];
  return subject.ledger.redrive({ jobId: _id, now, nextRunAt });
}

async function failed(subject: Subject, fields: Partial<Job> = {}): Promise<Job> {
  const name = fields.name === undefined ? {} : { name: fields.name };
  const job = await subject.putClaimed(fields, name);
  assert.equal(await subject.settle('fail', job), 'settled');
  return subject.read(job);
}
