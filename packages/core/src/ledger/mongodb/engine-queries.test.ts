import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import type { Settlement } from '../verbs/settle.ts';
import {
  claimableFilter,
  claimantFilter,
  claimStatement,
  claimsFilter,
  dueWindowFilter,
  firstIdAt,
  holdersFilter,
  JOB_ID,
  prunableFilter,
  pruneWalkFilter,
  settleStatements,
  staleCopyStatement,
  staleFilter,
} from './engine-queries.ts';

const NOW = new Date('2025-01-01T00:00:00Z');
const LATER = new Date('2025-01-01T00:00:05Z');
const CLAIM = { claimToken: 'token', instanceId: 'instance', now: NOW };

test('a claim looks past suspects, or for nothing else', () => {
  expect(claimableFilter(['a', 'b'], NOW, false)).toEqual({
    ...{ status: 'pending', nextRunAt: { $lte: NOW }, name: { $in: ['a', 'b'] }, _id: JOB_ID },
    ...{ rescueCount: { $not: { $gte: 2 } }, priority: { $not: { $gte: 101 } } },
  });
  expect(claimableFilter(['a'], NOW, true).rescueCount).toEqual({ $exists: true, $gte: 2 });
});

test('a claim writes only to jobs that are still as they were found', () => {
  const ids = [new ObjectId(), new ObjectId()];
  const { q, multi, hint } = claimStatement(ids, {
    ...CLAIM,
    suspects: false,
    demand: [{ name: 'work', limit: 5 }],
  });
  expect(q).toEqual({
    ...{ _id: { $in: ids }, status: 'pending', nextRunAt: { $lte: NOW } },
    ...{ rescueCount: { $not: { $gte: 2 } }, lane: { $eq: null } },
    name: { $in: ['work'] },
  });
  expect({ multi, hint }).toEqual({ multi: true, hint: '_id_' });
});

test('claims are looked for by instance, and by token where there is one', () => {
  expect(claimsFilter('a')).toEqual({ status: 'processing', claimedBy: 'a', _id: JOB_ID });
  expect(claimsFilter('a', 't')).toEqual({
    ...{ status: 'processing', claimedBy: 'a', claimToken: 't', _id: JOB_ID },
  });
  expect(claimantFilter(['a'], 'b')).toEqual({
    status: 'processing',
    claimedBy: { $gt: 'b', $nin: ['a'] },
    _id: JOB_ID,
  });
});

test('a window of due times leaves out its start and takes in its end', () => {
  expect(dueWindowFilter(['a'], NOW, LATER)).toEqual({
    ...{ status: 'pending', name: { $in: ['a'] }, nextRunAt: { $gt: NOW, $lte: LATER } },
    _id: JOB_ID,
  });
});

test('the holders of locks are looked for by name and locks, all at once', () => {
  const a = { name: 'a', uniqueLock: 'lock' };
  const b = { name: 'b', uniqueLock: 'lock' };
  expect(holdersFilter([a, { ...a, uniqueLock: 'other' }])).toEqual({
    name: 'a',
    uniqueLock: { $in: ['lock', 'other'] },
  });
  expect(holdersFilter([a, b])).toEqual({
    $or: [
      { name: 'a', uniqueLock: { $in: ['lock'] } },
      { name: 'b', uniqueLock: { $in: ['lock'] } },
    ],
  });
});

test('each kind of lock is looked for in its own field', () => {
  const jobs = [
    { name: 'a', uniqueLock: 'x' },
    { name: 'a', startLock: 'x' },
    { name: 'a', windowLock: 'x' },
  ];
  expect(holdersFilter(jobs)).toEqual({
    $or: [
      { name: 'a', uniqueLock: { $in: ['x'] } },
      { name: 'a', startLock: { $in: ['x'] } },
      { name: 'a', windowLock: { $in: ['x'] } },
    ],
  });
});

test('settlements that write the same become one statement', () => {
  const settlements = [end('complete', 't'), end('complete', 't'), end('release', 't')];
  const [complete, release, ...others] = settleStatements(settlements, NOW);
  expect(others).toEqual([]);
  expect(complete?.q).toMatchObject({
    _id: { $in: settlements.slice(0, 2).map(({ jobId }) => jobId) },
    claimToken: { $eq: 't' },
  });
  expect(release?.q._id).toBe(settlements[2]?.jobId);
});

test('settlements of two claims, and each retry and failure, are statements of their own', () => {
  const settlements = [
    ...[end('complete', 'a'), end('complete', 'b')],
    ...[end('retry', 'a'), end('retry', 'a'), end('fail', 'a'), end('fail', 'a')],
  ];
  const statements = settleStatements(settlements, NOW);
  expect(statements.map(({ q }) => q._id)).toEqual(settlements.map(({ jobId }) => jobId));
  expect(statements.every(({ multi, hint }) => multi && hint === '_id_')).toBe(true);
});

test('an end that carries something of its own is a statement of its own', () => {
  const own: Partial<Settlement>[] = [
    ...[{ seriesVersion: 1 }, { result: 0 }, { progress: null }, { logLines: ['a'] }],
    { record: { reason: 'Stopped' } },
  ];
  for (const verb of ['complete', 'release', 'cancelled'] as const) {
    const settlements = own.flatMap((more) => [end(verb, 't', more), end(verb, 't', more)]);
    expect(settleStatements(settlements, NOW)).toHaveLength(2 * own.length);
    expect(settleStatements([end(verb, 't'), end(verb, 't')], NOW)).toHaveLength(1);
  }
});

test('jobs of tools without a lease are found by the guards of the verb, whether asked to cancel or not', () => {
  expect(staleFilter(NOW)).toEqual({
    ...{ status: 'processing', claimedBy: { $eq: null }, lockedAt: { $lte: NOW } },
    _id: JOB_ID,
  });
});

test('an id holds a time of creation in whole seconds', () => {
  const second = firstIdAt(NOW.getTime());
  expect(second.getTimestamp()).toEqual(NOW);
  expect(second.toHexString().slice(8)).toBe('0'.repeat(16));
  // A job of this second was created before its last millisecond, and not before its first.
  expect(firstIdAt(NOW.getTime() + 1).getTimestamp()).toEqual(new Date('2025-01-01T00:00:01Z'));
  expect(firstIdAt(-5).toHexString()).toBe('0'.repeat(24));
});

test('the walk through old jobs is bounded on both sides, so that it meets only ids of jobs', () => {
  const after = new ObjectId();
  expect(pruneWalkFilter(after, NOW)).toEqual({
    _id: { $gt: after, $lt: firstIdAt(NOW.getTime()) },
  });
  expect(pruneWalkFilter(undefined, NOW)._id.$gt).toEqual(firstIdAt(0));
});

test('a job leaves in the state it was seen in, and not before its window is over', () => {
  const ids = [new ObjectId()];
  expect(prunableFilter(ids, 'failed', { finishedBefore: NOW, now: LATER })).toEqual({
    ...{ _id: { $in: ids }, status: 'failed', finishedAt: { $lte: NOW } },
    windowUntil: { $not: { $gte: LATER } },
  });
});

test('a copy that is newer than the job stays in the archive', () => {
  const _id = new ObjectId();
  expect(staleCopyStatement({ _id, updatedAt: NOW })).toEqual({
    ...{ q: { _id, updatedAt: { $not: { $gt: NOW } } }, limit: 1, hint: '_id_' },
  });
});

function end(
  verb: Settlement['verb'],
  claimToken: string,
  more: Partial<Settlement> = {},
): Settlement {
  return { verb, jobId: new ObjectId(), claimToken, fence: 1, lastFailCount: 1, ...more };
}
