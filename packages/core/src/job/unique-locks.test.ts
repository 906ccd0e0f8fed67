import { describe, expect, test } from 'vitest';
import { makeJob } from '../testing/index.ts';
import { LOCK_FIELDS, lockFieldsFor, lockOf, lockToRetake, seriesLock } from './unique-locks.ts';

const HOUR_MS = 3_600_000;
const window = { now: new Date(5.5 * HOUR_MS), windowMs: HOUR_MS };

describe('lockFieldsFor', () => {
  test('a key until the job is done is one lock and needs no other field', () => {
    expect(lockFieldsFor('a', 'untilDone', window)).toStrictEqual({
      uniqueKey: 'a',
      uniqueLock: 'key:a',
    });
  });

  test('a key until the start is a lock of its own kind', () => {
    expect(lockFieldsFor('a', 'untilStarted', window)).toStrictEqual({
      uniqueKey: 'a',
      uniqueHold: 'untilStarted',
      startLock: 'key:a',
    });
  });

  test('a key for a window is held until the end of that window', () => {
    expect(lockFieldsFor('a', 'window', window)).toStrictEqual({
      uniqueKey: 'a',
      uniqueHold: 'window',
      windowLock: `window:${HOUR_MS}:5:a`,
      windowUntil: new Date(6 * HOUR_MS),
    });
  });

  test('a window begins at its start, and the next one at its end', () => {
    const at = (ms: number): unknown =>
      lockFieldsFor('a', 'window', { windowMs: 1000, now: new Date(ms) }).windowLock;
    expect(at(4999)).toBe(at(4000));
    expect(at(5000)).not.toBe(at(4999));
    expect(at(-1)).not.toBe(at(0));
  });

  test('windows of other lengths are other locks, whatever the keys', () => {
    const locks = [
      lockFieldsFor('2:a', 'window', { windowMs: 1000, now: new Date(1000) }),
      lockFieldsFor('a', 'window', { windowMs: 1000, now: new Date(12_000) }),
      lockFieldsFor('a', 'window', { windowMs: 10_001, now: new Date(12_000) }),
    ].map(({ windowLock }) => windowLock);
    expect(new Set(locks).size).toBe(3);
  });
});

describe('lockOf', () => {
  test.each(LOCK_FIELDS)('finds a lock in %s', (field) => {
    expect(lockOf({ [field]: 'text' })).toEqual({ field, value: 'text' });
  });

  test('a job without a lock has none', () => {
    expect(lockOf(makeJob({ uniqueKey: 'a' }))).toBeUndefined();
  });

  test('an empty text is a lock', () => {
    expect(lockOf({ startLock: '' })).toEqual({ field: 'startLock', value: '' });
  });
});

describe('lockToRetake', () => {
  const failed = makeJob({ status: 'failed' });
  const series = { repeatInterval: '0 0 * * *', seriesVersion: 1 };

  test('a job without a key takes no lock', () => {
    expect(lockToRetake(failed)).toBeUndefined();
  });

  test('a job takes again the lock it was given', () => {
    for (const hold of ['untilDone', 'untilStarted'] as const) {
      const fields = lockFieldsFor('a', hold, window);
      const { uniqueLock: _, startLock: __, ...kept } = fields;
      expect(lockToRetake({ ...failed, ...kept })).toEqual(lockOf(fields));
    }
  });

  test('a job that holds a window has never given it up', () => {
    expect(lockToRetake({ ...failed, ...lockFieldsFor('a', 'window', window) })).toBeUndefined();
  });

  test('a series takes the lock of a series', () => {
    expect(lockToRetake({ ...failed, ...series, uniqueKey: 'a' })).toEqual({
      field: 'uniqueLock',
      value: seriesLock('a'),
    });
    expect(seriesLock('a')).not.toBe(lockFieldsFor('a', 'untilDone', window).uniqueLock);
  });

  test('what is left of a series that was ended takes no lock', () => {
    expect(lockToRetake({ ...failed, seriesVersion: 2, uniqueKey: 'a' })).toBeUndefined();
  });
});
