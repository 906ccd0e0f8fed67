/**
 * What people do to jobs by hand: look at them, cancel, retry, move, delete and count them, one by one or by a filter.
 *
 * What always holds: every change is one verb of the lifecycle table on one job, whatever the filter was; a job that a
 * verb does not apply to is left as it is, and counted with the reason.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { EngineContext } from '../context/scheduler-context.ts';
import {
  checkDate,
  checkFields,
  checkJobName,
  text,
  toObjectId,
} from '../foundation/argument-checks.ts';
import { messageOf, toError } from '../foundation/errors.ts';
import type { Job, JobStatus } from '../job/job.ts';
import { JobStateError, UniqueKeyTakenError } from '../job/job-errors.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../job/job-lifecycle.ts';
import type { JobFilter, StatsRow } from '../ledger/ledger-repository.ts';
import {
  checkGetJobsOptions,
  checkGetJobsWithCursorOptions,
  checkJobsFilter,
  DEFAULT_LIST_LIMIT,
  type GetJobsOptions,
  type GetJobsWithCursorOptions,
  type JobsFilter,
} from '../options/enqueue-options.ts';
import { placeOf, readCursor, writeCursor } from './list-cursor.ts';

const MOST_JOBS_A_PAGE = 500;
const MOST_AT_ONCE = 16;
const LONGEST_REASON = 1_000;

/** One page of jobs. */
export interface JobsPage<T = unknown> {
  readonly jobs: readonly Job<T>[];
  /** The cursor of the page behind this one; null when there was none when this one was read. */
  readonly nextCursor: string | null;
  /** The cursor of the page before this one; null for the first. */
  readonly previousCursor: string | null;
}

/** What became of the jobs of a filter. */
export interface BulkResult {
  /** Jobs that matched the filter. */
  readonly matched: number;
  /** Jobs that were changed; of running jobs that are to be cancelled, those that were asked to. */
  readonly changed: number;
  /** Why the others were left as they were, with how many there were of each. */
  readonly left: readonly { readonly reason: string; readonly count: number }[];
}

/** The jobs of the queue, counted. Times are milliseconds. */
export interface QueueStats {
  /** How many jobs there are in each state. */
  readonly counts: Readonly<Record<JobStatus, number>>;
  readonly total: number;
  /** Pending jobs that are due. */
  readonly due: number;
  /** How long the job that waits longest has been due; 0 when none is. */
  readonly longestWait: number;
  /** Of finished jobs: from when they were due until they were claimed, on average. */
  readonly meanWait: number;
  /** Of finished jobs: from when they were claimed until they were finished, on average. */
  readonly meanRun: number;
  /** The longest of those runs. */
  readonly longestRun: number;
}

/** What control tells its surroundings. */
export interface ControlHooks {
  /** A job became pending, or is due at another time. */
  readonly onPending: (job: Job) => void;
  /** A job that is processing was asked to cancel. */
  readonly onCancelRequested: (jobId: string) => void;
  /** A job was finished or deleted by hand. */
  readonly onEnded: (job: Job) => void;
  /** A name was paused or resumed. */
  readonly onPausesChanged: () => void;
}

type ControlContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'ready' | 'emit'>;

/** The verbs of the user's. */
export class Control {
  readonly #context: ControlContext;
  readonly #hooks: ControlHooks;

  constructor(context: ControlContext, hooks: ControlHooks) {
    this.#context = context;
    this.#hooks = hooks;
  }

  /** The job with this id, also from the archive. */
  getJob(id: unknown): Promise<Job | null> {
    const jobId = toObjectId('id', id);
    return this.#context.ledger.getJob({ jobId, archived: true });
  }

  /** A list of jobs by their due times. */
  async getJobs(options: GetJobsOptions): Promise<Job[]> {
    checkGetJobsOptions(options);
    const { limit = DEFAULT_LIST_LIMIT, skip = 0, archived = false } = options;
    const jobs = await this.#context.ledger.findJobs({
      filter: toFilter(options),
      orderBy: 'nextRunAt',
      direction: 'ascending',
      limit,
      skip,
      archived,
    });
    return [...jobs];
  }

  /** One page of a list that stays as it is when jobs are added. */
  async getJobsWithCursor(options: GetJobsWithCursorOptions): Promise<JobsPage> {
    checkGetJobsWithCursorOptions(options);
    const { orderBy = '_id', direction = 'ascending', archived = false } = options;
    const { limit = DEFAULT_LIST_LIMIT } = options;
    const order = { orderBy, direction };
    const start = options.cursor === undefined ? undefined : readCursor(options.cursor, order);
    const isBack = start?.isBack ?? false;
    const opposite = direction === 'ascending' ? 'descending' : 'ascending';
    const found = await this.#context.ledger.findJobs({
      filter: toFilter(options),
      orderBy,
      direction: isBack ? opposite : direction,
      ...(start && { after: start.place }),
      // One more tells whether there is a page behind.
      limit: limit + 1,
      archived,
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

  /** Cancels a job, or asks for it while it runs; null when there is none. */
  async cancelJob(id: unknown, options: { readonly reason?: string }): Promise<Job | null> {
    checkFields('options', options, { reason: text(LONGEST_REASON) });
    const { reason } = options;
    const jobId = toObjectId('id', id);
    await this.#context.ready();
    const { ledger, ledgerTime, emit } = this.#context;
    const now = ledgerTime.now();
    const { outcome, job } = await ledger.cancel({
      jobId,
      now,
      ...(reason !== undefined && { reason }),
    });
    if (job === null) return null;
    if (outcome === 'refused') {
      if (job.status === 'cancelled') return job;
      throw stateError(job, 'cancelJob', ['cancel', 'requestCancel']);
    }
    if (outcome === 'requested') {
      this.#hooks.onCancelRequested(jobId.toHexString());
      return job;
    }
    emit('job:cancelled', { job });
    if (outcome === 'skipped') this.#hooks.onPending(job);
    else this.#hooks.onEnded(job);
    return job;
  }

  /** Makes a failed or cancelled job pending again; null when there is none. */
  async retryJob(id: unknown): Promise<Job | null> {
    const { ledger, ledgerTime, emit } = this.#context;
    const jobId = toObjectId('id', id);
    await this.#context.ready();
    const now = ledgerTime.now();
    const { outcome, job, holder } = await ledger.redrive({ jobId, now, nextRunAt: now });
    if (job === null) return null;
    if (outcome === 'taken') {
      const wanted = `retry job ${jobId.toHexString()}`;
      throw new UniqueKeyTakenError(wanted, job.uniqueKey, holder?._id, jobId);
    }
    if (outcome === 'refused') throw stateError(job, 'retryJob', ['redrive']);
    emit('job:retried', { job });
    this.#hooks.onPending(job);
    return job;
  }

  /** Moves a pending job to another time; null when there is none. */
  async rescheduleJob(id: unknown, runAt: Date): Promise<Job | null> {
    const { ledger, ledgerTime } = this.#context;
    const jobId = toObjectId('id', id);
    checkDate('runAt', runAt);
    await this.#context.ready();
    const changes = { nextRunAt: new Date(runAt) };
    const { outcome, job } = await ledger.amend({ jobId, changes, now: ledgerTime.now() });
    if (job === null) return null;
    if (outcome === 'refused') throw stateError(job, 'rescheduleJob', ['amend']);
    this.#hooks.onPending(job);
    return job;
  }

  /** Deletes a job that is not processing; false when there is none. */
  async deleteJob(id: unknown): Promise<boolean> {
    const { ledger, ledgerTime, emit } = this.#context;
    const jobId = toObjectId('id', id);
    await this.#context.ready();
    const { outcome, job } = await ledger.remove({ jobId, now: ledgerTime.now() });
    if (job === null) return false;
    if (outcome === 'refused') throw stateError(job, 'deleteJob', ['remove']);
    emit('job:deleted', { job });
    this.#hooks.onEnded(job);
    return true;
  }

  /** `cancelJob` for all that match. */
  cancelJobs(filter: JobsFilter): Promise<BulkResult> {
    return this.#forAll(filter, async ({ _id }) => (await this.cancelJob(_id, {})) !== null);
  }

  /** `retryJob` for all that match. */
  retryJobs(filter: JobsFilter): Promise<BulkResult> {
    return this.#forAll(filter, async ({ _id }) => (await this.retryJob(_id)) !== null);
  }

  /** `deleteJob` for all that match. */
  deleteJobs(filter: JobsFilter): Promise<BulkResult> {
    return this.#forAll(filter, ({ _id }) => this.deleteJob(_id));
  }

  /** Counts the jobs of one name, or of all. */
  async getQueueStats(filter: { readonly name?: string }): Promise<QueueStats> {
    checkFields('filter', filter, { name: checkJobName });
    const { name } = filter;
    await this.#context.ready();
    const { ledger, ledgerTime } = this.#context;
    const now = ledgerTime.now();
    return toStats(await ledger.readStats({ now, ...(name !== undefined && { name }) }));
  }

  /** Pauses a name for the whole cluster, or lets it go on. */
  async setPaused(name: unknown, paused: boolean): Promise<void> {
    checkJobName('name', name);
    await this.#context.ready();
    const { ledger, ledgerTime } = this.#context;
    await ledger.setPaused({ name: name as string, paused, now: ledgerTime.now() });
    this.#hooks.onPausesChanged();
  }

  /** Applies a verb to every job that matched when its page was read, a page at a time. */
  async #forAll(filter: JobsFilter, apply: (job: Job) => Promise<boolean>): Promise<BulkResult> {
    checkJobsFilter(filter);
    await this.#context.ready();
    const tally = new Tally();
    let last: ObjectId | undefined;
    for (;;) {
      const page = await this.#context.ledger.findJobs({
        filter: toFilter(filter),
        orderBy: '_id',
        direction: 'ascending',
        ...(last && { after: { jobId: last } }),
        limit: MOST_JOBS_A_PAGE,
      });
      const waiting = page.values();
      const lanes = Array.from({ length: MOST_AT_ONCE }, async () => {
        for (const job of waiting) await tally.count(() => apply(job));
      });
      await Promise.all(lanes);
      last = page.at(-1)?._id;
      if (page.length < MOST_JOBS_A_PAGE) return tally.result();
    }
  }
}

/** Counts what became of the jobs of a filter. */
class Tally {
  #matched = 0;
  #changed = 0;
  readonly #left = new Map<string, number>();

  async count(apply: () => Promise<boolean>): Promise<void> {
    this.#matched += 1;
    try {
      if (await apply()) this.#changed += 1;
      else this.#leave('gone');
    } catch (error) {
      this.#leave(reasonOf(error));
    }
  }

  result(): BulkResult {
    const left = [...this.#left].map(([reason, count]) => ({ reason, count }));
    return { matched: this.#matched, changed: this.#changed, left };
  }

  #leave(reason: string): void {
    this.#left.set(reason, (this.#left.get(reason) ?? 0) + 1);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof JobStateError) return error.status;
  if (error instanceof UniqueKeyTakenError) return 'unique key taken';
  return messageOf(toError(error));
}

function toFilter(filter: JobsFilter): JobFilter {
  const { name, status, uniqueKey, metadata, createdFrom, createdBefore } = filter;
  return {
    ...(metadata && { metadata: { ...metadata } }),
    ...(name !== undefined && { names: [name].flat() }),
    ...(status !== undefined && { statuses: [status].flat() }),
    ...(uniqueKey !== undefined && { uniqueKey }),
    ...(createdFrom && { createdFrom }),
    ...(createdBefore && { createdBefore }),
  };
}

/** Names the verb that the user called, and the states from which any verb of the table does it. */
function stateError(job: Job, verb: string, rows: readonly JobVerb[]): JobStateError {
  const from = new Set(rows.flatMap((row) => [...JOB_LIFECYCLE.transitions[row].from]));
  return new JobStateError(job._id, job.status, verb, [...from]);
}

function toStats(rows: readonly StatsRow[]): QueueStats {
  const countOf = (status: JobStatus): number =>
    rows.filter((row) => row.status === status).reduce((sum, { count }) => sum + count, 0);
  const counts = Object.fromEntries(
    JOB_LIFECYCLE.states.map((status) => [status, countOf(status)]),
  ) as Record<JobStatus, number>;
  const ran = rows.filter(({ status }) => status === 'completed' || status === 'failed');
  const mean = (of: 'meanWaitMs' | 'meanRunMs'): number => {
    const total = ran.reduce((sum, { count }) => sum + count, 0);
    return total === 0 ? 0 : ran.reduce((sum, row) => sum + row[of] * row.count, 0) / total;
  };
  return {
    counts,
    total: rows.reduce((sum, { count }) => sum + count, 0),
    due: rows.reduce((sum, { due }) => sum + due, 0),
    longestWait: Math.max(0, ...rows.map(({ longestWaitMs }) => longestWaitMs)),
    meanWait: mean('meanWaitMs'),
    meanRun: mean('meanRunMs'),
    longestRun: Math.max(0, ...ran.map(({ longestRunMs }) => longestRunMs)),
  };
}
