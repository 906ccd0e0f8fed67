/**
 * Filters of jobs, from the query of a list and from the body of a bulk action.
 *
 * @module
 */
import type { GetJobsWithCursorOptions, JobsFilter } from '@monque/core';
import type { BulkFilter, Ejson, JobsQuery, Time } from '../api/types.ts';
import { fromEjson } from './ejson.ts';
import { badRequest, ProblemError } from './problems.ts';

const DEFAULT_LIMIT = 50;

type Listed = GetJobsWithCursorOptions;

type FilterFields = Omit<BulkFilter, 'ids' | 'all' | 'metadata'>;

function dateOf(time: Time | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time);
}

/** The fields that a filter of either kind has. */
function commonFilter(given: FilterFields): JobsFilter {
  const { name, status, uniqueKey, failReason, claimedBy, order, group, flow } = given;
  const { deadLettersOf } = given;
  const finishedFrom = dateOf(given.finishedFrom);
  const finishedBefore = dateOf(given.finishedBefore);
  const createdFrom = dateOf(given.createdFrom);
  const createdBefore = dateOf(given.createdBefore);
  return {
    ...(name !== undefined && { name }),
    ...(status !== undefined && { status }),
    ...(uniqueKey !== undefined && { uniqueKey }),
    ...(failReason !== undefined && { failReason }),
    ...(claimedBy !== undefined && { claimedBy }),
    ...(order !== undefined && { order }),
    ...(group !== undefined && { group }),
    ...(flow !== undefined && { flow }),
    ...(deadLettersOf !== undefined && { deadLettersOf }),
    ...(finishedFrom && { finishedFrom }),
    ...(finishedBefore && { finishedBefore }),
    ...(createdFrom && { createdFrom }),
    ...(createdBefore && { createdBefore }),
  };
}

/**
 * What a list asks the library for.
 *
 * @param names - what it is narrowed to when it names none
 * @throws a 400 for a list that no index serves, unless it says `scan`
 */
export function listOptions(
  query: JobsQuery,
  names: readonly string[] | undefined,
  timeout: number,
): Listed {
  const { orderBy = '_id', direction = 'descending', cursor, limit = DEFAULT_LIMIT } = query;
  const { archived = false, scan = false } = query;
  const metadata = metadataOf(query);
  const isByStamp = orderBy === 'createdAt' || orderBy === 'updatedAt';
  const { uniqueKey, failReason, finishedFrom, finishedBefore, order, group, deadLettersOf } =
    query;
  const content = [metadata, uniqueKey, failReason, finishedFrom, finishedBefore];
  const places = [order, group, deadLettersOf];
  // An index finds the jobs of a flow, whatever else is asked of them.
  const isByContent =
    query.flow === undefined && [...content, ...places].some((value) => value !== undefined);
  if (!scan && (isByStamp || (isByContent && query.name === undefined))) throw wouldScan(isByStamp);
  return {
    ...filterOfQuery(query, names),
    ...{ orderBy, direction, limit, archived, timeout },
    ...(cursor !== undefined && { cursor }),
  };
}

/** The filter of a query, narrowed to these names when it names none. */
export function filterOfQuery(
  query: Omit<JobsQuery, 'limit'>,
  names: readonly string[] | undefined,
): JobsFilter {
  const metadata = metadataOf(query);
  return {
    ...commonFilter(query),
    ...(names !== undefined && query.name === undefined && { name: names }),
    ...(metadata && { metadata }),
  };
}

function wouldScan(isByStamp: boolean): ProblemError {
  const detail = isByStamp
    ? 'No index serves a list by its times of creation or change'
    : 'No index serves a search by key, order, group, metadata, failure or end over all names';
  const advice = 'Narrow it by a name, order it by `_id`, or say `scan=true` to read what must be.';
  return new ProblemError({ status: 400, code: 'WOULD_SCAN', detail, advice });
}

/** `meta.key=value`: extended JSON where it is, else a text. */
function metadataOf(query: object): JobsFilter['metadata'] | undefined {
  const entries = Object.entries(query)
    .filter(([name]) => name.startsWith('meta.'))
    .map(([name, value]) => [name.slice('meta.'.length), scalarOf(name, String(value))]);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function scalarOf(field: string, text: string): unknown {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return text;
  }
  return fromEjson(field, json);
}

/** Metadata that was given as extended JSON. */
export function metadataFrom<T>(field: string, given: Ejson): T {
  return fromEjson(field, given) as T;
}

/**
 * The filter of a bulk action.
 *
 * @throws a 400 for one that would mean all jobs and does not say so
 */
export function bulkFilter(filter: BulkFilter): JobsFilter {
  const { ids, all, metadata, ...rest } = filter;
  const narrows = metadata !== undefined || Object.keys(rest).length > 0;
  if (ids !== undefined && (narrows || all)) {
    throw badRequest('filter.ids', '`filter.ids` stands alone: other fields do not go with it');
  }
  if (ids === undefined && !narrows && all === undefined) {
    const advice = 'Say `all: true` to mean every job.';
    throw badRequest('filter', '`filter` names nothing, which would mean every job', advice);
  }
  return {
    ...commonFilter(rest),
    ...(ids && { ids: [...new Set(ids.map((id) => id.toLowerCase()))] }),
    ...(metadata && {
      metadata: metadataFrom<NonNullable<JobsFilter['metadata']>>('filter.metadata', metadata),
    }),
  };
}
