/**
 * The proofs of life of instances: what the verbs are given and answer.
 *
 * @module
 */
import type { Bounded, InstanceParams } from './call.ts';

/** One worker of an instance. */
export interface WorkerInfo {
  readonly name: string;
  /** Handlers of it that may run at once. */
  readonly concurrency: number;
  /** Handlers of it that run. */
  readonly running: number;
  /** True when it runs jobs with a group. */
  readonly groups?: true;
  /** The name under which its jobs wait that have failed for good; absent where they fail under its own. */
  readonly deadLetter?: string;
  /** The keys of the limits that its jobs count under; absent where there are none. */
  readonly limits?: readonly string[];
}

/** How an instance does. */
export interface InstanceVitals {
  /** The part of the jobs that its claims tried to win and won, from 0 to 1, since its process was started. */
  readonly winRate: number;
  /** How late its timers were when it said this, in milliseconds: for so long its event loop was blocked. */
  readonly loopDelayMs: number;
  /** Between the clock of its machine and the ledger's, in milliseconds, whichever is ahead. */
  readonly clockErrorMs: number;
  /** How late the jobs of its last claim were, in milliseconds. */
  readonly queueLagMs: number;
  /** The alerts that fired there and were not cleared. */
  readonly alerts: readonly string[];
  /** Writes of its process that broke a rule. */
  readonly violations: number;
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
  /** How it does; absent on the record of an older version. */
  readonly vitals?: InstanceVitals;
}

/** What may carry the info of an instance. */
export interface Informed {
  /** What the instance says of itself; absent on the record of an older version. */
  readonly info?: InstanceInfo;
}

/** One instance's proof of life. */
export interface LeaseRecord extends Informed {
  readonly instanceId: string;
  /** Grows with every renewal. Observers compare it with itself, never with a time. */
  readonly counter: number;
  /** Dead is for ever: a dead instance goes on under a new id. */
  readonly status: 'live' | 'dead';
  readonly leaseDurationMs: number;
}

export interface OpenLeaseParams extends Bounded, Informed {
  readonly instanceId: string;
  readonly leaseDurationMs: number;
}

/** What {@link LedgerRepository.renewLease} is given. */
export interface RenewLeaseParams extends InstanceParams, Informed {}

/** What {@link LedgerRepository.readLeases} is given. */
export interface ReadLeasesParams extends Bounded {
  /** Read what the instances say of themselves too; those who judge leases do not need it. @default false */
  readonly informed?: boolean;
}

export interface DeclareDeadParams extends InstanceParams {
  /** The counter as it was seen unchanged. */
  readonly counter: number;
}
