import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import { JOB_ID } from './engine-queries.ts';
import {
  listFilter,
  listOrder,
  seriesFilter,
  stampedListPipeline,
  statsPipeline,
} from './listing-queries.ts';

const NOW = new Date('2025-01-01T00:00:00Z');
const jobId = new ObjectId();
const LIST = { filter: {}, orderBy: 'nextRunAt', direction: 'ascending', limit: 10 } as const;

test('a list without a filter has the known states and the ids of jobs, and nothing else', () => {
  expect(listFilter(LIST)).toEqual({
    $and: [{ status: { $in: JOB_LIFECYCLE.states }, _id: JOB_ID }],
  });
});

test('a filter narrows a list by values, never by operators', () => {
  const filter = { names: ['a'], statuses: ['failed'], uniqueKey: 'k' } as const;
  expect(listFilter({ ...LIST, filter })).toEqual({
    $and: [
      {
        ...{ status: { $in: ['failed'] }, name: { $in: ['a'] } },
        ...{ uniqueKey: { $eq: 'k' }, _id: JOB_ID },
      },
    ],
  });
});

test('a list of ids has these and no others', () => {
  expect(listFilter({ ...LIST, filter: { jobIds: [jobId] } })).toEqual({
    $and: [{ status: { $in: JOB_LIFECYCLE.states }, _id: { $type: 'objectId', $in: [jobId] } }],
  });
});

test('a place bounds the scan, and leaves out what is level with it', () => {
  const after = { at: NOW, jobId };
  expect(listFilter({ ...LIST, after }).$and.slice(1)).toEqual([
    { nextRunAt: { $gte: NOW } },
    { $or: [{ nextRunAt: { $gt: NOW } }, { _id: { $gt: jobId } }] },
  ]);
  expect(listFilter({ ...LIST, after, direction: 'descending' }).$and.slice(1)).toEqual([
    { nextRunAt: { $lte: NOW } },
    { $or: [{ nextRunAt: { $lt: NOW } }, { _id: { $lt: jobId } }] },
  ]);
  expect(listFilter({ ...LIST, orderBy: '_id', after: { jobId } }).$and.slice(1)).toEqual([
    { _id: { $gt: jobId } },
  ]);
});

test('a list is ordered by its field, then by the ids', () => {
  expect(Object.entries(listOrder('nextRunAt', 'descending'))).toEqual([
    ['nextRunAt', -1],
    ['_id', -1],
  ]);
  expect(listOrder('_id', 'ascending')).toEqual({ _id: 1 });
});

test('a list by a stamp makes the stamp first, and takes it off last', () => {
  const stages = stampedListPipeline({ ...LIST, skip: 5, after: { at: NOW, jobId } }, 'createdAt');
  expect(stages.flatMap((stage) => Object.keys(stage))).toEqual([
    ...['$match', '$set', '$match', '$match', '$sort', '$skip', '$limit', '$unset'],
  ]);
  const plain = stampedListPipeline(LIST, 'updatedAt');
  expect(plain.flatMap((stage) => Object.keys(stage))).toEqual([
    ...['$match', '$set', '$sort', '$limit', '$unset'],
  ]);
});

test('series are looked for by the prefix of their locks, or by one lock', () => {
  const unfinished = { status: { $in: ['pending', 'processing', 'blocked'] }, _id: JOB_ID };
  expect(seriesFilter({})).toEqual({
    ...{ ...unfinished, name: { $gte: '' } },
    uniqueLock: { $gte: 'series:', $lt: 'series;' },
  });
  expect(seriesFilter({ name: 'a', key: 'k' })).toEqual({
    ...{ ...unfinished, name: { $eq: 'a' }, uniqueLock: { $eq: 'series:k' } },
  });
});

test('counts are of one name, or of all that are names', () => {
  const [one] = statsPipeline({ name: 'a', now: NOW });
  const [all] = statsPipeline({ now: NOW });
  expect(one?.$match.name).toEqual({ $eq: 'a' });
  expect(all?.$match.name).toEqual({ $type: 'string' });
});
