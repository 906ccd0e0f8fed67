import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { JOB_LIFECYCLE } from '../../lifecycle.ts';
import type { Settlement } from '../settlement.ts';
import {
  claimableFilter,
  claimantFilter,
  claimStatement,
  claimsFilter,
  dueWindowFilter,
  guardedStatement,
  hintPipeline,
  holdersFilter,
  settleStatements,
  transitionFilter,
  transitionUpdate,
} from './queries.ts';

const NOW = new Date('2025-01-01T00:00:00Z');
const LATER = new Date('2025-01-01T00:00:05Z');
const CLAIM = { claimToken: 'token', instanceId: 'instance', now: NOW };

test('a filter names the states a verb starts from', () => {
  expect(transitionFilter('cancel', {})).toEqual({ status: 'pending' });
  expect(transitionFilter('remove', {})).toEqual({
    status: { $in: ['pending', 'completed', 'failed', 'cancelled'] },
  });
});

test('every guard of every verb is in its filter', () => {
  for (const verb of JOB_LIFECYCLE.verbs) {
    const { guards = [] } = JOB_LIFECYCLE.transitions[verb];
    const filter = transitionFilter(verb, { lastFailCount: 1, lastRescueCount: 1 });
    expect(Object.keys(filter)).toEqual(['status', ...guards.map(({ field }) => field)]);
  }
});

test('a guard that a field is present or absent asks for just that', () => {
  const { cancelRequestedAt } = transitionFilter('cancelled', { claimToken: 'token' });
  expect(cancelRequestedAt).toEqual({ $exists: true });
  expect(transitionFilter('release', { claimToken: 'token' })).toEqual({
    status: 'processing',
    claimToken: { $eq: 'token' },
    cancelRequestedAt: { $exists: false },
  });
});

test('an absent number counts as zero on both sides of a bound', () => {
  const below = (lastFailCount: number) => transitionFilter('retry', { lastFailCount }).failCount;
  const atLeast = (lastFailCount: number) => transitionFilter('fail', { lastFailCount }).failCount;
  // Zero is below three, so an absent field has to match.
  expect(below(3)).toEqual({ $not: { $gte: 3 } });
  expect(atLeast(3)).toEqual({ $gte: 3 });
  // Zero is not below zero, so an absent field must not match.
  expect(below(0)).toEqual({ $lt: 0 });
  expect(atLeast(0)).toEqual({ $not: { $lt: 0 } });
});

test('an update sets, raises and removes what its row says', () => {
  expect(transitionUpdate('claim', CLAIM)).toEqual({
    $set: {
      ...{ status: 'processing', claimToken: 'token', claimedBy: 'instance' },
      ...{ lockedAt: NOW, updatedAt: NOW },
    },
    $inc: { fence: 1 },
  });
  expect(transitionUpdate('complete', CLAIM)).toEqual({
    $set: { status: 'completed', lastToken: 'token', updatedAt: NOW, finishedAt: NOW },
    $unset: { claimToken: '', claimedBy: '', lockedAt: '', uniqueLock: '' },
  });
  expect(transitionUpdate('requestCancel', CLAIM)).toEqual({
    $set: { status: 'processing', cancelRequestedAt: NOW, updatedAt: NOW },
  });
});

test('a claim looks past suspects, or for nothing else', () => {
  expect(claimableFilter(['a', 'b'], NOW, false)).toEqual({
    ...{ status: 'pending', nextRunAt: { $lte: NOW }, name: { $in: ['a', 'b'] } },
    rescueCount: { $not: { $gte: 2 } },
  });
  expect(claimableFilter(['a'], NOW, true).rescueCount).toEqual({ $exists: true, $gte: 2 });
});

test('a claim writes only to jobs that are still as they were found', () => {
  const ids = [new ObjectId(), new ObjectId()];
  const { q, multi, hint } = claimStatement(ids, { ...CLAIM, suspects: false });
  expect(q).toEqual({
    ...{ _id: { $in: ids }, status: 'pending', nextRunAt: { $lte: NOW } },
    rescueCount: { $not: { $gte: 2 } },
  });
  expect({ multi, hint }).toEqual({ multi: true, hint: '_id_' });
});

test('claims are looked for by instance, and by token where there is one', () => {
  expect(claimsFilter('a')).toEqual({ status: 'processing', claimedBy: 'a' });
  expect(claimsFilter('a', 't')).toEqual({
    ...{ status: 'processing', claimedBy: 'a', claimToken: 't' },
  });
  expect(claimantFilter(['a'], 'b')).toEqual({
    status: 'processing',
    claimedBy: { $gt: 'b', $nin: ['a'] },
  });
});

test('a window of due times leaves out its start and takes in its end', () => {
  expect(dueWindowFilter(['a'], NOW, LATER)).toEqual({
    ...{ status: 'pending', name: { $in: ['a'] }, nextRunAt: { $gt: NOW, $lte: LATER } },
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

test('a verb on one job is guarded like a verb on many', () => {
  const id = new ObjectId();
  const params = { now: NOW, claimToken: 't' };
  const one = guardedStatement('complete', [id], params);
  const many = guardedStatement('complete', [id, id], params);
  expect({ ...one, q: { ...one.q, _id: undefined } }).toEqual({
    ...many,
    q: { ...many.q, _id: undefined },
  });
});

test('the change stream carries no data of a job', () => {
  const [match, project] = hintPipeline();
  expect(Object.keys(match ?? {})).toEqual(['$match']);
  expect(Object.keys(project?.$project).sort()).toEqual([
    ...['documentKey._id', 'fullDocument.name', 'fullDocument.nextRunAt', 'operationType'],
    'updateDescription.updatedFields.cancelRequestedAt',
    'updateDescription.updatedFields.nextRunAt',
  ]);
});

function end(verb: Settlement['verb'], claimToken: string): Settlement {
  return { verb, jobId: new ObjectId(), claimToken, fence: 1, lastFailCount: 1 };
}
