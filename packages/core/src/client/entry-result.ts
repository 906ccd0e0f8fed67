/**
 * What `enqueueMany` says of each entry.
 *
 * @module
 */
import { UnknownOutcomeError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import type { EnqueueManyOptions } from '../options/transaction-options.ts';
import type { StoreAnswer } from './insert-batches.ts';

/** What happened to one entry of `enqueueMany`. */
export type EnqueueEntryResult<T = unknown> =
  /** The job is stored. */
  | { readonly status: 'enqueued'; readonly job: Job<T> }
  /** Nothing was stored: `job` holds the unique key, after it was changed as `whenTaken` says. */
  | { readonly status: 'existing'; readonly job: Job<T> }
  /** Nothing was stored; `error` says why. */
  | { readonly status: 'failed'; readonly error: Error }
  /** The write was not confirmed within `resendLimit`, or `callTimeout`: the job may be stored, or the holder of its key changed. */
  | { readonly status: 'unknown'; readonly error: UnknownOutcomeError };

/** What is answered for an entry, from what is known of its job. */
export function resultOf(answer: StoreAnswer): EnqueueEntryResult {
  return 'error' in answer ? failureOf(answer.error) : { status: answer.outcome, job: answer.job };
}

/** What is answered for entries of which none was answered in time. Whoever is in a transaction gets the error. */
export function unknownEach(
  entries: readonly unknown[],
  options: EnqueueManyOptions,
): (error: UnknownOutcomeError) => EnqueueEntryResult[] {
  // The caller may empty the list meanwhile.
  const { length } = Object(entries) as typeof entries;
  return (error) => {
    if (options.session !== undefined) throw error;
    return Array.from({ length }, () => failureOf(error));
  };
}

/** What an error says of an entry. */
export function failureOf(error: Error): EnqueueEntryResult {
  return error instanceof UnknownOutcomeError
    ? { status: 'unknown', error }
    : { status: 'failed', error };
}
