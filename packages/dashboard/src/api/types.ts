/**
 * Every request and answer of the HTTP API. Types alone, so that code for browsers takes them with `import type`.
 *
 * Times are ISO 8601 texts in UTC with milliseconds, by the ledger's clock. Values that users stored (`data`, `result`,
 * `metadata`, evidence, progress) are {@link Ejson}. A field that does not apply is absent; none is `null` but the
 * cursors of a page.
 *
 * @module
 */

/** A time: ISO 8601, UTC, with milliseconds, such as `2026-01-31T09:00:00.000Z`. */
export type Time = string;

/** The id of a job: 24 hexadecimal characters. */
export type Id = string;

/**
 * A stored value in extended JSON, exact in both directions. Numbers are JSON numbers; `NaN`, the infinities and `-0`
 * are `{ $numberDouble }`; 64-bit integers `{ $numberLong }`; further `{ $numberDecimal }`, `{ $date }`, `{ $oid }`,
 * `{ $binary }` and the other forms of MongoDB. A value that was taken out is `{ $redacted: true }`, one that the codec
 * could not read `{ $undecodable: 'why' }`; both are refused where they are sent back.
 */
export type Ejson =
  | null
  | boolean
  | number
  | string
  | readonly Ejson[]
  | { readonly [key: string]: Ejson };

/** The states of a job. */
export type Status = 'pending' | 'processing' | 'completed' | 'failed' | 'blocked' | 'cancelled';

/** An error: `application/problem+json` as in RFC 9457. */
export interface Problem {
  /** `about:blank`, or the address of the page of the error. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** A stable word: that of the library, such as `JOB_STATE`, or one of the API, such as `UNAUTHENTICATED`. */
  readonly code: string;
  readonly detail: string;
  /** What to do now. */
  readonly advice?: string;
  /** The path of the value that is wrong. */
  readonly field?: string;
  /** Where the fault is in a cron expression: the index of a character. */
  readonly position?: number;
  readonly jobId?: Id;
  /** Who holds a unique key. */
  readonly holderId?: Id;
  /** The state a job was in. */
  readonly jobStatus?: Status | 'gone';
  /** The rule of the ledger that would be broken. */
  readonly rule?: string;
}

/** What the lists show of a job. */
export interface JobSummary {
  readonly id: Id;
  readonly name: string;
  readonly status: Status;
  readonly priority: number;
  readonly nextRunAt: Time;
  readonly createdAt: Time;
  readonly updatedAt: Time;
  /** Runs that failed so far. */
  readonly failCount: number;
  /** How many times it was claimed. */
  readonly fence: number;
  /** The message of the last failure, at most 1000 characters of it in lists. */
  readonly failReason?: string;
  /** How many times it was given back because its instance died. */
  readonly rescueCount?: number;
  readonly maxRetries?: number;
  readonly lockedAt?: Time;
  readonly startedAt?: Time;
  readonly finishedAt?: Time;
  /** The id of the instance that holds it. */
  readonly claimedBy?: string;
  readonly cancelRequestedAt?: Time;
  readonly uniqueKey?: string;
  readonly uniqueHold?: 'untilDone' | 'untilStarted' | 'window';
  /** The cron expression of its series, or an interval such as `every 5 minutes`. */
  readonly cron?: string;
  readonly timezone?: string;
  readonly scheduledFor?: Time;
  /** The gate it waits at. */
  readonly blockedBy?: string;
  readonly blockedAt?: Time;
  readonly blockedUntil?: Time;
  readonly metadata?: Ejson;
  readonly progress?: Ejson;
  /** The key of its order. */
  readonly order?: string;
  /** The group it takes turns in. */
  readonly group?: string;
  /** The flow it belongs to, and what it is called there. */
  readonly flow?: Id;
  readonly ref?: string;
  /** Of a dead letter: where it failed for good. */
  readonly source?: SourceOfJob;
}

/** Where a dead letter failed for good. */
export interface SourceOfJob {
  readonly name: string;
  readonly failedAt: Time;
  /** Runs that had failed before the last one. */
  readonly failCount: number;
  readonly reason: string;
}

/** One stage that is finished. */
export interface StageOfJob {
  readonly name: string;
  readonly at: Time;
  readonly result?: Ejson;
}

/** One gate that was opened. */
export interface GateOfJob {
  readonly name: string;
  readonly at: Time;
  readonly evidence: Ejson;
  readonly by?: string;
}

/** One entry of a history. */
export interface HistoryEntryOfJob {
  /** What happened, such as `retry`, `fail`, `rescue` or `redrive`. */
  readonly verb: string;
  readonly at: Time;
  /** The instance, or the actor. */
  readonly by?: string;
  readonly reason?: string;
  /** Milliseconds. */
  readonly duration?: number;
  readonly scheduledFor?: Time;
  readonly skipped?: number;
  readonly from?: string;
  readonly to?: string;
  readonly claimToken?: string;
  readonly fence?: number;
}

/** How long to wait before a retry. */
export interface BackoffOfJob {
  readonly type: 'fixed' | 'exponential';
  /** Milliseconds. */
  readonly delay: number;
  readonly maxDelay?: number;
  readonly jitter?: number;
}

/** All of a job. */
export interface JobDetails extends JobSummary {
  /** Absent for a job without data. */
  readonly data?: Ejson;
  readonly result?: Ejson;
  readonly stages?: readonly StageOfJob[];
  readonly gates?: readonly GateOfJob[];
  readonly logs?: readonly string[];
  /** The newest 20 entries. */
  readonly history?: readonly HistoryEntryOfJob[];
  readonly trace?: { readonly traceparent: string; readonly tracestate?: string };
  readonly backoff?: BackoffOfJob;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly startAt?: Time;
  readonly endAt?: Time;
  readonly missed?: 'skip' | 'once' | 'all';
  readonly windowUntil?: Time;
  readonly documentVersion: number;
}

/** `GET jobs/{id}`, and the answer of the verbs on one job. */
export interface JobAnswer {
  readonly at: Time;
  readonly job: JobDetails;
}

/** `GET jobs/{id}/raw`: the document as it is stored, without what was taken out. */
export interface RawJobAnswer {
  readonly at: Time;
  readonly document: Ejson;
}

/** `GET jobs`. */
export interface JobsQuery {
  /** One name or several: repeat the parameter. */
  readonly name?: string | readonly string[];
  readonly status?: Status | readonly Status[];
  readonly uniqueKey?: string;
  readonly order?: string;
  readonly group?: string;
  readonly flow?: Id;
  /** Only dead letters of this name, or of these. */
  readonly deadLettersOf?: string | readonly string[];
  readonly createdFrom?: Time;
  readonly createdBefore?: Time;
  readonly finishedFrom?: Time;
  readonly finishedBefore?: Time;
  /** Only jobs whose last failure begins with this text. */
  readonly failReason?: string;
  /** Only jobs that this instance holds. */
  readonly claimedBy?: string;
  readonly orderBy?: '_id' | 'createdAt' | 'updatedAt' | 'nextRunAt';
  readonly direction?: 'ascending' | 'descending';
  readonly cursor?: string;
  /** 1 to 200. @default 50 */
  readonly limit?: number;
  readonly archived?: boolean;
  /** Read everything that has to be read, for a list that no index serves. @default false */
  readonly scan?: boolean;
  /** `meta.tenant=acme`: extended JSON where it is, else a text; `"5"` is the text, `5` the number. */
  readonly [metadata: `meta.${string}`]: string;
}

/** One page of jobs. */
export interface JobsAnswer {
  readonly at: Time;
  readonly jobs: readonly JobSummary[];
  /** The cursor of the page behind this one; null when there is none. */
  readonly nextCursor: string | null;
  readonly previousCursor: string | null;
  /** What the actor's list was narrowed to, when it may not see all names. */
  readonly names?: readonly string[];
}

/** `POST jobs`. With the header `Idempotency-Key` the same key stores one job, however often it is sent. */
export interface EnqueueRequest {
  readonly name: string;
  readonly data?: Ejson;
  readonly runAt?: Time;
  /** Milliseconds, in place of `runAt`. */
  readonly delay?: number;
  readonly uniqueKey?: string;
  readonly uniqueHold?: 'untilDone' | 'untilStarted' | { readonly window: number };
  readonly whenTaken?: 'keep' | 'replace' | 'throttle' | 'throw';
  readonly priority?: number;
  readonly metadata?: Ejson;
  readonly maxRetries?: number;
  readonly backoff?: BackoffOfJob;
  readonly timeout?: number;
}

/** `POST jobs/{id}/actions/cancel`. */
export interface CancelRequest {
  readonly reason?: string;
}

/** `POST jobs/{id}/actions/reschedule`. */
export interface RescheduleRequest {
  readonly runAt: Time;
}

/** `PATCH jobs/{id}/metadata`: `null` removes a key. */
export interface MetadataRequest {
  readonly changes: { readonly [key: string]: Ejson };
}

/** `POST jobs/{id}/actions/open-gate`. */
export interface OpenGateRequest {
  readonly gate: string;
  readonly evidence: Ejson;
}

/** `DELETE jobs/{id}`. */
export interface DeletedAnswer {
  readonly at: Time;
  readonly deleted: boolean;
}

/** One reason why a job runs or does not. */
export interface ReasonAnswer {
  /** A stable word, such as `paused` or `noWorker`. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
  /** What belongs to the reason, as extended JSON. */
  readonly details: { readonly [key: string]: Ejson };
}

/** `GET jobs/{id}/explanation`. */
export interface ExplanationAnswer extends ReasonAnswer {
  readonly at: Time;
  readonly jobId: Id;
  readonly state: Status | 'missing' | 'unknown';
  readonly others: readonly ReasonAnswer[];
}

/** `GET jobs/{id}/history`. */
export interface HistoryAnswer {
  readonly at: Time;
  /** The oldest first. */
  readonly entries: readonly HistoryEntryOfJob[];
}

/** How many there are, counted up to a bound. */
export interface BoundedCount {
  readonly value: number;
  /** True when there may be more. */
  readonly isAtLeast: boolean;
}

export type * from './types-of-control.ts';
export type * from './types-of-ledgers.ts';
export type * from './types-of-operations.ts';
export type * from './types-of-process.ts';
export type * from './types-of-views.ts';
