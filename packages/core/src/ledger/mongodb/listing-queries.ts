/**
 * The filters and stages of what people ask for: lists, counts and the series there are.
 *
 * A document that somebody wrote manually may lack the times of its creation and last change. They count as what
 * `job-document.ts` fills in, so that it has its place in a list like any other.
 *
 * @module
 */
import type { Document, ObjectId } from 'mongodb';
import { JOB_LIFECYCLE, UNFINISHED } from '../../job/job-lifecycle.ts';
import { laneOfGroup } from '../../job/lanes.ts';
import { seriesLock } from '../../job/unique-locks.ts';
import type {
  FindJobsParams,
  FindSeriesParams,
  JobFilter,
  ReadStatsParams,
} from '../ledger-repository.ts';
import { firstIdAt, JOB_ID } from './engine-queries.ts';

const SERIES_PREFIX = seriesLock('');
/** The first text behind all that begin with the prefix. */
const BEHIND_SERIES_PREFIX = SERIES_PREFIX.replace(/:$/, ';');

/** The time of creation, and of the last change, of any document. */
const STAMPS: Readonly<Record<'createdAt' | 'updatedAt', Document>> = {
  createdAt: dateOr('createdAt', { $toDate: '$_id' }),
  updatedAt: dateOr('updatedAt', dateOr('createdAt', { $toDate: '$_id' })),
};

/** Unfinished jobs that hold the key of a series. */
export function seriesFilter({ name, key }: Pick<FindSeriesParams, 'name' | 'key'>): Document {
  return {
    status: { $in: UNFINISHED },
    // Without a condition on the name, the index would be scanned as a whole.
    name: name === undefined ? { $gte: '' } : { $eq: name },
    uniqueLock:
      key === undefined
        ? { $gte: SERIES_PREFIX, $lt: BEHIND_SERIES_PREFIX }
        : { $eq: seriesLock(key) },
    _id: JOB_ID,
  };
}

/** The jobs of a list that is ordered by an indexed field: those of the filter, behind the place. */
export function listFilter({ filter, orderBy, direction, after }: FindJobsParams): Document {
  return {
    $and: [jobFilter(filter), ...(after ? placeFilter(orderBy, direction, after) : [])],
  };
}

/** The order of a list. */
export function listOrder(
  field: string,
  direction: FindJobsParams['direction'],
): Record<string, 1 | -1> {
  const sign = direction === 'ascending' ? 1 : -1;
  return field === '_id' ? { _id: sign } : { [field]: sign, _id: sign };
}

/** The stages of a list that is ordered by the time of creation or of the last change. */
export function stampedListPipeline(
  { filter, direction, after, skip = 0, limit }: FindJobsParams,
  stamp: keyof typeof STAMPS,
): Document[] {
  const place = after ? placeFilter('listedBy', direction, after) : [];
  return [
    { $match: jobFilter(filter) },
    { $set: { listedBy: STAMPS[stamp] } },
    ...place.map(($match) => ({ $match })),
    { $sort: listOrder('listedBy', direction) },
    ...(skip > 0 ? [{ $skip: skip }] : []),
    { $limit: limit },
    { $unset: 'listedBy' },
  ];
}

/** Documents of unknown states are no jobs. */
export function jobFilter(filter: JobFilter): Document {
  const { jobIds, names, uniqueKey, order, group, metadata, failReason, claimedBy } = filter;
  const { flow, feeds } = filter;
  const { createdFrom, createdBefore, finishedFrom, finishedBefore, deadLettersOf } = filter;
  // With the state, the index of claims serves those of an instance.
  const states = claimedBy === undefined ? JOB_LIFECYCLE.states : HELD;
  const { statuses = states } = filter;
  return {
    status: { $in: statuses },
    ...(names && { name: { $in: names } }),
    ...(uniqueKey !== undefined && { uniqueKey: { $eq: uniqueKey } }),
    ...(order !== undefined && { order: { $eq: order } }),
    // By the lane too, which the index of those that wait knows.
    ...(group !== undefined && { group: { $eq: group }, lane: { $eq: laneOfGroup(group) } }),
    ...(flow !== undefined && { flow: { $eq: flow } }),
    ...(feeds !== undefined && { feeds: { $in: feeds } }),
    ...(deadLettersOf && {
      'source.name': deadLettersOf.length === 0 ? { $type: 'string' } : { $in: deadLettersOf },
    }),
    ...metadataConditions(metadata),
    _id: jobIds === undefined ? JOB_ID : { ...JOB_ID, $in: jobIds },
    ...((finishedFrom || finishedBefore) && {
      finishedAt: rangeOf(finishedFrom, finishedBefore),
    }),
    ...(failReason !== undefined && { failReason: { $regex: `^${escaped(failReason)}` } }),
    ...(claimedBy !== undefined && { claimedBy: { $eq: claimedBy } }),
    ...((createdFrom || createdBefore) && { $or: createdFilters(createdFrom, createdBefore) }),
  };
}

/** The states in which a job is held by somebody. */
const HELD = ['processing'];

/** A text as a pattern that means just this text. */
function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function rangeOf(from: Date | undefined, before: Date | undefined): Document {
  return { ...(from && { $gte: from }), ...(before && { $lt: before }) };
}

/** Values, never operators; a key is checked to be no path. */
function metadataConditions(metadata: JobFilter['metadata'] = {}): Document {
  const conditions = Object.entries(metadata).map(([key, value]) => [
    `metadata.${key}`,
    { $eq: value },
  ]);
  return Object.fromEntries(conditions);
}

function createdFilters(from: Date | undefined, before: Date | undefined): Document[] {
  const range = rangeOf(from, before);
  const idRange = {
    ...(from && { $gte: firstIdAt(from.getTime()) }),
    ...(before && { $lt: firstIdAt(before.getTime()) }),
  };
  return [{ createdAt: range }, { createdAt: { $not: { $type: 'date' } }, _id: idRange }];
}

/** Behind a place: the first filter bounds a scan of an index, the second leaves out what is level with the place. */
function placeFilter(
  field: string,
  direction: FindJobsParams['direction'],
  { at, jobId }: { readonly at?: Date; readonly jobId: ObjectId },
): Document[] {
  const behind = direction === 'ascending' ? '$gt' : '$lt';
  if (at === undefined) return [{ _id: { [behind]: jobId } }];
  return [
    { [field]: { [`${behind}e`]: at } },
    { $or: [{ [field]: { [behind]: at } }, { _id: { [behind]: jobId } }] },
  ];
}

/** Counts jobs by name and state. */
export function statsPipeline({ name, now }: Pick<ReadStatsParams, 'name' | 'now'>): Document[] {
  const isDue = {
    $and: [{ $eq: ['$status', 'pending'] }, isDate('nextRunAt'), { $lte: ['$nextRunAt', now] }],
  };
  // Cancelled while it waited for another run, a job shows a due time that is later than its last start.
  const wasRun = {
    $and: [
      { $in: ['$status', JOB_LIFECYCLE.terminal] },
      ...['nextRunAt', 'startedAt', 'finishedAt'].map(isDate),
      { $lte: ['$nextRunAt', '$startedAt'] },
    ],
  };
  const run = { $cond: [wasRun, { $subtract: ['$finishedAt', '$startedAt'] }, null] };
  return [
    {
      $match: {
        status: { $in: JOB_LIFECYCLE.states },
        name: name === undefined ? { $type: 'string' } : { $eq: name },
        _id: JOB_ID,
      },
    },
    {
      $group: {
        _id: { name: '$name', status: '$status' },
        count: { $sum: 1 },
        due: { $sum: { $cond: [isDue, 1, 0] } },
        queueLagMs: { $max: { $cond: [isDue, { $subtract: [now, '$nextRunAt'] }, null] } },
        meanWaitMs: {
          $avg: { $cond: [wasRun, { $subtract: ['$startedAt', '$nextRunAt'] }, null] },
        },
        meanRunMs: { $avg: run },
        longestRunMs: { $max: run },
      },
    },
    { $sort: { '_id.name': 1, '_id.status': 1 } },
  ];
}

function isDate(field: string): Document {
  return { $eq: [{ $type: `$${field}` }, 'date'] };
}

function dateOr(field: string, otherwise: Document): Document {
  return { $cond: [isDate(field), `$${field}`, otherwise] };
}
