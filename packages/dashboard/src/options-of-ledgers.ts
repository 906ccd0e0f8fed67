/**
 * What a dashboard needs of work ledgers: the part of them that it reads. The ledgers of `@monque/ledgers` fit, and a
 * dashboard without any needs nothing of that package.
 *
 * @module
 */

/** How many records of a ledger are looked at, in the order of their ids. */
export const MOST_RECORDS = 10_000;

/** The ledgers that a dashboard shows. */
export interface LedgersOption {
  /** A `VerificationLedger`. It needs no runner: nothing is run by the dashboard. */
  readonly verification?: AnyVerificationLedger;
  /** A `CoordinationLedger`. */
  readonly coordination?: AnyCoordinationLedger;
}

/** What is read of a verification ledger. */
export interface AnyVerificationLedger {
  list(query: { readonly limit: number }): Promise<readonly AnyStep[]>;
  resultsOf(step: AnyStep): readonly AnyInvariantResult[];
}

/** What is read of a coordination ledger. */
export interface AnyCoordinationLedger {
  list(query: { readonly limit: number }): Promise<readonly AnyTask[]>;
  statistics(): Promise<AnyTaskStatistics>;
}

/** What is read of every record. */
export interface AnyRecord<Status extends string> {
  readonly id: string;
  readonly status: Status;
  readonly title: string;
  readonly createdAt?: Date;
  readonly updatedAt?: Date;
  readonly history: readonly {
    readonly at?: Date;
    readonly verb: string;
    readonly from?: string;
    readonly to?: string;
    readonly actor?: string;
    readonly run?: string;
    readonly reason?: string;
  }[];
}

/** The states of a step. */
export type AnyStepStatus =
  | 'not_started'
  | 'in_progress'
  | 'completed_pending_verification'
  | 'verified'
  | 'drift_detected';

/** What is read of a step. */
export interface AnyStep extends AnyRecord<AnyStepStatus> {
  readonly runId?: string;
  readonly completedAt?: Date;
  readonly scope: readonly { readonly name: string; readonly items: readonly string[] }[];
  readonly summary: readonly string[];
  readonly edgeCases: readonly string[];
  readonly concerns: readonly string[];
  readonly stillNeeded: readonly string[];
  readonly verifications: readonly {
    readonly outcome: 'verified' | 'drift';
    readonly at: Date;
    readonly run: string;
    readonly notes?: string;
  }[];
}

/** An invariant with the name and the last result of its check. */
export interface AnyInvariantResult {
  readonly text: string;
  readonly check?: string;
  readonly result?: {
    readonly passed: boolean;
    readonly at: Date;
    readonly run: string;
    readonly exitCode?: number;
    readonly durationMs: number;
    readonly fault?: string;
    readonly output?: string;
  };
}

/** The states of a task. */
export type AnyTaskStatus =
  | 'defined'
  | 'assigned'
  | 'in_progress'
  | 'peer_review'
  | 'revisions'
  | 'blocked'
  | 'completed';

/** How urgent a task is. */
export type AnyTaskPriority = 'critical' | 'high' | 'normal';

interface AnyItem {
  readonly text: string;
  readonly done: boolean;
}

/** What is read of a task. */
export interface AnyTask extends AnyRecord<AnyTaskStatus> {
  readonly priority: AnyTaskPriority;
  readonly assignee?: string;
  readonly reviewer?: string;
  readonly deadline?: Date;
  readonly dependsOn: readonly string[];
  readonly acceptanceCriteria: readonly AnyItem[];
  readonly requirements: readonly { readonly name: string; readonly text: string }[];
  readonly definitionOfDone: readonly AnyItem[];
  readonly startedAt?: Date;
  readonly submittedAt?: Date;
  readonly approvedBy?: string;
  readonly approvedAt?: Date;
  readonly completedAt?: Date;
  readonly blockedReason?: string;
  readonly blockedAt?: Date;
  readonly revisionCount?: number;
}

interface AnyRate {
  readonly count: number;
  readonly of: number;
}

/** What is read of the figures of a coordination ledger. */
export interface AnyTaskStatistics {
  readonly total: number;
  readonly byPriority: Readonly<Record<AnyTaskPriority, number>>;
  readonly overdue: readonly string[];
  readonly completedThisWeek: number;
  readonly completedInWeeks: readonly number[];
  readonly approvals: AnyRate;
  readonly rework: AnyRate;
  readonly byAssignee: readonly {
    readonly assignee: string;
    readonly tasks: readonly { readonly count: number }[];
    readonly completed: number;
    readonly overdue: number;
  }[];
  readonly criticalPath: readonly string[];
}
