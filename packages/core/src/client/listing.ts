/**
 * Looking at jobs: one by its id, a list, and a list page by page.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import { toObjectId } from '../foundation/argument-checks.ts';
import type { Job } from '../job/job.ts';
import type { JobFilter } from '../ledger/ledger-repository.ts';
import {
  type CountJobsOptions,
  checkCountJobsOptions,
  checkGetJobsOptions,
  checkGetJobsWithCursorOptions,
  checkJobsFilter,
  DEFAULT_COUNT_LIMIT,
  DEFAULT_LIST_LIMIT,
  type GetJobsOptions,
  type GetJobsWithCursorOptions,
  type JobsFilter,
} from '../options/list-options.ts';
import { placeOf, readCursor, writeCursor } from './list-cursor.ts';

/** One page of jobs. */
export interface JobsPage<T = unknown> {
  readonly jobs: readonly Job<T>[];
  /** The cursor of the page behind this one; null when there was none when this one was read. */
  readonly nextCursor: string | null;
  /** The cursor of the page before this one; null for the first. */
  readonly previousCursor: string | null;
}

/** How many jobs a filter has, as far as they were counted. */
export interface JobCount {
  readonly count: number;
  /** True when there are more than were counted. */
  readonly isCut: boolean;
}

/** Reads jobs. */
export class Listing {
  readonly #context: Pick<EngineContext, 'ledger'>;

  constructor(context: Pick<EngineContext, 'ledger'>) {
    this.#context = context;
  }

  /** The job with this id, also from the archive. */
  getJob(id: unknown): Promise<Job | null> {
    const jobId = toObjectId('id', id);
    return this.#context.ledger.getJob({ jobId, archived: true });
  }

  /** A list of jobs by their due times. */
  async getJobs(options: GetJobsOptions): Promise<Job[]> {
    checkGetJobsOptions(options);
    const { limit = DEFAULT_LIST_LIMIT, skip = 0, archived = false, timeout } = options;
    const jobs = await this.#context.ledger.findJobs({
      filter: toFilter(options),
      orderBy: 'nextRunAt',
      direction: 'ascending',
      limit,
      skip,
      archived,
      ...(timeout !== undefined && { deadlineMs: timeout }),
    });
    return [...jobs];
  }

  /** How many jobs a filter has, up to a limit. */
  async countJobs(filter: JobsFilter, options: CountJobsOptions): Promise<JobCount> {
    checkJobsFilter(filter);
    checkCountJobsOptions(options);
    const { limit = DEFAULT_COUNT_LIMIT, archived = false, timeout } = options;
    const found = await this.#context.ledger.countJobs({
      ...{ filter: toFilter(filter), limit: limit + 1, archived },
      ...(timeout !== undefined && { deadlineMs: timeout }),
    });
    return { count: Math.min(found, limit), isCut: found > limit };
  }

  /** One page of a list that stays as it is when jobs are added. */
  async getJobsWithCursor(options: GetJobsWithCursorOptions): Promise<JobsPage> {
    checkGetJobsWithCursorOptions(options);
    const { orderBy = '_id', direction = 'ascending', archived = false } = options;
    const { limit = DEFAULT_LIST_LIMIT, timeout } = options;
    const order = { orderBy, direction };
    const start = options.cursor === undefined ? undefined : readCursor(options.cursor, order);
    const isBack = start?.isBack ?? false;
    const opposite = direction === 'ascending' ? 'descending' : 'ascending';
    const found = await this.#context.ledger.findJobs({
      filter: toFilter(options),
      orderBy,
      direction: isBack ? opposite : direction,
      ...(start && { after: start.place }),
      // One more shows whether there is a page behind.
      limit: limit + 1,
      archived,
      ...(timeout !== undefined && { deadlineMs: timeout }),
    });
    const hasMore = found.length > limit;
    const page = found.slice(0, limit);
    const jobs = isBack ? page.reverse() : page;
    const hasNext = isBack || hasMore;
    const hasPrevious = isBack ? hasMore : start !== undefined;
    const cursorAt = (job: Job | undefined, back: boolean): string | null =>
      job === undefined ? null : writeCursor(order, placeOf(job, orderBy), back);
    return {
      jobs,
      nextCursor: hasNext ? cursorAt(jobs.at(-1), false) : null,
      previousCursor: hasPrevious ? cursorAt(jobs[0], true) : null,
    };
  }
}

/** A filter as the ledger takes it. */
export function toFilter(filter: JobsFilter): JobFilter {
  const { name, status, uniqueKey, order, group, metadata, ids, failReason, claimedBy } = filter;
  const { createdFrom, createdBefore, finishedFrom, finishedBefore, deadLettersOf } = filter;
  const { flow } = filter;
  return {
    ...(ids && { jobIds: ids.map((id) => toObjectId('ids', id)) }),
    ...(finishedFrom && { finishedFrom }),
    ...(finishedBefore && { finishedBefore }),
    ...(failReason !== undefined && { failReason }),
    ...(deadLettersOf !== undefined && { deadLettersOf: [deadLettersOf].flat() }),
    ...(claimedBy !== undefined && { claimedBy }),
    ...(metadata && { metadata: { ...metadata } }),
    ...(name !== undefined && { names: [name].flat() }),
    ...(status !== undefined && { statuses: [status].flat() }),
    ...(uniqueKey !== undefined && { uniqueKey }),
    ...(order !== undefined && { order }),
    ...(group !== undefined && { group }),
    ...(flow !== undefined && { flow: toObjectId('flow', flow) }),
    ...(createdFrom && { createdFrom }),
    ...(createdBefore && { createdBefore }),
  };
}
