/**
 * What the verbs are given and answer that concern what is kept beside the state of a job: its metadata and its
 * history; and who did what by hand.
 *
 * @module
 */
import type { HistoryEntry, Job } from '../../job/job.ts';
import type { JobMetadata, MetadataChanges, MetadataFilter } from '../../job/metadata.ts';
import type { Mending } from '../rules/known-rules.ts';
import type { JobParams } from './ledger-verbs.ts';

/** Who asked for a verb by hand; it stands in the history as `by`. */
export interface ByHand {
  /** The actor, where the ledger is used as one. */
  readonly by?: string;
}

/** What an amendment has beside what it changes, and metadata. */
export interface WithMetadata {
  /** With data, the name of the job where the caller knows it, for a codec. */
  readonly name?: string;
  readonly metadata?: JobMetadata;
}

/** Metadata that jobs are filtered by. */
export interface ByMetadata {
  /** Jobs whose metadata holds each of these values. */
  readonly metadata?: MetadataFilter;
}

export interface RemoveParams extends JobParams {
  /** When, for the log of all transitions; by the ledger's own clock when left out. */
  readonly now?: Date;
}

export interface SetMetadataParams extends JobParams {
  readonly changes: MetadataChanges;
  readonly now: Date;
  /** Only while this claim of the job stands. */
  readonly claimToken?: string;
}

export interface SetMetadataResult {
  /** `refused`: the claim does not stand any more; `full`: the metadata would be too large. Then nothing was written. */
  readonly outcome: 'written' | 'refused' | 'full' | 'missing';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
}

export interface MendParams extends JobParams {
  /** How the job was seen; it is left alone when it is not like that any more. */
  readonly seen: Pick<Job, 'status' | 'fence' | 'updatedAt'>;
  readonly changes: Mending;
  /** The rule that the job breaks; stands in its history. */
  readonly rule: string;
  readonly now: Date;
}

export interface MendResult {
  /** `changed`: the job was not as it was seen any more, and nothing was written. */
  readonly outcome: 'mended' | 'changed' | 'missing';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
}

export interface ReadHistoryParams extends JobParams {
  /** The most entries; of more the newest are read. */
  readonly limit: number;
}

/** One entry of the history of a job. Beside what its own history has, a log of all transitions knows these. */
export interface TransitionEntry extends HistoryEntry {
  /** The state before, where the verb tells it. */
  readonly from?: string;
  /** The state after; `gone` for a job that left the ledger. */
  readonly to?: string;
  /** The claim it happened under, or that it made. */
  readonly claimToken?: string;
  /** How many times the job had been claimed. */
  readonly fence?: number;
}
