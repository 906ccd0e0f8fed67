/**
 * What tells people how the instances are and what waits: what an instance says of itself beside its lease, and the
 * counts of claims and due jobs. Nothing here decides anything; a ledger answers all the same when it is missing.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { Bounded, InstanceParams } from './ledger-verbs.ts';

/** One worker of an instance. */
export interface WorkerInfo {
  readonly name: string;
  /** Handlers of it that may run at once. */
  readonly concurrency: number;
  /** Handlers of it that run. */
  readonly running: number;
}

/** What an instance says of itself, written with its lease. */
export interface InstanceInfo {
  /** The name of its machine. */
  readonly host: string;
  /** The id of its process. */
  readonly pid: number;
  /** The version of this package. */
  readonly version: string;
  /** When its scheduler was started, by the ledger's clock. */
  readonly startedAt: Date;
  /** When it said this, by the ledger's clock. */
  readonly reportedAt: Date;
  /** Its workers, up to 500 of them, with names of 16384 characters together. */
  readonly workers: readonly WorkerInfo[];
  /** How many more workers it has than are named. */
  readonly unnamedWorkers: number;
  /** Handlers of all workers that run. */
  readonly runningJobs: number;
  /** Jobs that it has claimed and that wait for a slot. */
  readonly bufferedJobs: number;
  /** Handlers of all workers together that may run at once; absent when there is no bound but theirs. */
  readonly instanceConcurrency?: number;
  /** True when it gives the jobs of dead instances back. */
  readonly recoverStaleJobs: boolean;
}

/** What may carry the info of an instance. */
export interface Informed {
  /** What the instance says of itself; absent on the record of an older version. */
  readonly info?: InstanceInfo;
}

/** What {@link LedgerRepository.renewLease} is given. */
export interface RenewLeaseParams extends InstanceParams, Informed {}

/** What {@link LedgerRepository.readLeases} is given. */
export interface ReadLeasesParams extends Bounded {
  /** Read what the instances say of themselves too; those who judge leases do not need it. @default false */
  readonly informed?: boolean;
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
