/**
 * The noun: what a job is, in the public interface and in the database alike.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';

/** The states of a job; `docs/state-machine.md` shows how it moves between them. */
export const JobStatus = {
  /** Waits for its time, or for a worker. */
  PENDING: 'pending',
  /** Claimed by an instance: its handler runs, or will start at once. */
  PROCESSING: 'processing',
  /** Its handler succeeded. */
  COMPLETED: 'completed',
  /** It used up its retries, or was rescued too often. */
  FAILED: 'failed',
  /** It was cancelled before it could end otherwise. */
  CANCELLED: 'cancelled',
} as const;

/** The states of a job. */
export type JobStatus = (typeof JobStatus)[keyof typeof JobStatus];

/** The version of the stored form of a job that this library writes. */
export const DOCUMENT_VERSION = 1;

/** The priority of a job that states none. */
export const DEFAULT_PRIORITY = 0;

/** The most urgent priority. */
export const HIGHEST_PRIORITY = -100;

/** The least urgent priority. */
export const LOWEST_PRIORITY = 100;

/**
 * One unit of work. A field that is marked optional is absent where it does not apply; no field is ever null.
 *
 * @typeParam T - what `data` holds
 */
export interface Job<T = unknown> {
  /** The job's id, made by the client that enqueued it; carries its creation time. */
  readonly _id: ObjectId;
  /** The name of the worker that runs it. */
  readonly name: string;
  /** What the handler works on; `undefined` for a job without data. */
  readonly data: T;
  readonly status: JobStatus;
  /** From -100 (first) to 100 (last). */
  readonly priority: number;
  /** Not claimed before this time. Of two jobs of one priority the one that is due earlier goes first. */
  readonly nextRunAt: Date;
  /** How many runs failed so far. */
  readonly failCount: number;
  /** The message of the last failure. */
  readonly failReason?: string;
  /** How many times the job was claimed, ever; grows only. Hand it to other systems to fence off a late run. */
  readonly fence: number;
  /** How many times the job was given back because its instance died. */
  readonly rescueCount?: number;
  /** When it was claimed; only while processing. */
  readonly lockedAt?: Date;
  /** The id of the instance that claimed it; only while processing. */
  readonly claimedBy?: string;
  /** The id of this one claim; only while processing. */
  readonly claimToken?: string;
  /** The token of the last claim that was ended by its own holder. */
  readonly lastToken?: string;
  /** When somebody asked to cancel it while it was processing. */
  readonly cancelRequestedAt?: Date;
  /** The unique key it was enqueued with. */
  readonly uniqueKey?: string;
  /** The lock it holds on its unique key; present only while no second job with that key may exist. */
  readonly uniqueLock?: string;
  /** When it reached a finished state. */
  readonly finishedAt?: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** The version of the stored form. */
  readonly documentVersion: number;
}

/** A job that is processing, with the fields every claim has. */
export type ClaimedJob = Job & { readonly claimToken: string; readonly claimedBy: string };
