/**
 * What shows people how the instances are and what waits: what an instance says of itself beside its lease, and the
 * counts of claims and due jobs. Nothing here decides anything; a ledger answers all the same when it is missing.
 *
 * @module
 */
import type { Bounded } from './call.ts';

/** What {@link LedgerRepository.countDue} is given. */
export interface CountDueParams extends Bounded {
  readonly now: Date;
  /** How many names are looked at, at most, in their order as texts. */
  readonly mostNames: number;
  /** How many due jobs of a name are counted, at most. */
  readonly mostJobs: number;
  /** Only these names, whether they have pending jobs or not; without them, those that have. */
  readonly names?: readonly string[];
  /** Count failed jobs too, up to so many of each name; a ledger that would have to read all jobs for that leaves it out. */
  readonly mostFailed?: number;
}

/** The pending jobs of one name that are due. */
export interface DueCount {
  readonly name: string;
  /** How many are due, up to the bound. */
  readonly due: number;
  /** True when the bound was reached, so that there may be more. */
  readonly isCut: boolean;
  /** How long the one that waits longest has been due, in milliseconds; 0 when none is. */
  readonly queueLagMs: number;
  /** How many have failed, up to the bound; absent where that was not asked, or is not counted. */
  readonly failed?: number;
}

/** What {@link LedgerRepository.countDue} answers. */
export interface CountDueResult {
  /** One row for each name that has pending jobs, or that was asked for, in their order. */
  readonly names: readonly DueCount[];
  /** True when there are more names than were looked at. */
  readonly isCut: boolean;
}
