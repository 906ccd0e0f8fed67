/**
 * Moves the jobs of an in-memory ledger by the verbs of the lifecycle table, and notifies who watches.
 *
 * @module
 */
import { assert, UnsupportedError } from '../../foundation/errors.ts';
import type { Job } from '../../job/job.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../../job/job-lifecycle.ts';
import type { TransitionParams } from '../../job/lifecycle.ts';
import type { LedgerHint } from '../ledger-repository.ts';
import { transitionEntry } from '../transition-log.ts';
import type { Hints } from './hints.ts';
import type { JobStore } from './job-store.ts';
import { packed, type StoredJob } from './stored-job.ts';
import type { MemoryTransitions } from './transition-log.ts';

/** Applies verbs to stored jobs. */
export class Moves {
  readonly #jobs: JobStore;
  readonly #hints: Hints;
  readonly #log: MemoryTransitions | undefined;

  /** @param log - called with every move, where all transitions are kept */
  constructor(jobs: JobStore, hints: Hints, log?: MemoryTransitions) {
    this.#jobs = jobs;
    this.#hints = hints;
    this.#log = log;
  }

  /** The next version of the job, put in its place; null when the verb does not apply. */
  move(verb: JobVerb, stored: StoredJob, params: TransitionParams): StoredJob | null {
    if (!JOB_LIFECYCLE.applies(verb, stored.job, params)) return null;
    const next = this.write(verb, stored, packed(params));
    if (next.job.status === 'pending') this.#hints.send(dueHint(next.job));
    if (verb === 'requestCancel') {
      this.#hints.send({ kind: 'cancelRequested', jobId: next.job._id });
    }
    return next;
  }

  /** As {@link Moves.move}, with a verb that was chosen to fit the job as it is. */
  moveBy(verb: JobVerb, stored: StoredJob, params: TransitionParams): StoredJob {
    const next = this.move(verb, stored, params);
    assert(next !== null, `${verb} was chosen for a job that it does not fit`);
    return next;
  }

  /** Writes without a look and without a hint: the caller has seen that the verb applies, and has packed the params. */
  write(verb: JobVerb, stored: StoredJob, params: TransitionParams): StoredJob {
    const job = JOB_LIFECYCLE.apply(verb, stored.job, params);
    const next = { id: stored.id, job };
    this.#jobs.put(next);
    if (this.#log !== undefined && verb !== 'note') this.#logMove(verb, stored, next, params);
    return next;
  }

  #logMove(
    verb: JobVerb,
    { job: before }: StoredJob,
    next: StoredJob,
    params: TransitionParams,
  ): void {
    const claimToken = before.claimToken ?? next.job.claimToken;
    const known = { fence: next.job.fence, ...(claimToken !== undefined && { claimToken }) };
    // A history lists claims, whichever way they were made.
    const logged = verb === 'claimInOrder' ? 'claim' : verb;
    this.#log?.add(next.id, transitionEntry(logged, params, known));
  }
}

/** What shows that a job is pending. */
export function dueHint({ name, nextRunAt }: Job): LedgerHint {
  return { kind: 'due', name, dueAt: new Date(nextRunAt) };
}

/** Nothing here can be undone, so it would be wrong to take part in a transaction. */
export function noTransactions(): UnsupportedError {
  return new UnsupportedError('The in-memory ledger has no transactions; leave out `session`');
}
