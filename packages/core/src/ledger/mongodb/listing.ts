/**
 * What people ask for: a job, lists of jobs, counts; of the jobs and of the archive.
 *
 * @module
 */
import type { AggregateOptions, Document, FindOptions, WithId } from 'mongodb';
import type { Job } from '../../job/job.ts';
import { storedHistory } from '../../job/stored-lists.ts';
import type {
  CountJobsParams,
  FindJobsParams,
  GetJobParams,
  JobFilter,
  ReadHistoryParams,
  ReadStatsParams,
  StatsRow,
  TransitionEntry,
} from '../ledger-repository.ts';
import { fromDocument } from './job-document.ts';
import { ID_KEY } from './lifecycle-statements.ts';
import {
  jobFilter,
  listFilter,
  listOrder,
  stampedListPipeline,
  statsPipeline,
} from './listing-queries.ts';
import type { MongoJobs } from './moves.ts';
import { IndexName } from './server/indexes.ts';

/** Reads jobs for people. */
export class MongoListing {
  readonly #jobs: MongoJobs;
  readonly #archive: MongoJobs;

  constructor(jobs: MongoJobs, archive: MongoJobs) {
    this.#jobs = jobs;
    this.#archive = archive;
  }

  /** The job with this id, or null. */
  async getJob({ jobId, archived = false }: GetJobParams): Promise<Job | null> {
    const job = await this.#jobs.find(jobId);
    return job === null && archived ? this.#archive.find(jobId) : job;
  }

  /** What happened to a job: by the log of all transitions where there is one, else by the job itself. */
  async readHistory(params: ReadHistoryParams): Promise<TransitionEntry[]> {
    const { log } = this.#jobs;
    if (log !== undefined) return log.read(params);
    const job = await this.getJob({ jobId: params.jobId, archived: true });
    return (job === null ? [] : storedHistory(job)).slice(-params.limit);
  }

  /** A page of jobs. Without an index for its order it is sorted, on disk where memory is not enough. */
  async findJobs(params: FindJobsParams): Promise<Job[]> {
    const { orderBy, direction, skip = 0, limit, archived = false, deadlineMs } = params;
    // The server ends what the caller does not wait for any more.
    const bound = deadlineMs === undefined ? {} : { maxTimeMS: deadlineMs };
    const jobs = archived ? this.#archive : this.#jobs;
    if (orderBy === 'createdAt' || orderBy === 'updatedAt') {
      const stages = stampedListPipeline(params, orderBy);
      const documents = await aggregate(jobs, stages, bound);
      return (documents as WithId<Document>[]).map(fromDocument);
    }
    const documents = await jobs.collection
      .find(listFilter(params), {
        ...jobs.commands.readOptions(),
        ...bound,
        sort: listOrder(orderBy, direction),
        skip,
        limit,
        allowDiskUse: true,
        ...(archived && params.filter.jobIds === undefined ? {} : hintFor(params.filter)),
      })
      .toArray();
    return documents.map(fromDocument);
  }

  /** How many jobs a filter has. Nothing of them is sent. */
  async countJobs(params: CountJobsParams): Promise<number> {
    const { filter, limit, archived = false, deadlineMs } = params;
    const { collection, commands } = archived ? this.#archive : this.#jobs;
    return collection.countDocuments(jobFilter(filter), {
      ...commands.aggregateOptions(),
      ...(deadlineMs !== undefined && { maxTimeMS: deadlineMs }),
      ...(archived && filter.jobIds === undefined ? {} : hintFor(filter)),
      limit,
    });
  }

  /** Counts jobs by name and state. */
  async readStats(params: ReadStatsParams): Promise<StatsRow[]> {
    const rows = await aggregate(this.#jobs, statsPipeline(params));
    return rows.map(({ _id, count, due, ...times }) => ({
      name: _id.name,
      status: _id.status,
      count: Number(count),
      due: Number(due),
      // Null, and so zero, where there is nothing to measure.
      queueLagMs: Number(times.queueLagMs),
      meanWaitMs: Number(times.meanWaitMs),
      meanRunMs: Number(times.meanRunMs),
      longestRunMs: Number(times.longestRunMs),
    }));
  }
}

/** Left to choose, the planner may walk through all jobs in the order of the list. */
function hintFor({ jobIds, feeds, flow }: JobFilter): Pick<FindOptions, 'hint'> {
  if (jobIds !== undefined) return { hint: ID_KEY };
  if (feeds !== undefined) return { hint: IndexName.FEEDS };
  return flow === undefined ? {} : { hint: IndexName.FLOW };
}

function aggregate(
  { collection, commands }: MongoJobs,
  stages: Document[],
  bound: AggregateOptions = {},
): Promise<Document[]> {
  return collection
    .aggregate<Document>(stages, { ...commands.aggregateOptions(), allowDiskUse: true, ...bound })
    .toArray();
}
