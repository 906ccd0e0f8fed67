/**
 * Round trip: every field of a job comes back as it was stored, from whatever shows it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Job } from '../../job/job.ts';
import { assertSameJob, type ContractTests, only, present, type Subject } from './subject.ts';

export const roundTripTests: ContractTests = {
  'every field of a pending job comes back': async (subject) => {
    const job = await subject.putOne(pendingFields(subject));
    assertSameJob(await subject.read(job), { ...job, ...pendingFields(subject) });
    assertSameJob(only(await list(subject)), job);
  },

  'a claimed job brings all of its fields along': async (subject) => {
    const { startLock: _, startedAt: __, ...fields } = pendingFields(subject);
    const claimed = await subject.putClaimed({ ...fields, uniqueLock: 'lock' });
    assertSameJob(claimed, { ...claimed, ...fields, uniqueLock: 'lock' });
    assertSameJob(await subject.read(claimed), claimed);
    const { claimToken = '', claimedBy = '' } = claimed;
    const read = await subject.ledger.readClaim({ instanceId: claimedBy, claimToken });
    assertSameJob(only(read), claimed);
  },

  'the holder of a lock is shown with all of its fields': async (subject) => {
    const holder = await subject.putOne(pendingFields(subject));
    const { startLock = '' } = holder;
    const answer = only(await subject.enqueue(subject.newJob({ startLock })));
    assert.equal(answer.outcome, 'existing');
    assertSameJob(answer.job, holder);
  },

  'what a run left behind comes back with its types': async (subject) => {
    const left = {
      progress: { done: 3, of: 9n, at: subject.at(1) },
      result: [new Date(7), { deep: { er: null } }, 'text', -0.5],
      logLines: ['Grüße', ''],
      record: { by: 'somebody', reason: 'why', duration: 17, scheduledFor: subject.at(2) },
    };
    const job = await subject.putClaimed();
    await subject.settle('retry', job, { ...left, nextRunAt: subject.at(0) });
    const again = await subject.claimOnly();
    await subject.settle('complete', again, { result: left.result });
    const { progress, result, logs, history } = await subject.read(job);
    assert.deepEqual([progress, result, logs], [left.progress, left.result, left.logLines]);
    assert.deepEqual(history, [{ verb: 'retry', at: subject.at(1000), ...left.record }]);
  },

  'a result that is a plain value comes back, even one that counts as nothing': async (subject) => {
    for (const result of [0, '', false, null, 'text', []]) {
      const job = await subject.putClaimed();
      await subject.settle('complete', job, { result });
      assert.deepEqual((await subject.read(job)).result, result);
    }
  },

  'what a caller does to a job it was given does not reach the stored job': async (subject) => {
    const job = await subject.putOne(pendingFields(subject));
    const shown = [await subject.read(job), only(await list(subject))];
    for (const { logs, history, progress, result, backoff, startAt, metadata } of shown) {
      const { tags, since } = present(metadata);
      (tags as string[]).push('z');
      (since as Date).setTime(0);
      (logs as string[]).push('more');
      Object.assign(present(history?.[0]), { verb: 'changed' });
      for (const value of [progress, result, backoff])
        Object.assign(value as object, { changed: 1 });
      startAt?.setTime(0);
    }
    assertSameJob(await subject.read(job), { ...job, ...pendingFields(subject) });
  },

  'what a caller does to the fields of a settlement afterwards does not reach the stored job':
    async (subject) => {
      const job = await subject.putClaimed();
      const logLines = ['line'];
      const [progress, result] = [{ list: [1] }, { list: [1] }];
      await subject.settle('complete', job, { progress, result, logLines });
      logLines.push('more');
      progress.list.push(2);
      result.list.push(2);
      const stored = await subject.read(job);
      assert.deepEqual([stored.progress, stored.result], [{ list: [1] }, { list: [1] }]);
      assert.deepEqual(stored.logs, ['line']);
    },
};

function list({ ledger }: Subject): Promise<readonly Job[]> {
  return ledger.findJobs({ filter: {}, orderBy: '_id', direction: 'ascending', limit: 10 });
}

/** Every field that a pending job can have. */
function pendingFields(subject: Subject): Partial<Job> {
  return {
    data: { to: 'somebody' },
    metadata: { tenant: 'a', tags: ['x', 'y'], since: subject.at(-7), limits: { rows: 3 } },
    priority: -3,
    failReason: 'Earlier',
    rescueCount: 1,
    maxRetries: 7,
    backoff: { type: 'exponential', delay: 250, maxDelay: 9000, jitter: 0.5 },
    timeout: 1234,
    startedAt: subject.at(-60_000),
    lastToken: 'earlier-token',
    uniqueKey: 'key',
    uniqueHold: 'untilStarted',
    startLock: 'key:key',
    supersedes: 'finish',
    windowUntil: subject.at(99_000),
    repeatInterval: '0 0 * * *',
    timezone: 'Europe/Berlin',
    startAt: subject.at(-1000),
    endAt: subject.at(1e9),
    missed: 'all',
    seriesVersion: 4,
    scheduledFor: subject.at(5000),
    trace: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'vendor=1' },
    progress: { percent: 40 },
    logs: ['one', 'two'],
    result: { rows: [1, 2] },
    stages: [
      { name: 'first', at: subject.at(-20), result: { rows: [1] } },
      { name: 'second', at: subject.at(-10) },
    ],
    gates: [{ name: 'checked', at: subject.at(-15), evidence: { pages: 3 }, by: 'ann' }],
    blockedBy: 'pdf-ready',
    blockedAt: subject.at(-4),
    blockedUntil: subject.at(4000),
    history: [
      { verb: 'retry', at: subject.at(-5), by: 'a', reason: 'Boom', duration: 12 },
      { verb: 'repeat', at: subject.at(-3), scheduledFor: subject.at(-9), skipped: 2 },
    ],
  };
}
