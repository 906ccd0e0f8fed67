/**
 * Taking due jobs and looking at the claims that stand: what the verbs are given and answer.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { Job } from '../../job/job.ts';
import type { Bounded, InstanceParams } from './call.ts';

/** How many jobs of one name are wanted. */
export interface Demand {
  readonly name: string;
  readonly limit: number;
  /**
   * Some of them are to be jobs that have been due for long. Absent for a name that does not ask for it, for suspects, in
   * orders and in groups.
   */
  readonly overdue?: OverdueDemand;
}

/** Which jobs of a name go before those that are more urgent: of these the one that was due first. */
export interface OverdueDemand {
  /** Jobs that were due by then. */
  readonly before: Date;
  /** From 1 to the `limit` of the name, in which they are contained. What they leave goes to the others. */
  readonly limit: number;
}

export interface ClaimParams extends Bounded {
  /** Different names, at most 200. */
  readonly demand: readonly Demand[];
  readonly instanceId: string;
  /** A fresh token that the caller has noted down before. */
  readonly claimToken: string;
  readonly now: Date;
  /** Claim one suspect, the most urgent of the demanded names, instead of everything but suspects. */
  readonly suspects: boolean;
  /**
   * From 1: take jobs from so many times the demanded number, at a place or in a part left to chance, and of fewer only
   * a part: for when rivals win too often.
   */
  readonly widening: number;
}

export interface ClaimResult {
  /** The claimed jobs as they were read after the claim, the most urgent first. */
  readonly jobs: readonly Job[];
  /** How many jobs the claim tried to win. */
  readonly attempted: number;
  /** Names that had at least as many due jobs as were demanded of them. */
  readonly saturated: readonly string[];
  /** Names that are known to have no more due jobs; of a name in neither list nothing is known. */
  readonly drained: readonly string[];
}

export interface ReadClaimParams extends Bounded {
  readonly instanceId: string;
  readonly claimToken: string;
}

export interface FindClaimantsParams extends Bounded {
  /** Instances that are known already and not looked for. */
  readonly except: readonly string[];
}

export interface ReadClaimsParams extends InstanceParams {
  readonly limit: number;
}

/** One claim that stands in the ledger. */
export interface StandingClaim {
  readonly jobId: ObjectId;
  readonly claimToken: string;
  readonly fence: number;
  readonly cancelRequestedAt?: Date;
}

/** What {@link LedgerRepository.countClaims} is given. */
export interface CountClaimsParams extends Bounded {
  /** Whose claims; those of tools that keep no lease when left out. */
  readonly instanceId?: string;
  /** How many claims are looked at, at most. */
  readonly limit: number;
}

/** The claims that stand under an instance's id. */
export interface ClaimCounts {
  /** How many there are, up to the limit. */
  readonly count: number;
  /** True when the limit was reached, so that there may be more. */
  readonly isCut: boolean;
  /** How many there are of each name, the most frequent first. */
  readonly byName: readonly { readonly name: string; readonly count: number }[];
  /** The claim that stands longest, of those that were looked at; absent when there is none. */
  readonly oldest?: { readonly jobId: ObjectId; readonly name: string; readonly lockedAt: Date };
}
