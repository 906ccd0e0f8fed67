/**
 * How a run's end is written, and what a write that did not match tells.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { Job } from '../job.ts';
import type { TransitionParams } from '../lifecycle.ts';

/** The verbs with which the holder of a claim ends it. */
export type SettleVerb = 'complete' | 'retry' | 'fail' | 'cancelled' | 'release';

/** How one run ended, to be written under the claim it ran under. */
export interface Settlement {
  readonly verb: SettleVerb;
  readonly jobId: ObjectId;
  readonly claimToken: string;
  /** The fence the job had when this claim was read. */
  readonly fence: number;
  /** For retry: when it runs again. */
  readonly nextRunAt?: Date;
  /** For retry and fail: why. */
  readonly failReason?: string;
  /** For retry and fail: the fail count from which one more failure is the last, `maxRetries - 1`. */
  readonly lastFailCount?: number;
}

/**
 * What became of a settlement.
 *
 * - `settled`: it stands in the ledger, by this write or by an earlier try of the same
 * - `cancelRequested`: nothing was written; somebody asked to cancel, so the claim must end as cancelled
 * - `lost`: nothing was written; the claim was ended by others, or the job was claimed again
 * - `unknown`: nothing was written now; the job went on too far, or is gone, so an earlier try may have landed or not
 * - `refused`: nothing was written; the claim is still held and a guard of the verb said no
 */
export type SettleAnswer = 'settled' | 'cancelRequested' | 'lost' | 'unknown' | 'refused';

/** The parameters the rows of the lifecycle table refer to. */
export function settlementParams(settlement: Settlement, now: Date): TransitionParams {
  const { claimToken, nextRunAt, failReason, lastFailCount } = settlement;
  return { now, claimToken, nextRunAt, failReason, lastFailCount };
}

/** Says what a settlement that matched no job means, from the job as it was read afterwards. */
export function answerUnmatched(
  settlement: Settlement,
  stored: Pick<Job, 'status' | 'fence' | 'lastToken' | 'claimToken' | 'cancelRequestedAt'> | null,
): SettleAnswer {
  if (stored === null) return 'unknown';
  if (stored.lastToken === settlement.claimToken) return 'settled';
  if (stored.claimToken === settlement.claimToken) {
    return stored.cancelRequestedAt === undefined ? 'refused' : 'cancelRequested';
  }
  if (stored.fence === settlement.fence) return 'lost';
  // A claim keeps lastToken: had an earlier try of ours landed, the next claim would still show it.
  const claimedNext = stored.fence === settlement.fence + 1 && stored.status === 'processing';
  return claimedNext ? 'lost' : 'unknown';
}

/** Why a job failed that was rescued up to the limit. */
export function rescueFailReason(rescueLimit: number): string {
  return `The instance that ran it died ${rescueLimit} times`;
}
