import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import {
  coercingUpdate,
  guardedStatement,
  transitionFilter,
  transitionUpdate,
} from './lifecycle-statements.ts';

const NOW = new Date('2025-01-01T00:00:00Z');
const LATER = new Date('2025-01-01T00:00:05Z');
const CLAIM = { claimToken: 'token', instanceId: 'instance', now: NOW };

test('a filter names the states a verb starts from', () => {
  expect(transitionFilter('amend', {})).toEqual({ status: 'pending' });
  expect(transitionFilter('remove', {})).toEqual({
    status: { $in: ['pending', 'blocked', 'completed', 'failed', 'cancelled'] },
    feeds: { $eq: null },
  });
});

test('every guard of every verb is in its filter', () => {
  for (const verb of JOB_LIFECYCLE.verbs) {
    const { guards = [] } = JOB_LIFECYCLE.transitions[verb];
    const filter = transitionFilter(verb, {
      lastFailCount: 1,
      lastRescueCount: 1,
      now: NOW,
      stagesBefore: [],
      gatesBefore: [],
    });
    expect(Object.keys(filter)).toEqual(['status', ...guards.map(({ field }) => field)]);
  }
});

test('no two guards of a verb are on one field, where the second would take the place of the first', () => {
  for (const verb of JOB_LIFECYCLE.verbs) {
    const fields = (JOB_LIFECYCLE.transitions[verb].guards ?? []).map(({ field }) => field);
    expect(new Set(fields).size).toBe(fields.length);
  }
});

test('a guard that a field is present or absent takes null for absent', () => {
  const { cancelRequestedAt } = transitionFilter('cancelled', { claimToken: 'token' });
  expect(cancelRequestedAt).toEqual({ $ne: null });
  expect(transitionFilter('release', { claimToken: 'token' })).toEqual({
    status: 'processing',
    claimToken: { $eq: 'token' },
    cancelRequestedAt: { $eq: null },
  });
});

test('a guard that a field is the same takes a parameter that is not given for absent', () => {
  const { seriesVersion } = transitionFilter('complete', { claimToken: 'token' });
  expect(seriesVersion).toEqual({ $eq: null });
  expect(transitionFilter('complete', { seriesVersion: 0 }).seriesVersion).toEqual({ $eq: 0 });
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
      ...{ lockedAt: NOW, startedAt: NOW, updatedAt: NOW },
    },
    $inc: { fence: 1 },
    $unset: { startLock: '' },
  });
  expect(transitionUpdate('requestCancel', CLAIM)).toEqual({
    $set: { status: 'processing', cancelRequestedAt: NOW, updatedAt: NOW },
  });
});

test('a parameter that is not given leaves its field alone', () => {
  expect(transitionUpdate('complete', CLAIM)).toEqual({
    $set: { status: 'completed', lastToken: 'token', updatedAt: NOW, finishedAt: NOW },
    $unset: { claimToken: '', claimedBy: '', lockedAt: '', uniqueLock: '', startLock: '' },
  });
  expect(transitionUpdate('amend', { now: NOW, priority: 0, data: null }).$set).toEqual({
    ...{ status: 'pending', updatedAt: NOW, priority: 0, data: null },
  });
});

test('a field that is replaced is removed when nothing is given for it', () => {
  const params = { now: NOW, claimToken: 'token', nextRunAt: LATER, scheduledFor: LATER };
  const { $set, $unset } = transitionUpdate('repeat', params);
  expect($set).toEqual({
    ...{ status: 'pending', lastToken: 'token', updatedAt: NOW, failCount: 0 },
    ...{ nextRunAt: LATER, scheduledFor: LATER },
  });
  expect($unset).toHaveProperty('result', '');
  const given = transitionUpdate('repeat', { ...params, result: 7 });
  expect(given.$set).toHaveProperty('result', 7);
  expect(given.$unset).not.toHaveProperty('result');
});

test('a list gets the new items and keeps the newest', () => {
  const historyEntries = [{ verb: 'cancel', at: NOW }];
  expect(transitionUpdate('cancel', { now: NOW, historyEntries }).$push).toEqual({
    history: { $each: historyEntries, $slice: -20 },
  });
  expect(transitionUpdate('cancel', { now: NOW })).not.toHaveProperty('$push');
});

test('no update names a field twice, which the server would refuse', () => {
  for (const verb of JOB_LIFECYCLE.verbs) {
    for (const params of [{}, everyParam(verb)]) {
      const { $set = {}, $push = {}, $inc = {}, $unset = {} } = transitionUpdate(verb, params);
      const fields = [$set, $push, $inc, $unset].flatMap((part) => Object.keys(part));
      expect(new Set(fields).size, verb).toBe(fields.length);
    }
  }
});

test('a repair writes the same fields, whatever stands in them', () => {
  for (const verb of JOB_LIFECYCLE.verbs) {
    const params = everyParam(verb);
    const { $set, $push = {}, $inc = {}, $unset = {} } = transitionUpdate(verb, params);
    const [set, unset] = coercingUpdate(verb, params);
    expect(Object.keys(set?.$set).sort()).toEqual(
      Object.keys({ ...$set, ...$push, ...$inc }).sort(),
    );
    expect(unset?.$unset ?? []).toEqual(Object.keys($unset));
  }
});

test('a repair takes what is no number for zero and what is no list for empty, and no value for an expression', () => {
  const params = { now: NOW, claimToken: '$token', failReason: '$x', historyEntries: [1] };
  const [stage] = coercingUpdate('discard', params);
  expect(stage?.$set).toMatchObject({
    failCount: { $add: [{ $cond: [{ $isNumber: '$failCount' }, '$failCount', 0] }, 1] },
    history: {
      $slice: [
        {
          $concatArrays: [{ $cond: [{ $isArray: '$history' }, '$history', []] }, { $literal: [1] }],
        },
        -20,
      ],
    },
    logs: { $slice: [{ $concatArrays: [expect.anything(), { $literal: [] }] }, -100] },
    failReason: { $literal: '$x' },
  });
});

test('a verb on one job is guarded like a verb on many', () => {
  const id = new ObjectId();
  const params = { now: NOW, claimToken: 't' };
  const { coerced: one, ...single } = guardedStatement('complete', [id], params);
  const { coerced: many, ...several } = guardedStatement('complete', [id, id], params);
  expect({ ...single, q: { ...single.q, _id: undefined } }).toEqual({
    ...several,
    q: { ...several.q, _id: undefined },
  });
  expect(one?.()).toEqual(many?.());
  expect(one?.()).toEqual(coercingUpdate('complete', params));
});

/** A value for all that a row may refer to. */
function everyParam(verb: (typeof JOB_LIFECYCLE.verbs)[number]): Record<string, unknown> {
  const { set = {}, replace = {}, append = {} } = JOB_LIFECYCLE.transitions[verb];
  const lists = Object.values(append).map(({ from }) => [from, [1]] as const);
  const values = [...Object.values(set), ...Object.values(replace)].map((param) => [param, 1]);
  return Object.fromEntries([...values, ...lists]);
}
