/**
 * What is known when a job is explained, and what several reasons take from it.
 *
 * @module
 */
import type { ClaimProgress } from '../engine/running/claim-progress.ts';
import type { Job } from '../job/job.ts';
import type {
  GroupRecord,
  JobAhead,
  LeaseRecord,
  LimitRecord,
  PauseRecord,
} from '../ledger/ledger-repository.ts';
import { inWords, type OpenParent } from './explanation.ts';

/** What is known when a job is explained. */
export interface Facts {
  readonly job: Job;
  readonly isArchived: boolean;
  /** True where nothing was read for this job alone: how its order or its group stands is not known. */
  readonly isOneOfMany?: boolean;
  readonly now: Date;
  /** Every lease on record; of this process's own instance with what it says of itself now. */
  readonly leases: readonly LeaseRecord[];
  /** For a job that waits in an order: who goes first there. */
  readonly ahead?: JobAhead;
  /** For a job that waits in a group: how that stands. */
  readonly group?: GroupRecord;
  /** For a job that waits for its parents: those that hold it up; absent when they were not read. */
  readonly openParents?: readonly OpenParent[];
  /** The limits; absent when no live instance names one for its workers. */
  readonly limits?: readonly LimitRecord[];
  /** The names that are paused. */
  readonly pauses: readonly PauseRecord[];
  readonly lockTimeoutMs: number;
  readonly leaseDurationMs: number;
  /** Set when this process's own instance has claimed the job. */
  readonly own?: { readonly progress: ClaimProgress | undefined };
}

/** A lease that is not renewed for longer than this many times its duration is silent: others declare it dead soon. */
const SILENT_LEASES = 1 + 1 / 6;

/** True for a lease that is live on record and was renewed in time, as far as is known. */
export function isAlive({ status, leaseDurationMs, info }: LeaseRecord, now: Date): boolean {
  if (status !== 'live') return false;
  const ageMs = info === undefined ? 0 : now.getTime() - info.reportedAt.getTime();
  return ageMs <= leaseDurationMs * SILENT_LEASES;
}

/** A number of failures in words. */
export function timesFailed(failCount: number): string {
  return failCount === 1 ? '1 failed run' : `${failCount} failed runs`;
}

/** When something is, and how long that takes. */
export function momentOf(at: Date, now: Date): string {
  return `at ${at.toISOString()}, in ${inWords(at.getTime() - now.getTime())}`;
}
