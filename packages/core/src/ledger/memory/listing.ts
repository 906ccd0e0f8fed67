/**
 * Lists and counts the jobs of an in-memory ledger.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { Job } from '../../job/job.ts';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import { matchesMetadata } from '../../job/metadata.ts';
import { storedHistory } from '../../job/stored-lists.ts';
import type {
  CountJobsParams,
  FindJobsParams,
  GetJobParams,
  JobFilter,
  JobOrder,
  JobPlace,
  ReadHistoryParams,
  ReadStatsParams,
  StatsRow,
  TransitionEntry,
} from '../ledger-repository.ts';
import type { JobStore } from './job-store.ts';
import type { MemoryArchive } from './pruning.ts';
import { copyOut, type StoredJob } from './stored-job.ts';
import type { MemoryTransitions } from './transition-log.ts';

/** What is listed, and where it is. */
export interface MemoryListingParts {
  readonly jobs: JobStore;
  readonly archive: MemoryArchive;
  /** Where all transitions are kept. */
  readonly log: MemoryTransitions | undefined;
}

/** Lists and counts jobs. */
export class MemoryListing {
  readonly #parts: MemoryListingParts;

  constructor(parts: MemoryListingParts) {
    this.#parts = parts;
  }

  /** The job with this id, or null. */
  async getJob({ jobId, archived = false }: GetJobParams): Promise<Job | null> {
    const stored = this.#find(jobId, archived);
    return stored === undefined ? null : copyOut(stored);
  }

  /** What happened to a job: by the log of all transitions where there is one, else by the job itself. */
  async readHistory({ jobId, limit }: ReadHistoryParams): Promise<readonly TransitionEntry[]> {
    const { log } = this.#parts;
    if (log !== undefined) return log.read(jobId.toHexString(), limit);
    const stored = this.#find(jobId, true);
    return stored === undefined ? [] : storedHistory(copyOut(stored)).slice(-limit);
  }

  /** A page of jobs. */
  async findJobs(params: FindJobsParams): Promise<readonly Job[]> {
    const { archived = false, orderBy, direction, after, filter } = params;
    const { jobs, archive } = this.#parts;
    const source = archived ? archive : jobs;
    if (filter.jobIds !== undefined) return listJobs(jobsWithIds(source, filter.jobIds), params);
    if (archived || orderBy !== '_id') return listJobs(source.all(), params);
    return takeJobs(jobs.inOrder(direction, after?.jobId.toHexString()), params);
  }

  /** How many jobs a filter has. */
  async countJobs({ filter, limit, archived = false }: CountJobsParams): Promise<number> {
    const { jobs, archive } = this.#parts;
    const source = archived ? archive : jobs;
    const { jobIds } = filter;
    const found = jobIds === undefined ? source.all() : jobsWithIds(source, jobIds);
    let count = 0;
    for (const { job } of found) {
      if (count < limit && matches(job, filter)) count += 1;
    }
    return count;
  }

  /** Counts jobs by name and state. */
  async readStats(params: ReadStatsParams): Promise<readonly StatsRow[]> {
    return statsOf(this.#parts.jobs.all(), params);
  }

  #find(jobId: ObjectId, archived: boolean): StoredJob | undefined {
    const { jobs, archive } = this.#parts;
    const id = jobId.toHexString();
    return jobs.find(id) ?? (archived ? archive.find(id) : undefined);
  }
}

function jobsWithIds(
  source: Pick<JobStore, 'find'>,
  jobIds: readonly ObjectId[],
): readonly StoredJob[] {
  const ids = new Set(jobIds.map((jobId) => jobId.toHexString()));
  return [...ids].flatMap((id) => source.find(id) ?? []);
}

/** A page of jobs that come in the order of the list, from behind its place on. Looks at no more than it needs. */
function takeJobs(jobs: Iterable<StoredJob>, params: FindJobsParams): Job[] {
  const { filter, skip = 0, limit } = params;
  const found: StoredJob[] = [];
  for (const stored of jobs) {
    if (matches(stored.job, filter)) found.push(stored);
    if (found.length === skip + limit) break;
  }
  return found.slice(skip).map(copyOut);
}

/** A page of jobs that come in any order. */
function listJobs(jobs: Iterable<StoredJob>, params: FindJobsParams): Job[] {
  const { filter, orderBy, direction, after, skip = 0, limit } = params;
  const sign = direction === 'ascending' ? 1 : -1;
  const isBehind = (job: Job): boolean =>
    after === undefined || sign * comparePlaces(placeOf(job, orderBy), after) > 0;
  return [...jobs]
    .filter(({ job }) => matches(job, filter) && isBehind(job))
    .sort((a, b) => sign * comparePlaces(placeOf(a.job, orderBy), placeOf(b.job, orderBy)))
    .slice(skip, skip + limit)
    .map(copyOut);
}

/** Counts the jobs by name and state. */
function statsOf(jobs: Iterable<StoredJob>, { name, now }: ReadStatsParams): StatsRow[] {
  const groups = new Map<string, Job[]>();
  for (const { job } of jobs) {
    if (name !== undefined && job.name !== name) continue;
    const key = `${job.name}\0${job.status}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [job]);
    else group.push(job);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => toRow(group as readonly Job[] as readonly [Job], now));
}

/** The ids are left to the caller, who finds jobs by them. */
function matches(job: Job, filter: JobFilter): boolean {
  const { names, statuses = JOB_LIFECYCLE.states, uniqueKey, order, group, metadata } = filter;
  const { createdFrom, createdBefore, finishedFrom, finishedBefore } = filter;
  const { flow, feeds } = filter;
  const { failReason, claimedBy, deadLettersOf } = filter;
  const { finishedAt } = job;
  return (
    statuses.includes(job.status) &&
    (names === undefined || names.includes(job.name)) &&
    (uniqueKey === undefined || job.uniqueKey === uniqueKey) &&
    (order === undefined || job.order === order) &&
    (group === undefined || job.group === group) &&
    (flow === undefined || job.flow?.equals(flow) === true) &&
    (feeds === undefined || feeds.some((token) => job.feeds?.includes(token))) &&
    (createdFrom === undefined || job.createdAt >= createdFrom) &&
    (createdBefore === undefined || job.createdAt < createdBefore) &&
    (finishedFrom === undefined || (finishedAt !== undefined && finishedAt >= finishedFrom)) &&
    (finishedBefore === undefined || (finishedAt !== undefined && finishedAt < finishedBefore)) &&
    (failReason === undefined || job.failReason?.startsWith(failReason) === true) &&
    (claimedBy === undefined || job.claimedBy === claimedBy) &&
    (deadLettersOf === undefined || isDeadLetterOf(job, deadLettersOf)) &&
    (metadata === undefined || matchesMetadata(job.metadata, metadata))
  );
}

function isDeadLetterOf({ source }: Job, names: readonly string[]): boolean {
  return source !== undefined && (names.length === 0 || names.includes(source.name));
}

function placeOf(job: Job, orderBy: JobOrder): JobPlace {
  return orderBy === '_id' ? { jobId: job._id } : { at: job[orderBy], jobId: job._id };
}

function comparePlaces(a: JobPlace, b: JobPlace): number {
  return Number(a.at ?? 0) - Number(b.at ?? 0) || Buffer.compare(a.jobId.id, b.jobId.id);
}

function toRow(jobs: readonly [Job, ...Job[]], now: Date): StatsRow {
  const [{ name, status }] = jobs;
  const due = new Durations();
  const waits = new Durations();
  const runs = new Durations();
  for (const { nextRunAt, startedAt, finishedAt } of jobs) {
    if (status === 'pending' && nextRunAt <= now) due.add(nextRunAt, now);
    // Cancelled while it waited for another run, a job shows a due time that is later than its last start.
    if (finishedAt === undefined || startedAt === undefined || nextRunAt > startedAt) continue;
    waits.add(nextRunAt, startedAt);
    runs.add(startedAt, finishedAt);
  }
  return {
    name,
    status,
    count: jobs.length,
    due: due.count,
    queueLagMs: due.longestMs,
    meanWaitMs: waits.meanMs,
    meanRunMs: runs.meanMs,
    longestRunMs: runs.longestMs,
  };
}

class Durations {
  count = 0;
  longestMs = 0;
  #sumMs = 0;

  get meanMs(): number {
    return this.count === 0 ? 0 : this.#sumMs / this.count;
  }

  add(from: Date, to: Date): void {
    const ms = to.getTime() - from.getTime();
    this.count += 1;
    this.#sumMs += ms;
    this.longestMs = Math.max(this.longestMs, ms);
  }
}
