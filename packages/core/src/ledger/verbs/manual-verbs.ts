/**
 * What people do to single jobs: what the verbs are given and answer.
 *
 * @module
 */
import type { Session } from '../../foundation/driver-shapes.ts';
import type { Job } from '../../job/job.ts';
import type { JobMetadata, MetadataChanges } from '../../job/metadata.ts';
import type { Bounded, JobParams, ManualAct } from './call.ts';

export interface CancelParams extends JobParams {
  readonly now: Date;
}

export interface CancelResult {
  /**
   * `cancelled`, `skipped` and `requested` were written by this call, or the last before it; `skipped`: the job is the
   * pending run of a series, which goes on with its next run; `refused`: the job is finished; `missing`: there is none.
   */
  readonly outcome: 'cancelled' | 'skipped' | 'requested' | 'refused' | 'missing';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
}

export interface RemoveParams extends JobParams {
  /** When, for the log of all transitions; by the ledger's own clock when left out. */
  readonly now?: Date;
}

export interface RemoveResult {
  readonly outcome: 'removed' | 'refused' | 'missing';
  /** The job as it was; null when it is missing. */
  readonly job: Job | null;
}

export interface RedriveParams extends JobParams {
  readonly now: Date;
  /** When it runs again. */
  readonly nextRunAt: Date;
  /** Redrive a dead letter: give it the name back under which it failed, whether it waits, failed or was cancelled since. */
  readonly isDeadLetter?: boolean;
}

export interface RedriveResult {
  /** `taken`: another job holds the unique key of this one; nothing was changed. */
  readonly outcome: 'redriven' | 'refused' | 'missing' | 'taken';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
  /** For `taken`: who holds the key, unless it was gone again when it was looked for. */
  readonly holder?: Job;
}

/** What an amendment has beside what it changes, and metadata. */
export interface WithMetadata {
  /** With data, the name of the job where the caller knows it, for a codec. */
  readonly name?: string;
  readonly metadata?: JobMetadata;
}

/** What is changed of a pending job; what is left out stays as it is. */
export interface Amendment extends WithMetadata {
  readonly nextRunAt?: Date;
  readonly priority?: number;
  /** Of a job with a group, in place of its priority. */
  readonly rank?: number;
  readonly supersedes?: Job['supersedes'];
  readonly data?: unknown;
}

export interface AmendParams extends JobParams {
  readonly changes: Amendment;
  readonly now: Date;
  /** Only while the job's fence is still this: it was not claimed since it was read, so it holds the key it held. */
  readonly fence?: number;
  /** Amend inside this transaction of the user's. */
  readonly session?: Session;
}

export interface AmendResult {
  /** `refused`: the job is not pending. */
  readonly outcome: 'amended' | 'refused' | 'missing';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
}

export interface SetMetadataParams extends JobParams {
  readonly changes: MetadataChanges;
  readonly now: Date;
  /** Only while this claim of the job stands. */
  readonly claimToken?: string;
  /** Change it inside this transaction of the user's. */
  readonly session?: Session;
}

export interface SetMetadataResult {
  /** `refused`: the claim does not stand any more; `full`: the metadata would be too large. Then nothing was written. */
  readonly outcome: 'written' | 'refused' | 'full' | 'missing';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
}

export interface RepairParams extends JobParams {
  /** How the job was seen; it is left alone when it is not like that any more. */
  readonly seen: Pick<Job, 'status' | 'fence' | 'updatedAt'>;
  readonly changes: Repairing;
  /** The rule that the job breaks; stands in its history. */
  readonly rule: string;
  readonly now: Date;
}

export interface RepairResult {
  /** `changed`: the job was not as it was seen any more, and nothing was written. */
  readonly outcome: 'repaired' | 'changed' | 'missing';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
}

/** A change of a stored job that leaves its id, its state, its fence and its history alone. Other fields by their names. */
export interface Repairing {
  readonly set?: Readonly<Partial<Job>>;
  readonly clear?: readonly (keyof Job)[];
}

export interface SetPausedParams extends Bounded, ManualAct {
  readonly name: string;
  readonly paused: boolean;
  readonly now: Date;
}

/** A name that is paused. */
export interface PauseRecord {
  readonly name: string;
  /** When it was paused, by the ledger's clock; pausing it again changes nothing. */
  readonly at: Date;
  /** Who paused it, where that was said. */
  readonly by?: string;
  /** Why, where that was said. */
  readonly reason?: string;
}

/** The names that are paused. */
export interface PauseVerbs {
  /** Pauses or resumes a name, for all instances. */
  setPaused(params: SetPausedParams): Promise<void>;

  /** The names that are paused, each with since when, by whom and why. */
  readPaused(params?: Bounded): Promise<readonly PauseRecord[]>;
}
