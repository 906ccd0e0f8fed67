import { Decimal128, ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { DOCUMENT_VERSION } from '../../job/job.ts';
import { makeJob } from '../../testing/index.ts';
import { fromDocument } from './job-document.ts';

const CREATED = new Date('2025-01-01T00:00:00Z');
const _id = ObjectId.createFromTime(CREATED.getTime() / 1000);

test('a document is the job', () => {
  const job = makeJob({ data: { a: 1 } });
  expect(fromDocument({ ...job })).toEqual(job);
});

test('numbers that another program stored as 64-bit integers are numbers', () => {
  const document = {
    ...makeJob(),
    ...{ priority: -5n, failCount: 1n, fence: 2n, rescueCount: 3n, documentVersion: 1n },
    ...{ maxRetries: 4n, timeout: 5n, seriesVersion: 6n },
    backoff: { type: 'fixed', delay: 7n, maxDelay: 8n },
  };
  expect(fromDocument(document)).toMatchObject({
    ...{ priority: -5, failCount: 1, fence: 2, rescueCount: 3, documentVersion: 1 },
    ...{ maxRetries: 4, timeout: 5, seriesVersion: 6 },
    backoff: { type: 'fixed', delay: 7, maxDelay: 8 },
  });
});

test('numbers that were stored as decimals are numbers', () => {
  const document = { ...makeJob(), priority: Decimal128.fromString('-5') };
  expect(fromDocument(document).priority).toBe(-5);
});

test('a bigint in the data stays what it is', () => {
  expect(fromDocument({ ...makeJob({ data: { big: 2n } }) }).data).toEqual({ big: 2n });
});

test('a field that is absent stays absent', () => {
  expect(fromDocument({ ...makeJob() })).not.toHaveProperty('rescueCount');
});

test('what a document that was written manually lacks is filled in', () => {
  const nextRunAt = new Date('2025-02-01T00:00:00Z');
  const written = { _id, name: 'a', status: 'pending', nextRunAt, data: { to: 'b' } };
  expect(fromDocument({ ...written })).toEqual({
    ...written,
    ...{ priority: 0, failCount: 0, fence: 0, documentVersion: 0 },
    ...{ createdAt: CREATED, updatedAt: CREATED },
  });
  expect(DOCUMENT_VERSION).toBeGreaterThan(0);
});

test('without a due time a document stands first in a list by due time', () => {
  expect(fromDocument({ _id }).nextRunAt).toEqual(new Date(0));
});

test('null counts as absent, but where users keep their values', () => {
  const nulls = { lockedAt: null, claimedBy: null, priority: null, uniqueKey: null };
  const job = fromDocument({ ...makeJob(), ...nulls, data: null, progress: null, result: null });
  for (const field of ['lockedAt', 'claimedBy', 'uniqueKey']) expect(job).not.toHaveProperty(field);
  expect(job).toMatchObject({ priority: 0, data: null, progress: null, result: null });
});

test('stamps that are no times are made again, other fields stay as they are', () => {
  const document = {
    ...makeJob(),
    ...{ _id, createdAt: 'yesterday', updatedAt: 5 },
    ...{ nextRunAt: 'soon', backoff: 'slow', priority: 'high' },
  };
  expect(fromDocument(document)).toMatchObject({
    ...{ createdAt: CREATED, updatedAt: CREATED },
    ...{ nextRunAt: 'soon', backoff: 'slow', priority: 'high' },
  });
});

test('a document whose id is no ObjectId has no time of creation', () => {
  for (const id of ['text', 7, { getTimestamp: 1 }, null]) {
    expect(fromDocument({ _id: id as never }).createdAt).toEqual(new Date(0));
  }
});
