/**
 * What tells people how the instances are and what waits: what an instance says of itself beside its lease, and the
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
}

/** The pending jobs of one name that are due. */
export interface DueCount {
  readonly name: string;
  /** How many are due, up to the bound. */
  readonly due: number;
  /** True when the bound was reached, so that there may be more. */
  readonly isCut: boolean;
  /** How long the one that waits longest has been due, in milliseconds; 0 when none is. */
  readonly longestWaitMs: number;
}

/** What {@link LedgerRepository.countDue} answers. */
export interface CountDueResult {
  /** One row for each name that has pending jobs, in their order. */
  readonly names: readonly DueCount[];
  /** True when there are more names than were looked at. */
  readonly isCut: boolean;
}
