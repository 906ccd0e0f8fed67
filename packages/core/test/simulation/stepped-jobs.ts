/**
 * The jobs of a stepped ledger: one guarded write at a time, each told, under the unique indexes of the one on MongoDB.
 */
import { Timestamp } from 'mongodb';
import { assert, UnknownOutcomeError } from '../../src/foundation/errors.ts';
import type { Job } from '../../src/index.ts';
import { isClaimed } from '../../src/job/job.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../../src/job/job-lifecycle.ts';
import type { TransitionParams } from '../../src/job/lifecycle.ts';
import { LOCK_FIELDS } from '../../src/job/unique-locks.ts';
import type { EnqueueAnswer } from '../../src/ledger/ledger-repository.ts';
import type { Hints } from '../../src/ledger/memory/hints.ts';
import type { Observer } from './observer.ts';

const MOST_RACES = 10;

/** A write would have made a second holder of a lock. */
export class LockHeldError extends Error {}

/** Stores and moves jobs. */
export class SteppedJobs {
  readonly #jobs = new Map<string, Job>();
  readonly #observer: Observer;
  readonly #hints: Hints;
  #ranks = 0;

  constructor(observer: Observer, hints: Hints) {
    this.#observer = observer;
    this.#hints = hints;
  }

  all(): Iterable<Job> {
    return this.#jobs.values();
  }

  /** The job with this id, or null. */
  find(jobId: Job['_id']): Job | null {
    return this.#jobs.get(jobId.toHexString()) ?? null;
  }

  /** Who holds a lock that this job holds or wants, itself included. */
  findHolder(job: Job): Job | undefined {
    const wanted = LOCK_FIELDS.filter((field) => job[field] !== undefined);
    if (wanted.length === 0) return undefined;
    for (const other of this.#jobs.values()) {
      const isHeld = wanted.some((field) => other[field] === job[field]);
      if (isHeld && other.name === job.name) return other;
    }
    return undefined;
  }

  /** Stores a new job, unless another one holds its lock. */
  async storeUnlessTaken(job: Job, letOthersIn: () => Promise<void>): Promise<EnqueueAnswer> {
    for (let race = 0; race < MOST_RACES; race += 1) {
      if (this.find(job._id) !== null) return { outcome: 'enqueued', job };
      if (this.findHolder(job) === undefined) {
        this.store(job);
        return { outcome: 'enqueued', job };
      }
      await letOthersIn();
      const stillHolder = this.findHolder(job);
      if (stillHolder?._id.equals(job._id)) return { outcome: 'enqueued', job };
      if (stillHolder !== undefined) return { outcome: 'existing', job: stillHolder };
    }
    assert(false, 'a lock changes hands too often');
  }

  /** Stores a new job; the caller has seen that its locks are free. */
  store(given: Job): void {
    this.put(this.stamp(given));
  }

  /** Gives a job its place in its lane. */
  stamp(job: Job): Job {
    this.#ranks += 1;
    const rank = Timestamp.fromNumber(this.#ranks);
    return job.lane === undefined ? job : { ...job, rank };
  }

  /** Stores a job that has its place. */
  put(job: Job): void {
    this.#jobs.set(job._id.toHexString(), job);
    const pending = job.status === 'blocked' ? 'enqueueWaiting' : 'enqueue';
    const verb = isClaimed(job) ? 'enqueueClaimed' : pending;
    this.#observer.jobWritten({ verb, before: undefined, after: job, params: {} });
    if (verb === 'enqueue') this.#hints.send({ kind: 'due', name: job.name, dueAt: job.nextRunAt });
  }

  /** Takes a job away; false when the verb does not apply. */
  take(
    verb: 'remove' | 'removeParent' | 'prune',
    jobId: Job['_id'],
    params: TransitionParams,
  ): boolean {
    const before = this.find(jobId);
    if (before === null || !JOB_LIFECYCLE.applies(verb, { ...before }, params)) return false;
    this.#jobs.delete(jobId.toHexString());
    this.#observer.jobWritten({ verb, before, after: undefined, params });
    return true;
  }

  /**
   * One guarded write; null when the verb does not apply.
   *
   * @throws LockHeldError when another job holds a lock that the verb sets
   */
  move(verb: JobVerb, jobId: Job['_id'], params: TransitionParams): Job | null {
    const before = this.find(jobId);
    if (before === null || !JOB_LIFECYCLE.applies(verb, { ...before }, params)) return null;
    const after = JOB_LIFECYCLE.apply(verb, before as Job & Record<string, unknown>, params);
    const isLocking = [...LOCK_FIELDS, 'name' as const].some(
      (field) => after[field] !== before[field],
    );
    const holder = isLocking ? this.findHolder(after) : undefined;
    if (holder !== undefined && !holder._id.equals(jobId)) throw new LockHeldError();
    this.#jobs.set(jobId.toHexString(), after);
    this.#observer.jobWritten({ verb, before, after, params });
    if (after.status === 'pending') {
      this.#hints.send({ kind: 'due', name: after.name, dueAt: after.nextRunAt });
    }
    if (verb === 'requestCancel') this.#hints.send({ kind: 'cancelRequested', jobId });
    return after;
  }

  /** Null also where another job holds a lock that the verb sets. */
  moveIfFree(verb: JobVerb, jobId: Job['_id'], params: TransitionParams): Job | null {
    try {
      return this.move(verb, jobId, params);
    } catch (error) {
      if (error instanceof LockHeldError) return null;
      throw error;
    }
  }

  /** Asks again until there is an answer, while others change the job between a look at it and a write. */
  async untilAnswered<T>(attempt: () => Promise<T | undefined>): Promise<T> {
    for (let race = 0; race < MOST_RACES; race += 1) {
      const answer = await attempt();
      if (answer !== undefined) return answer;
    }
    throw new UnknownOutcomeError('A job changed too often to be changed');
  }
}
