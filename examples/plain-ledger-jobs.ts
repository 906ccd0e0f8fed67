/**
 * The jobs of the plain ledger: one document of BSON a job, and everything that is asked of them all.
 *
 * What always holds: nobody outside has a part of a stored document, since a job goes in and out as bytes.
 *
 * @module
 */
import {
  type CountDueParams,
  type CountDueResult,
  type FindJobsParams,
  type FindSeriesParams,
  InvalidArgumentError,
  JOB_LIFECYCLE,
  type Job,
  type JobFilter,
  type JobPlace,
  lockOf,
  matchesMetadata,
  type NextDueParams,
  type OverdueDemand,
  type ReadStatsParams,
  type StatsRow,
  seriesLock,
  type UniqueLock,
} from '@monque/core/ledger';
import { BSON, type ObjectId } from 'mongodb';

/** A job as the lifecycle table takes it. */
export type JobRecord = Job & Record<string, unknown>;

const LARGEST_DOCUMENT_BYTES = 16 * 1024 * 1024;
const READING = { useBigInt64: true, promoteBuffers: true } as const;

/** Jobs by their ids. */
export class JobTable {
  readonly #documents = new Map<string, Uint8Array>();

  /** A copy of the job with this id. */
  get(jobId: ObjectId): JobRecord | undefined {
    const document = this.#documents.get(jobId.toHexString());
    return document && read(document);
  }

  /**
   * Stores a job in the place of its last version.
   *
   * @throws InvalidArgumentError when it is larger than a document may be
   */
  put(job: Job): void {
    const bytes = BSON.calculateObjectSize(job, { ignoreUndefined: true });
    if (bytes > LARGEST_DOCUMENT_BYTES) {
      throw new InvalidArgumentError('job', `at most ${LARGEST_DOCUMENT_BYTES} bytes`, bytes);
    }
    this.#documents.set(job._id.toHexString(), BSON.serialize(job, { ignoreUndefined: true }));
  }

  delete(jobId: ObjectId): void {
    this.#documents.delete(jobId.toHexString());
  }

  /** Copies of all jobs, in the order of their ids. */
  all(): JobRecord[] {
    const entries = [...this.#documents].sort(([a], [b]) => (a < b ? -1 : 1));
    return entries.map(([, document]) => read(document));
  }

  /** Copies of the jobs that an instance has claimed. */
  claimsOf(instanceId: string): JobRecord[] {
    return this.all().filter(({ claimedBy }) => claimedBy === instanceId);
  }

  /** The job of this name that holds a lock. */
  holderOf(name: string, lock: UniqueLock | undefined): Job | undefined {
    if (lock === undefined) return undefined;
    return this.all().find((job) => {
      const held = lockOf(job);
      return job.name === name && held?.field === lock.field && held.value === lock.value;
    });
  }
}

function read(document: Uint8Array): JobRecord {
  // A Buffer that comes out is a view of the bytes it was read from, so each reader gets bytes of its own.
  return BSON.deserialize(new Uint8Array(document), READING) as JobRecord;
}

/** One page of a list. */
export function listJobs(jobs: readonly Job[], params: FindJobsParams): Job[] {
  const { filter, orderBy, direction, after, skip = 0, limit } = params;
  const sign = direction === 'ascending' ? 1 : -1;
  const placeOf = (job: Job): JobPlace =>
    orderBy === '_id' ? { jobId: job._id } : { at: job[orderBy], jobId: job._id };
  return jobs
    .filter((job) => matches(job, filter))
    .filter((job) => after === undefined || sign * compare(placeOf(job), after) > 0)
    .sort((a, b) => sign * compare(placeOf(a), placeOf(b)))
    .slice(skip, skip + limit);
}

function matches(job: Job, filter: JobFilter): boolean {
  const { jobIds, names, statuses, uniqueKey, order, group, createdFrom, createdBefore } = filter;
  const { finishedFrom, finishedBefore, failReason, claimedBy, metadata } = filter;
  const { deadLettersOf, flow, feeds } = filter;
  const finishedMs = job.finishedAt?.getTime() ?? Number.NaN;
  return (
    (jobIds === undefined || jobIds.some((jobId) => jobId.equals(job._id))) &&
    (names === undefined || names.includes(job.name)) &&
    (statuses === undefined || statuses.includes(job.status)) &&
    (uniqueKey === undefined || job.uniqueKey === uniqueKey) &&
    (order === undefined || job.order === order) &&
    (group === undefined || job.group === group) &&
    (flow === undefined || job.flow?.equals(flow) === true) &&
    (feeds === undefined || feeds.some((token) => job.feeds?.includes(token))) &&
    (createdFrom === undefined || job.createdAt >= createdFrom) &&
    (createdBefore === undefined || job.createdAt < createdBefore) &&
    (finishedFrom === undefined || finishedMs >= finishedFrom.getTime()) &&
    (finishedBefore === undefined || finishedMs < finishedBefore.getTime()) &&
    (failReason === undefined || job.failReason?.startsWith(failReason) === true) &&
    (claimedBy === undefined || job.claimedBy === claimedBy) &&
    (deadLettersOf === undefined || isDeadLetterOf(job, deadLettersOf)) &&
    (metadata === undefined || matchesMetadata(job.metadata, metadata))
  );
}

/** An empty list means all dead letters. */
function isDeadLetterOf({ source }: Job, names: readonly string[]): boolean {
  return source !== undefined && (names.length === 0 || names.includes(source.name));
}

function compare(a: JobPlace, b: JobPlace): number {
  return Number(a.at ?? 0) - Number(b.at ?? 0) || Buffer.compare(a.jobId.id, b.jobId.id);
}

/** Counts jobs by name and state. */
export function countJobs(jobs: readonly Job[], { name, now }: ReadStatsParams): StatsRow[] {
  const wanted = jobs.filter((job) => name === undefined || job.name === name);
  const names = [...new Set(wanted.map((job) => job.name))].sort();
  return names.flatMap((of) =>
    [...JOB_LIFECYCLE.states].sort().flatMap((status) => {
      const group = wanted.filter((job) => job.name === of && job.status === status);
      return group.length === 0 ? [] : { name: of, status, ...countGroup(group, now) };
    }),
  );
}

function countGroup(jobs: readonly Job[], now: Date): Omit<StatsRow, 'name' | 'status'> {
  const due = jobs.filter(({ status, nextRunAt }) => status === 'pending' && nextRunAt <= now);
  // Cancelled while it waited for another run, a job shows a due time that is later than its last start.
  const ran = jobs.flatMap(({ nextRunAt, startedAt, finishedAt }) =>
    startedAt && finishedAt && nextRunAt <= startedAt ? { nextRunAt, startedAt, finishedAt } : [],
  );
  const runsMs = ran.map(({ startedAt, finishedAt }) => Number(finishedAt) - Number(startedAt));
  return {
    count: jobs.length,
    due: due.length,
    queueLagMs: Math.max(0, ...due.map(({ nextRunAt }) => Number(now) - Number(nextRunAt))),
    meanWaitMs: mean(ran.map(({ startedAt, nextRunAt }) => Number(startedAt) - Number(nextRunAt))),
    meanRunMs: mean(runsMs),
    longestRunMs: Math.max(0, ...runsMs),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** The lowest priority number first, of these the earliest due; then by id, so that the order is always the same. */
export function inClaimOrder(a: Job, b: Job): number {
  return (
    a.priority - b.priority ||
    Number(a.nextRunAt) - Number(b.nextRunAt) ||
    Buffer.compare(a._id.id, b._id.id)
  );
}

/** Those of these jobs that go before more urgent ones. */
export function longestDue<T extends Job>(jobs: readonly T[], overdue?: OverdueDemand): T[] {
  return jobs
    .filter(({ nextRunAt }) => overdue !== undefined && nextRunAt <= overdue.before)
    .sort((a, b) => Number(a.nextRunAt) - Number(b.nextRunAt) || Buffer.compare(a._id.id, b._id.id))
    .slice(0, overdue?.limit);
}

/** The earliest due time within the window. */
export function nextDue(jobs: readonly Job[], { names, after, until }: NextDueParams): Date | null {
  const [earliest] = jobs
    .filter(({ status, name }) => status === 'pending' && names.includes(name))
    .filter(({ nextRunAt }) => nextRunAt > after && nextRunAt <= until)
    .sort((a, b) => Number(a.nextRunAt) - Number(b.nextRunAt));
  return earliest?.nextRunAt ?? null;
}

/** Counts the due jobs of each name that has pending ones, or that is asked for; failed ones it may leave out. */
export function countDue(jobs: readonly Job[], params: CountDueParams): CountDueResult {
  const { now, mostNames, mostJobs } = params;
  const pending = jobs.filter(({ status }) => status === 'pending');
  const names = [...new Set(params.names ?? pending.map(({ name }) => name))].sort();
  const rows = names.slice(0, mostNames).map((name) => {
    const { due, queueLagMs } = countGroup(
      pending.filter((job) => job.name === name),
      now,
    );
    return { name, due: Math.min(due, mostJobs), isCut: due >= mostJobs, queueLagMs };
  });
  return { names: rows, isCut: names.length > mostNames };
}

/** The unfinished jobs that hold the key of a series, by name and key. */
export function listSeries(jobs: readonly Job[], { name, key, limit }: FindSeriesParams): Job[] {
  const placeOf = (job: Job): string => `${job.name}\0${job.uniqueLock}`;
  return jobs
    .filter((job) => !JOB_LIFECYCLE.terminal.includes(job.status))
    .filter((job) => name === undefined || job.name === name)
    .filter(({ uniqueLock = '' }) =>
      key === undefined ? uniqueLock.startsWith(seriesLock('')) : uniqueLock === seriesLock(key),
    )
    .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
    .slice(0, limit);
}
