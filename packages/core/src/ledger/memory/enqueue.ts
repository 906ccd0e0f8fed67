/**
 * New jobs of an in-memory ledger.
 *
 * @module
 */
import { Timestamp } from 'mongodb';
import { LedgerFullError, toError } from '../../foundation/errors.ts';
import { isClaimed, type Job } from '../../job/job.ts';
import type { EnqueueAnswer, EnqueueParams, EnqueueResult } from '../ledger-repository.ts';
import { claimEntry, enqueueVerbOf, transitionEntry } from '../transition-log.ts';
import type { Hints } from './hints.ts';
import type { JobStore } from './job-store.ts';
import { dueHint, noTransactions } from './moves.ts';
import { copyIn, copyOut } from './stored-job.ts';
import type { MemoryTransitions } from './transition-log.ts';

/** What takes new jobs in. */
export interface MemoryEnqueueParts {
  readonly jobs: JobStore;
  readonly hints: Hints;
  /** Called with every new job, where all transitions are kept. */
  readonly log: MemoryTransitions | undefined;
  /** The most unfinished jobs. */
  readonly maxJobs: number;
}

/** Stores new jobs. */
export class MemoryEnqueue {
  readonly #parts: MemoryEnqueueParts;
  #ranks = 0;

  constructor(parts: MemoryEnqueueParts) {
    this.#parts = parts;
  }

  /**
   * Stores new jobs; one that cannot be stored does not keep the others out.
   *
   * @throws UnsupportedError when it is to happen in a transaction
   */
  async enqueue({ jobs, session }: EnqueueParams): Promise<EnqueueResult> {
    if (session !== undefined) throw noTransactions();
    return { answers: jobs.map((job) => this.#enqueueOne(job)) };
  }

  /** A job with an order goes behind all that came before it. */
  #ranked(job: Job): Job {
    if (job.lane === undefined || job.group !== undefined) return job;
    this.#ranks += 1;
    return { ...job, rank: Timestamp.fromNumber(this.#ranks) };
  }

  #enqueueOne(job: Job): EnqueueAnswer {
    const { jobs, hints, log, maxJobs } = this.#parts;
    const id = job._id.toHexString();
    const earlier = jobs.find(id);
    if (earlier !== undefined) return { outcome: 'enqueued', job: copyOut(earlier) };
    if (jobs.wasEvicted(id)) return { outcome: 'enqueued', job };
    const holder = jobs.findLockHolder(job);
    if (holder !== undefined) return { outcome: 'existing', job: copyOut(holder) };
    if (jobs.unfinished >= maxJobs) {
      return { outcome: 'refused', error: new LedgerFullError(maxJobs) };
    }
    try {
      jobs.put(copyIn(this.#ranked(job)));
    } catch (error) {
      return { outcome: 'refused', error: toError(error) };
    }
    log?.add(id, transitionEntry(enqueueVerbOf(job), { now: job.createdAt }, { fence: 0 }));
    if (isClaimed(job)) log?.add(id, claimEntry(job));
    else if (job.status === 'pending') hints.send(dueHint(job));
    return { outcome: 'enqueued', job };
  }
}
