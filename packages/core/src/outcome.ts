/**
 * How a run ended: a value the executor makes and the settler writes.
 *
 * @module
 */
import { calculateBackoff } from './backoff.ts';
import { messageOf } from './errors.ts';
import type { ClaimedJob, Job } from './job.ts';
import type { Settlement } from './ledger/settlement.ts';
import type { ResolvedOptions } from './options.ts';

const LONGEST_FAIL_REASON = 1_000;

/** How one run ended. */
export type Outcome =
  /** The handler succeeded. */
  | { readonly kind: 'completed' }
  /** The handler threw. */
  | { readonly kind: 'failed'; readonly error: Error }
  /** The handler gave up since somebody asked to cancel the job. */
  | { readonly kind: 'cancelled' }
  /** The handler never started, or gave up since this process told it to. */
  | { readonly kind: 'released' };

/** What {@link toSettlement} reckons with. */
export interface SettlementContext {
  readonly now: Date;
  readonly options: Pick<
    ResolvedOptions,
    'maxRetries' | 'baseRetryIntervalMs' | 'maxBackoffDelayMs'
  >;
}

/** Maps an outcome to the one verb that records it. */
export function toSettlement(
  job: ClaimedJob,
  outcome: Outcome,
  context: SettlementContext,
): Settlement {
  const claim = { jobId: job._id, claimToken: job.claimToken, fence: job.fence };
  switch (outcome.kind) {
    case 'completed':
      return { ...claim, verb: 'complete' };
    case 'cancelled':
      return { ...claim, verb: 'cancelled' };
    case 'released':
      return { ...claim, verb: 'release' };
    case 'failed':
      return { ...claim, ...failure(job, outcome.error, context) };
  }
}

function failure(job: Job, error: Error, { now, options }: SettlementContext) {
  const failCount = job.failCount + 1;
  const failReason = messageOf(error).slice(0, LONGEST_FAIL_REASON);
  const lastFailCount = options.maxRetries - 1;
  if (failCount >= options.maxRetries) return { verb: 'fail', failReason, lastFailCount } as const;
  const nextRunAt = calculateBackoff({ ...options, failCount, now });
  return { verb: 'retry', failReason, lastFailCount, nextRunAt } as const;
}
