/**
 * The noun: what a job is, in the public interface and in the database alike.
 *
 * @module
 */
import type { ObjectId, Timestamp } from 'mongodb';
import type { JobMetadata } from './metadata.ts';

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
  /** Waits at a gate for its evidence, or in a flow for its parents; no instance holds it. */
  BLOCKED: 'blocked',
  /** It was cancelled before it could end otherwise. */
  CANCELLED: 'cancelled',
} as const;

/** The states of a job. */
export type JobStatus = (typeof JobStatus)[keyof typeof JobStatus];

/** The version of the stored form that this library writes for a job that an older one can run too. */
export const DOCUMENT_VERSION = 1;

/**
 * The version of the stored form of a job with an order or a group: a process that knows of neither would run it out of
 * turn.
 */
export const ORDERED_VERSION = 2;

/** The version of the stored form of a job of a flow: a process that knows of none would not release what waits for it. */
export const FLOW_VERSION = 3;

/** The newest version of the stored form that this library can run. */
export const NEWEST_VERSION: number = Math.max(DOCUMENT_VERSION, ORDERED_VERSION, FLOW_VERSION);

/** The priority of a job that states none. */
export const DEFAULT_PRIORITY = 0;

/** The most urgent priority. */
export const HIGHEST_PRIORITY = -100;

/** The least urgent priority. */
export const LOWEST_PRIORITY = 100;

/**
 * The priority that is stored of a job with an order or a group: claims by priority pass it by. One with an order has
 * none, and one with a group has it in its rank.
 */
export const ORDERED_PRIORITY = 101;

/** How many entries the history of a job keeps; the oldest leave. */
export const MOST_HISTORY = 20;

/** How many lines the log of a job keeps; the oldest leave. */
export const MOST_LOG_LINES = 100;

/** How many stages a job may have. */
export const MOST_STAGES = 50;

/** How many gates of one job may be opened. */
export const MOST_GATES = 50;

/** How long a job holds its unique key. */
export type UniqueHold = 'untilDone' | 'untilStarted' | 'window';

/** Something that happened to a job, beside the runs that went well. */
export interface HistoryEntry {
  /** What happened, by its verb in `docs/state-machine.md`, such as `retry`, `fail`, `rescue` or `redrive`. */
  readonly verb: string;
  readonly at: Date;
  /** The instance that did it, or that had died; of what was done manually, the actor. */
  readonly by?: string;
  /** Why: the message of a failure, or the reason somebody gave. */
  readonly reason?: string;
  /** How long the run took, in milliseconds. */
  readonly duration?: number;
  /** For a run of a series: the time it was planned for. */
  readonly scheduledFor?: Date;
  /** For a series: how many of its times were passed over after that run. */
  readonly skipped?: number;
}

/** One stage of a job that was finished and is never run again for it. */
export interface StageRecord {
  readonly name: string;
  /** When it was finished. */
  readonly at: Date;
  /** What its handler returned; of the last stage that is the result of the job instead. */
  readonly result?: unknown;
}

/** One gate of a job that was opened. */
export interface GateRecord {
  readonly name: string;
  /** When it was opened. */
  readonly at: Date;
  /** On what ground it was opened: whatever the opener gave. */
  readonly evidence: unknown;
  /** Who opened it. */
  readonly by?: string;
}

/** How long to wait before a retry, as it is stored with a job. */
export interface BackoffPlan {
  /** The same delay each time, or one that doubles with each failure. */
  readonly type: 'fixed' | 'exponential';
  /** Milliseconds: the delay, or what is multiplied with two to the power of the failures so far. */
  readonly delay: number;
  /** The longest delay, in milliseconds. @default `maxBackoffDelay` of the scheduler */
  readonly maxDelay?: number;
  /** The part of the delay that is left to chance, from 0 to 1; what is drawn shortens the delay. @default 0 */
  readonly jitter?: number;
}

/** Where a dead letter comes from. */
export interface DeadLetterSource {
  /** The name under which it failed, and under which it runs again when it is redriven. */
  readonly name: string;
  /** When it failed for good there. */
  readonly failedAt: Date;
  /** How many runs had failed before the last one. */
  readonly failCount: number;
  /** The message of the last failure. */
  readonly reason: string;
}

/** Where a job comes from, as tracers name it: the headers of the W3C recommendation "Trace Context". */
export interface JobTrace {
  /** The span that enqueued it. */
  readonly traceparent: string;
  /** What tracers added; absent when they added nothing. */
  readonly tracestate?: string;
}

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
  /** What its users noted beside the data, to find it by; at most 4 KiB. */
  readonly metadata?: JobMetadata;
  readonly status: JobStatus;
  /** From -100 (first) to 100 (last); 101 for a job with an order, which has none, or a group, where `rank` is it. */
  readonly priority: number;
  /** Not claimed before this time. Of two jobs of one priority the one that is due earlier goes first. */
  readonly nextRunAt: Date;
  /** How many runs failed so far; of a series, of the run that is planned now. */
  readonly failCount: number;
  /** The message of the last failure. */
  readonly failReason?: string;
  /**
   * Rises with each claim of the job, when it is changed while it waits, and when it is put back after it finished; never
   * falls. Hand it to other systems to fence off a late run.
   */
  readonly fence: number;
  /** How many times the job was given back because its instance died. */
  readonly rescueCount?: number;
  /** Failures after which it has failed for good, when it states its own number. */
  readonly maxRetries?: number;
  /** How long to wait before a retry, when it states that itself. */
  readonly backoff?: BackoffPlan;
  /** Milliseconds after which a run is aborted and counts as failed, when it states that itself. */
  readonly timeout?: number;
  /** When it was claimed; only while processing. */
  readonly lockedAt?: Date;
  /** When its last run was claimed; stays when the job is finished. */
  readonly startedAt?: Date;
  /** The id of the instance that claimed it; only while processing. */
  readonly claimedBy?: string;
  /** The id of this one claim; only while processing. */
  readonly claimToken?: string;
  /** The token of the last claim that was ended by its own holder. */
  readonly lastToken?: string;
  /** When somebody asked to cancel it while it was processing. */
  readonly cancelRequestedAt?: Date;
  /** The key of its order: it starts when those of its name and key that came before it are finished. */
  readonly order?: string;
  /** The group that it takes turns for with the other groups of its name. */
  readonly group?: string;
  /** The lane of its order or its group, in which its jobs stand behind one another. */
  readonly lane?: string;
  /** Its place in the lane: in an order by the ledger that stored it, in a group its priority, from -100 to 100. */
  readonly rank?: Timestamp | number;
  /** The flow it belongs to. */
  readonly flow?: ObjectId;
  /** What it is called in that flow. */
  readonly ref?: string;
  /** What it holds up while it is open: each token stands for all parents of some jobs of its flow. */
  readonly feeds?: readonly string[];
  /** The tokens of its parents, for whom it waits, or waited. */
  readonly waitsFor?: readonly string[];
  /** Where it failed for good; only of a dead letter, which waits under another name since then. */
  readonly source?: DeadLetterSource;
  /** The unique key it was enqueued with. */
  readonly uniqueKey?: string;
  /** How long it holds that key; absent for `untilDone`. */
  readonly uniqueHold?: UniqueHold;
  /** The lock it holds on its unique key until it is done; present only while no second job with that key may exist. */
  readonly uniqueLock?: string;
  /** The lock it holds on its unique key until it is claimed. */
  readonly startLock?: string;
  /** What becomes of the job that runs before it in its order, which it supersedes: it is asked to cancel, or finishes. */
  readonly supersedes?: 'cancel' | 'finish';
  /** The lock it holds on its unique key for a window of time; it stays when the job is finished, unless others cancelled it. */
  readonly windowLock?: string;
  /** When the window of `windowLock` ends. */
  readonly windowUntil?: Date;
  /**
   * The plan of the series it is the current run of: a cron expression; of an interval its text, such as
   * `every 5 minutes from 2026-01-01T00:00:00.000Z`.
   */
  readonly repeatInterval?: string;
  /** The time zone of that expression; UTC when absent. */
  readonly timezone?: string;
  /** No run of the series before this time. */
  readonly startAt?: Date;
  /** No run of the series after this time. */
  readonly endAt?: Date;
  /** What happens to runs whose time passed while nobody could run them; `once` when absent. */
  readonly missed?: 'skip' | 'once' | 'all';
  /** Grows with every change of the series. */
  readonly seriesVersion?: number;
  /** The time of the plan that this run stands for; retries keep it. */
  readonly scheduledFor?: Date;
  /** The stages that are finished, in their order; retries keep them, a redrive too. */
  readonly stages?: readonly StageRecord[];
  /** The gates that were opened, in the order in which they were. */
  readonly gates?: readonly GateRecord[];
  /** The gate it waits at; only while blocked. */
  readonly blockedBy?: string;
  /** When it came to that gate; only while blocked. */
  readonly blockedAt?: Date;
  /** When it has failed if the gate is not opened by then; only while blocked, and only at a gate with a timeout. */
  readonly blockedUntil?: Date;
  /** What the handler reported of its progress last. */
  readonly progress?: unknown;
  /** The newest lines the handler logged, at most 100. */
  readonly logs?: readonly string[];
  /** What the handler returned; of a series, what the last run that went well returned. */
  readonly result?: unknown;
  /** What happened to it beside runs that went well, the newest last, at most 20 entries. */
  readonly history?: readonly HistoryEntry[];
  /** The span that enqueued it; only when an instrument gave one. Jobs of series have none. */
  readonly trace?: JobTrace;
  /** When it reached a finished state. */
  readonly finishedAt?: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** The version of the stored form. */
  readonly documentVersion: number;
}

/** A job that is processing, with the fields every claim has. */
export type ClaimedJob = Job & { readonly claimToken: string; readonly claimedBy: string };

/** True for a job that somebody holds. */
export function isClaimed(job: Job): job is ClaimedJob {
  return job.claimToken !== undefined && job.claimedBy !== undefined;
}
