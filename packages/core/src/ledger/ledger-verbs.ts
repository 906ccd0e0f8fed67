/**
 * What the verbs of a ledger are given and what they answer: a params object and a named result each.
 *
 * @module
 */
import type { ClientSession, ObjectId } from 'mongodb';
import type { Job } from '../job.ts';
import type { SettleAnswer, Settlement } from './settlement.ts';

/** A bound on the time of one call, for calls that need another than the ledger's own. */
export interface Bounded {
  /** Milliseconds until the call counts as unanswered. */
  readonly deadlineMs?: number;
}

export interface EnqueueParams extends Bounded {
  /** Complete documents in state pending, with ids made by the caller. */
  readonly jobs: readonly Job[];
  /** Store the jobs inside this transaction of the user's. */
  readonly session?: ClientSession;
}

/** What happened to one job of an enqueue. */
export type EnqueueAnswer =
  /** It is stored, by this call or by an earlier try with the same id. */
  | { readonly outcome: 'enqueued'; readonly job: Job }
  /** Not stored: `job` holds the unique lock. */
  | { readonly outcome: 'existing'; readonly job: Job }
  /** Not stored, for a reason of its own. */
  | { readonly outcome: 'refused'; readonly error: Error };

export interface EnqueueResult {
  /** One answer a job, in order. */
  readonly answers: readonly EnqueueAnswer[];
}

/** How many jobs of one name are wanted. */
export interface Demand {
  readonly name: string;
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
  /** Look at so many times the demanded number and take a random part of it: for when rivals win too often. */
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

export interface SettleParams extends Bounded {
  readonly settlements: readonly Settlement[];
  readonly now: Date;
}

export interface SettleResult {
  /** One answer a settlement, in order. */
  readonly answers: readonly SettleAnswer[];
}

export interface JobParams extends Bounded {
  readonly jobId: ObjectId;
}

export interface CancelParams extends JobParams {
  readonly now: Date;
}

export interface CancelResult {
  /** `cancelled` and `requested` were written by this call; `refused`: the job is finished; `missing`: there is none. */
  readonly outcome: 'cancelled' | 'requested' | 'refused' | 'missing';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
}

export interface RemoveResult {
  readonly outcome: 'removed' | 'refused' | 'missing';
  /** The job as it was; null when it is missing. */
  readonly job: Job | null;
}

export interface NextDueParams extends Bounded {
  readonly names: readonly string[];
  /** Due later than this, and not later than `until`. */
  readonly after: Date;
  readonly until: Date;
}

/** One instance's proof of life. */
export interface LeaseRecord {
  readonly instanceId: string;
  /** Grows with every renewal. Observers compare it with itself, never with a time. */
  readonly counter: number;
  /** Dead is for ever: a dead instance goes on under a new id. */
  readonly status: 'live' | 'dead';
  readonly leaseDurationMs: number;
}

export interface OpenLeaseParams extends Bounded {
  readonly instanceId: string;
  readonly leaseDurationMs: number;
}

export interface InstanceParams extends Bounded {
  readonly instanceId: string;
}

export interface DeclareDeadParams extends InstanceParams {
  /** The counter as it was seen unchanged. */
  readonly counter: number;
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

export interface RescueParams extends Bounded {
  readonly deadInstanceId: string;
  /** The rescue that reaches this count ends the job as failed. */
  readonly rescueLimit: number;
  readonly now: Date;
  /** How many claims to look at in one call. */
  readonly limit: number;
}

export interface RescueResult {
  /** How many jobs went where. */
  readonly pending: number;
  readonly failed: number;
  readonly cancelled: number;
  /** True when the instance may hold more claims. */
  readonly more: boolean;
  /** True when nothing was done since the lease is live. */
  readonly refused: boolean;
}

/** News from a ledger that is watched. A hint may be missing or come twice; polling stands behind it. */
export type LedgerHint =
  /** A job became pending; without a name where only its id is known, without a time where it is due at once. */
  | { readonly kind: 'due'; readonly name?: string; readonly dueAt?: Date }
  /** Somebody asked to cancel a job that is processing. */
  | { readonly kind: 'cancelRequested'; readonly jobId: ObjectId }
  /** Hints flow from here on; what came before may have been missed. */
  | { readonly kind: 'opened' }
  /** No hints until the next `opened`. */
  | { readonly kind: 'interrupted'; readonly error: Error }
  /** The ledger's clock may be another one now, as after a failover. */
  | { readonly kind: 'clockChanged' };

/** A watch that was set up. */
export interface LedgerWatch {
  /** Undefined when hints will flow; else why this ledger cannot give any. */
  readonly unsupported?: string;
  close(): Promise<void>;
}
