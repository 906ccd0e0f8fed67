/**
 * Storing new jobs: what the verb is given and answers.
 *
 * @module
 */
import type { Session } from '../../foundation/driver-shapes.ts';
import type { Job } from '../../job/job.ts';
import type { Bounded } from './call.ts';

export interface EnqueueParams extends Bounded {
  /** Complete documents in state pending, with ids made by the caller. */
  readonly jobs: readonly Job[];
  /** Store the jobs inside this transaction of the user's. */
  readonly session?: Session;
}

/** What happened to one job of an enqueue. */
export type EnqueueAnswer =
  /** It is stored, by this call or by an earlier try with the same id. */
  | { readonly outcome: 'enqueued'; readonly job: Job }
  /** Not stored: `job` holds one of the unique locks. */
  | { readonly outcome: 'existing'; readonly job: Job }
  /** Not stored, for a reason of its own. */
  | { readonly outcome: 'refused'; readonly error: Error };

export interface EnqueueResult {
  /** One answer a job, in order. */
  readonly answers: readonly EnqueueAnswer[];
}
