/**
 * Bulk actions and audits.
 *
 * @module
 */
import type { BoundedCount, Ejson, Id, JobSummary, Problem, Status, Time } from './types.ts';

/** Which jobs a bulk action is for. `ids` alone, or the other fields; `{}` is refused unless `all` is true. */
export interface BulkFilter {
  /** At most 1000. */
  readonly ids?: readonly Id[];
  /** Every job, where nothing else narrows it. */
  readonly all?: true;
  readonly name?: string | readonly string[];
  readonly status?: Status | readonly Status[];
  readonly uniqueKey?: string;
  readonly order?: string;
  readonly group?: string;
  readonly flow?: Id;
  /** Only dead letters of this name, or of these. */
  readonly deadLettersOf?: string | readonly string[];
  readonly metadata?: { readonly [key: string]: Ejson };
  readonly createdFrom?: Time;
  readonly createdBefore?: Time;
  readonly finishedFrom?: Time;
  readonly finishedBefore?: Time;
  /** Only jobs whose last failure begins with this text. */
  readonly failReason?: string;
  /** Only jobs that this instance holds. */
  readonly claimedBy?: string;
}

/**
 * A bulk action that has a preview. `cancelFlow` and `redriveFlow` take a filter with `flow` alone; `redrive` gives dead
 * letters their own names back.
 */
export type BulkKind = 'cancel' | 'retry' | 'delete' | 'redrive' | 'cancelFlow' | 'redriveFlow';

/** What a bulk action does with each job; `audit` and `repair` look at all jobs and take no filter. */
export type OperationKind = BulkKind | 'audit' | 'repair';

/** `POST operations/preview`. */
export interface PreviewRequest {
  readonly kind: BulkKind;
  readonly filter: BulkFilter;
}

/** What an action would do. */
export interface PreviewAnswer {
  readonly at: Time;
  /** Jobs that match. */
  readonly count: BoundedCount;
  /** Of those that were counted: how many are in each state. */
  readonly byStatus: Partial<Record<Status, number>>;
  /** The first few of them. */
  readonly sample: readonly JobSummary[];
}

/** `POST operations`. */
export interface OperationRequest {
  readonly kind: OperationKind;
  readonly filter?: BulkFilter;
  /** Ends after so many jobs. */
  readonly limit?: number;
  /** Of `redrive`: how many become due in a second. */
  readonly perSecond?: number;
  /** Why; it stands in the history of each job. */
  readonly reason?: string;
}

/** A bulk action while it goes on, and after. Kept in the memory of the server for an hour after its end. */
export interface Operation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly filter?: BulkFilter;
  readonly state: 'running' | 'done' | 'aborted' | 'failed';
  /** The id of the actor that began it. */
  readonly by: string;
  readonly startedAt: Time;
  readonly endedAt?: Time;
  /** Jobs that matched, or were looked at, so far. */
  readonly matched: number;
  readonly changed: number;
  /** Why the others were left as they were. */
  readonly left: readonly { readonly reason: string; readonly count: number }[];
  /** Of an audit: what was found so far. */
  readonly audit?: AuditResult;
  /** Why it failed. */
  readonly problem?: Problem;
}

/** What an audit found. */
export interface AuditResult {
  readonly audited: number;
  readonly repaired: number;
  readonly violations: { readonly [rule: string]: number };
  /** The first 200. */
  readonly findings: readonly {
    readonly rule: string;
    readonly jobId: Id;
    readonly name: string;
    readonly status: Status;
    readonly message: string;
    readonly advice?: string;
    readonly isRepaired: boolean;
  }[];
  readonly isComplete: boolean;
}

/** One operation. */
export interface OperationAnswer {
  readonly operation: Operation;
}

/** `GET operations`: the newest first. */
export interface OperationsAnswer {
  readonly operations: readonly Operation[];
}
