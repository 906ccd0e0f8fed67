/**
 * Gates: a job waits at one without a claim until somebody opens it, or its time is over.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { GateRecord, Job } from '../../job/job.ts';
import type { OpenGateResult } from '../../ledger/ledger-repository.ts';
import { midnight, putClaimedSeries, SERIES_KEY } from './series-jobs.ts';
import { assertSameJob, type ContractTests, only, present, type Subject } from './subject.ts';

const MANY = 50;

/** What evidence and a job that come to a gate at the same time may be answered, with the state the job is then in. */
const ENDS_OF_BOTH = ['opened, gateOpen, processing', 'unblocked, settled, pending'];

export const gateTests: ContractTests = {
  'a job at a gate is held by nobody and keeps its unique key': async (subject) => {
    const job = await subject.putClaimed({ uniqueKey: 'key', uniqueLock: 'key:key' });
    assert.equal(await block(subject, job), 'settled');
    const { claimToken, claimedBy, lockedAt, lastToken, ...stored } = await subject.read(job);
    assert.deepEqual([claimToken, claimedBy, lockedAt], [undefined, undefined, undefined]);
    assert.equal(lastToken, job.claimToken);
    const { status, blockedBy, blockedAt, blockedUntil } = stored;
    assert.deepEqual([status, blockedBy], ['blocked', 'a']);
    assert.deepEqual([blockedAt, blockedUntil], [subject.at(1000), subject.at(5000)]);
    assert.deepEqual((await subject.claim()).jobs, []);
    assert.deepEqual(await subject.ledger.findClaimants({ except: [] }), []);
    const answer = only(await subject.enqueue(subject.newJob({ uniqueLock: 'key:key' })));
    assert.equal(answer.outcome, 'existing');
  },

  'a job at a gate stands in lists and statistics and is never pruned': async (subject) => {
    const job = await subject.putClaimed();
    await block(subject, job);
    const listed = await subject.ledger.findJobs({
      filter: { statuses: ['blocked'] },
      orderBy: '_id',
      direction: 'ascending',
      limit: 10,
    });
    assert.deepEqual(
      listed.map(({ _id }) => _id.toHexString()),
      [job._id.toHexString()],
    );
    const rows = await subject.ledger.readStats({ now: subject.at(9000) });
    assert.deepEqual([only(rows).status, only(rows).count, only(rows).due], ['blocked', 1, 0]);
    assert.equal((await subject.prune()).pruned, 0);
    assert.equal(await subject.statusOf(job), 'blocked');
  },

  'its evidence makes a job pending that waits at the gate': async (subject) => {
    const job = await subject.putClaimed({ nextRunAt: subject.at(-500) });
    await block(subject, job);
    const { outcome, job: shown } = await open(subject, job);
    assert.equal(outcome, 'unblocked');
    const stored = await subject.read(job);
    assertSameJob(present(shown), stored);
    const { status, nextRunAt, gates, blockedBy, blockedAt, blockedUntil, history } = stored;
    assert.deepEqual([status, nextRunAt], ['pending', subject.at(2000)]);
    assert.deepEqual(gates, [evidenceOf(subject, 'a')]);
    assert.deepEqual([blockedBy, blockedAt, blockedUntil], [undefined, undefined, undefined]);
    const entry = { verb: 'unblock', at: subject.at(2000), by: 'ann', reason: "Gate 'a'" };
    assert.deepEqual(history?.at(-1), entry);
    assert.equal((await subject.claim({ now: subject.at(2000) })).jobs.length, 1);
  },

  'a gate is opened before the job comes to it, in any state that is not finished': async (
    subject,
  ) => {
    const waiting = await subject.putOne();
    assert.equal((await open(subject, waiting)).outcome, 'opened');
    const running = await subject.claimOnly();
    assert.equal((await open(subject, running, 'b')).outcome, 'opened');
    assert.equal(await block(subject, running, 'c'), 'settled');
    assert.equal((await open(subject, running, 'd')).outcome, 'opened');
    const { status, gates, blockedBy, history } = await subject.read(running);
    assert.deepEqual([status, blockedBy], ['blocked', 'c']);
    assert.deepEqual(
      gates?.map(({ name }) => name),
      ['a', 'b', 'd'],
    );
    assert.deepEqual(
      history?.map(({ verb }) => verb),
      ['openGate', 'openGate', 'openGate'],
    );
  },

  'a job does not come to rest at a gate that is open': async (subject) => {
    const job = await subject.putClaimed();
    await open(subject, job);
    const before = await subject.read(job);
    assert.equal(await block(subject, job), 'gateOpen');
    assertSameJob(await subject.read(job), before);
  },

  'a job does not come to rest with other stages recorded than was said': async (subject) => {
    const job = await subject.putClaimed();
    const before = await subject.read(job);
    assert.equal(await block(subject, job, 'a', { stagesBefore: ['first'] }), 'refused');
    assertSameJob(await subject.read(job), before);
  },

  'a job whose cancellation was asked for does not come to rest at a gate': async (subject) => {
    const job = await subject.putClaimed();
    await subject.cancel(job);
    assert.equal(await block(subject, job), 'cancelRequested');
    assert.equal(await subject.statusOf(job), 'processing');
  },

  'the end of a claim at a gate sent again is answered alike': async (subject) => {
    const job = await subject.putClaimed();
    await block(subject, job);
    const before = await subject.read(job);
    assert.equal(await block(subject, job), 'settled');
    assertSameJob(await subject.read(job), before);
  },

  'a gate that is open keeps its first evidence': async (subject) => {
    const job = await subject.putOne();
    await open(subject, job);
    const before = await subject.read(job);
    const again = { ...evidenceOf(subject, 'a'), evidence: 'other', by: 'bob' };
    const now = subject.at(3000);
    const result = await subject.ledger.openGate({ jobId: job._id, record: again, now });
    assert.equal(result.outcome, 'open');
    assertSameJob(present(result.job), before);
    assertSameJob(await subject.read(job), before);
  },

  'of many concurrent openings of one gate a single one stands': async (subject) => {
    const job = await subject.putClaimed();
    await block(subject, job);
    const calls = Array.from({ length: MANY }, (_, evidence) =>
      subject.ledger.openGate({
        jobId: job._id,
        record: { ...evidenceOf(subject, 'a'), evidence },
        now: subject.at(2000),
      }),
    );
    const outcomes = (await Promise.all(calls)).map(({ outcome }) => outcome);
    assert.deepEqual(
      outcomes.filter((outcome) => outcome !== 'open'),
      ['unblocked'],
    );
    const { gates, status } = await subject.read(job);
    assert.equal(status, 'pending');
    assert.deepEqual(
      gates?.map(({ evidence }) => evidence),
      [outcomes.indexOf('unblocked')],
    );
  },

  'evidence that comes while the job comes to its gate leaves it waiting at no open gate': async (
    subject,
  ) => {
    for (let round = 0; round < MANY / 5; round += 1) {
      const job = await subject.putClaimed();
      const [answer, { outcome }] = await Promise.all([block(subject, job), open(subject, job)]);
      const { status } = await subject.read(job);
      assert.ok(ENDS_OF_BOTH.includes(`${outcome}, ${answer}, ${status}`));
      await subject.settle('release', job);
      await subject.ledger.remove({ jobId: job._id });
    }
  },

  'a finished job refuses evidence and is shown, and one that is not there is missing': async (
    subject,
  ) => {
    const job = await subject.putClaimed();
    await subject.settle('complete', job);
    const before = await subject.read(job);
    const { outcome, job: shown } = await open(subject, job);
    assert.equal(outcome, 'refused');
    assertSameJob(present(shown), before);
    assertSameJob(await subject.read(job), before);
    assert.deepEqual(await open(subject, subject.newJob()), { outcome: 'missing', job: null });
  },

  'evidence comes back with its types, and is shared with nobody': async (subject) => {
    const job = await subject.putOne();
    const evidence = { pages: 3n, bytes: Buffer.from('abc'), list: [new Date(7)] };
    const gate = { name: '$a.b', at: subject.at(5), evidence };
    await subject.ledger.openGate({ jobId: job._id, record: gate, now: subject.at(5) });
    evidence.list.push(new Date(8));
    const expected = { ...evidence, list: [new Date(7)] };
    const { gates } = await subject.read(job);
    assert.deepEqual(gates, [{ name: '$a.b', at: subject.at(5), evidence: expected }]);
    Object.assign(present(gates)[0]?.evidence as object, { changed: true });
    assert.deepEqual((await subject.read(job)).gates?.[0]?.evidence, expected);
  },

  'a job at a gate is cancelled at once, and deleted at once': async (subject) => {
    const first = await subject.putClaimed();
    await block(subject, first);
    assert.equal((await subject.cancel(first)).outcome, 'cancelled');
    const { status, blockedBy, blockedUntil } = await subject.read(first);
    assert.deepEqual([status, blockedBy, blockedUntil], ['cancelled', undefined, undefined]);
    const second = await subject.putClaimed();
    await block(subject, second);
    assert.equal((await subject.ledger.remove({ jobId: second._id })).outcome, 'removed');
  },

  'a job that waited too long at a gate has failed, and one that may wait on waits': async (
    subject,
  ) => {
    const [late, soon, always] = [
      await subject.putClaimed(),
      await subject.putClaimed(),
      await subject.putClaimed(),
    ];
    await block(subject, late);
    await block(subject, soon, 'a', { blockedUntil: subject.at(6001) });
    await block(subject, always, 'a', { blockedUntil: undefined });
    const result = await subject.ledger.expireGates({ now: subject.at(6000), limit: 10 });
    assert.deepEqual(result, { failed: 1, pending: 0 });
    const { status, failReason, failCount, finishedAt, history } = await subject.read(late);
    const reason = "The gate 'a' was not opened in time";
    assert.deepEqual([status, failReason, failCount], ['failed', reason, 0]);
    assert.deepEqual(finishedAt, subject.at(6000));
    assert.deepEqual(history?.at(-1), { verb: 'expireGate', at: subject.at(6000), reason });
    assert.deepEqual(
      [await subject.statusOf(soon), await subject.statusOf(always)],
      ['blocked', 'blocked'],
    );
  },

  'a call ends at most so many waits, those first that should have ended first': async (
    subject,
  ) => {
    const jobs: Job[] = [];
    for (const untilMs of [3000, 1000, 2000]) {
      const job = await subject.putClaimed();
      await block(subject, job, `gate ${untilMs}`, { blockedUntil: subject.at(untilMs) });
      jobs.push(job);
    }
    const expire = (limit: number): Promise<unknown> =>
      subject.ledger.expireGates({ now: subject.at(9000), limit });
    assert.deepEqual(await expire(2), { failed: 2, pending: 0 });
    const statuses = await Promise.all(jobs.map((job) => subject.statusOf(job)));
    assert.deepEqual(statuses, ['blocked', 'failed', 'failed']);
    assert.deepEqual(await expire(2), { failed: 1, pending: 0 });
    assert.deepEqual(await expire(2), { failed: 0, pending: 0 });
  },

  'of many concurrent evidence and ends of the wait one decides': async (subject) => {
    const job = await subject.putClaimed();
    await block(subject, job);
    const now = subject.at(6000);
    const results = await Promise.all([
      open(subject, job),
      ...Array.from({ length: MANY }, () => subject.ledger.expireGates({ now, limit: 10 })),
    ]);
    const [{ outcome }, ...expiries] = results as [OpenGateResult, ...{ failed: number }[]];
    const failed = expiries.reduce((sum, result) => sum + result.failed, 0);
    const opened = Number(outcome === 'unblocked');
    assert.equal(failed + opened, 1);
    assert.equal(await subject.statusOf(job), ['failed', 'pending'][opened]);
  },

  'a series whose run waited too long goes on with its next run': async (subject) => {
    const job = await putClaimedSeries(subject, { stages: [{ name: 'x', at: subject.at(0) }] });
    await block(subject, job);
    const result = await subject.ledger.expireGates({ now: subject.at(6000), limit: 10 });
    assert.deepEqual(result, { failed: 0, pending: 1 });
    const { status, scheduledFor, nextRunAt, stages, blockedBy } = await subject.read(job);
    assert.deepEqual([status, stages, blockedBy], ['pending', undefined, undefined]);
    assert.deepEqual([scheduledFor, nextRunAt], [midnight(subject, 1), midnight(subject, 1)]);
  },

  'the run of a series at a gate is found, cancelled for its next run, and ended with it': async (
    subject,
  ) => {
    const job = await putClaimedSeries(subject);
    await block(subject, job);
    const found = await subject.ledger.findSeries({ key: SERIES_KEY, limit: 10 });
    assert.equal(only(found).status, 'blocked');
    assert.equal((await subject.cancel(job)).outcome, 'skipped');
    const { status, scheduledFor, blockedBy } = await subject.read(job);
    assert.deepEqual([status, blockedBy], ['pending', undefined]);
    assert.deepEqual(scheduledFor, midnight(subject, 1));
    const [again] = (await subject.claim({ now: midnight(subject, 1) })).jobs;
    await block(subject, present(again));
    const { seriesVersion = 0 } = job;
    const now = subject.at(3000);
    const ended = await subject.ledger.endSeries({ jobId: job._id, seriesVersion, now });
    assert.deepEqual([ended.outcome, ended.job?.status], ['written', 'cancelled']);
  },

  'a new plan leaves the run of a series at its gate': async (subject) => {
    const job = await putClaimedSeries(subject);
    await block(subject, job);
    const { seriesVersion = 0 } = job;
    const now = subject.at(3000);
    const series = { repeatInterval: '30 4 * * *' };
    const result = await subject.ledger.replan({ jobId: job._id, seriesVersion, series, now });
    const { status, blockedBy, repeatInterval } = present(result.job);
    assert.deepEqual([status, blockedBy, repeatInterval], ['blocked', 'a', '30 4 * * *']);
  },
};

/** Ends a claim at a gate at time 1000; the job may wait until time 5000. */
function block(
  subject: Subject,
  job: Job,
  gate = 'a',
  changes: {
    readonly stagesBefore?: readonly string[];
    readonly blockedUntil?: Date | undefined;
  } = {},
): Promise<unknown> {
  const { blockedUntil, ...rest } = { blockedUntil: subject.at(5000), ...changes };
  return subject.settle('block', job, { gate, ...(blockedUntil && { blockedUntil }), ...rest });
}

/** Opens a gate at time 2000. */
function open(subject: Subject, { _id: jobId }: Job, gate = 'a'): Promise<OpenGateResult> {
  const record = evidenceOf(subject, gate);
  return subject.ledger.openGate({ jobId, record, now: subject.at(2000) });
}

function evidenceOf(subject: Subject, name: string): GateRecord {
  return { name, at: subject.at(2000), evidence: { pages: 3 }, by: 'ann' };
}
