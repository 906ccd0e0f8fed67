/**
 * What the pages of the work ledgers show: steps with their checks, and tasks on a board.
 *
 * @module
 */
import type { Time } from './types.ts';

/** The states of a step. */
export type StepState =
  | 'not_started'
  | 'in_progress'
  | 'completed_pending_verification'
  | 'verified'
  | 'drift_detected';

/** The states of a task. */
export type TaskState =
  | 'defined'
  | 'assigned'
  | 'in_progress'
  | 'peer_review'
  | 'revisions'
  | 'blocked'
  | 'completed';

/** How urgent a task is. */
export type TaskUrgency = 'critical' | 'high' | 'normal';

/** One verification of a step. */
export interface VerificationOfStep {
  readonly outcome: 'verified' | 'drift';
  readonly at: Time;
  readonly run: string;
  readonly notes?: string;
}

/** What the list shows of a step. */
export interface StepSummary {
  readonly id: string;
  readonly title: string;
  readonly status: StepState;
  /** The run that worked on it last. */
  readonly run?: string;
  readonly completedAt?: Time;
  readonly updatedAt?: Time;
  /** Invariants by what their checks found last. */
  readonly checks: {
    readonly passed: number;
    readonly failed: number;
    /** Checks that were not run yet. */
    readonly notRun: number;
    /** Invariants that nobody said how to check. */
    readonly without: number;
  };
  /** The newest verification. */
  readonly verification?: VerificationOfStep;
}

/** How a check ended last. */
export interface ResultOfCheck {
  readonly passed: boolean;
  readonly at: Time;
  readonly run: string;
  readonly exitCode?: number;
  readonly durationMs: number;
  /** Why it failed, where the exit code does not say it. */
  readonly fault?: string;
  /** The last part of what it printed. */
  readonly output?: string;
}

/** What must be so, how that is checked, and what the check found last. */
export interface InvariantOfStep {
  readonly text: string;
  readonly check?: string;
  readonly result?: ResultOfCheck;
}

/** One thing that happened to a record of a ledger. */
export interface HistoryEntryOfRecord {
  readonly verb: string;
  readonly at?: Time;
  readonly from?: string;
  readonly to?: string;
  readonly actor?: string;
  readonly run?: string;
  readonly reason?: string;
}

/** A step with all that it says. */
export interface StepDetails extends StepSummary {
  readonly invariants: readonly InvariantOfStep[];
  readonly scope: readonly { readonly name: string; readonly items: readonly string[] }[];
  readonly summary: readonly string[];
  readonly edgeCases: readonly string[];
  readonly concerns: readonly string[];
  readonly stillNeeded: readonly string[];
  /** Newest last. */
  readonly verifications: readonly VerificationOfStep[];
  /** Newest last. */
  readonly history: readonly HistoryEntryOfRecord[];
}

/** `GET ledgers/verification` */
export interface StepsQuery {
  readonly status?: StepState;
  /** Only steps whose id comes after this one. */
  readonly after?: string;
  /** @default 100 */
  readonly limit?: number;
}

/** `GET ledgers/verification` */
export interface StepsAnswer {
  readonly at: Time;
  /** All steps by state. */
  readonly counts: Readonly<Record<StepState, number>>;
  /** In the order of their ids. */
  readonly steps: readonly StepSummary[];
  /** The `after` of the next page; null when there is none. */
  readonly nextAfter: string | null;
  /** True when the ledger has more records than the 10,000 that are looked at. */
  readonly isCut: boolean;
}

/** `GET ledgers/verification/{id}` */
export interface StepAnswer {
  readonly at: Time;
  readonly step: StepDetails;
}

/** What the board shows of a task. */
export interface TaskSummary {
  readonly id: string;
  readonly title: string;
  readonly status: TaskState;
  readonly priority: TaskUrgency;
  readonly assignee?: string;
  readonly reviewer?: string;
  readonly deadline?: Time;
  /** True when the deadline has passed and it is not completed. */
  readonly isOverdue: boolean;
  /** How many tasks that it depends on are not completed. */
  readonly waitsFor: number;
  readonly blockedReason?: string;
  readonly updatedAt?: Time;
}

/** An item that is ticked or not. */
export interface ItemOfTask {
  readonly text: string;
  readonly done: boolean;
}

/** A task that another one depends on, or that depends on it. */
export interface OtherTask {
  readonly id: string;
  /** Absent for a task that is not there. */
  readonly title?: string;
  readonly status?: TaskState;
}

/** A task with all that it says. */
export interface TaskDetails extends TaskSummary {
  readonly acceptanceCriteria: readonly ItemOfTask[];
  readonly definitionOfDone: readonly ItemOfTask[];
  readonly requirements: readonly { readonly name: string; readonly text: string }[];
  readonly dependsOn: readonly OtherTask[];
  /** Tasks that depend on it. */
  readonly neededBy: readonly OtherTask[];
  readonly createdAt?: Time;
  readonly startedAt?: Time;
  readonly submittedAt?: Time;
  readonly approvedBy?: string;
  readonly approvedAt?: Time;
  readonly completedAt?: Time;
  readonly blockedAt?: Time;
  /** How often its reviewer asked for changes. */
  readonly revisionCount: number;
  /** Newest last. */
  readonly history: readonly HistoryEntryOfRecord[];
}

/** `GET ledgers/coordination` */
export interface BoardQuery {
  /** Only tasks of this person. */
  readonly assignee?: string;
  /** Tasks a state shows at most. @default 50 */
  readonly limit?: number;
}

/** How many of something, and of how many. */
export interface RateOfTasks {
  readonly count: number;
  readonly of: number;
}

/** What one person does. */
export interface FiguresOfAssignee {
  readonly assignee: string;
  /** Tasks that are not completed. */
  readonly open: number;
  readonly completed: number;
  readonly overdue: number;
}

/** The figures of all tasks. */
export interface TaskFigures {
  readonly total: number;
  readonly byPriority: Readonly<Record<TaskUrgency, number>>;
  readonly overdue: number;
  readonly completedThisWeek: number;
  /** Tasks completed in each of the last full weeks, the newest first. */
  readonly completedInWeeks: readonly number[];
  /** Approvals, of all reviews. */
  readonly approvals: RateOfTasks;
  /** Completed tasks whose reviewer asked for changes, of all that are completed. */
  readonly rework: RateOfTasks;
  /** By the name of the assignee, at most 200. */
  readonly byAssignee: readonly FiguresOfAssignee[];
}

/** `GET ledgers/coordination` */
export interface BoardAnswer {
  readonly at: Time;
  /** A column for each state. */
  readonly columns: readonly {
    readonly status: TaskState;
    /** How many there are, shown or not. */
    readonly count: number;
    /** The earliest deadline first, and of completed ones the newest. */
    readonly tasks: readonly TaskSummary[];
  }[];
  /** The longest chain of open tasks that depend on each other, of all assignees: the first 100 of it. */
  readonly criticalPath: { readonly count: number; readonly tasks: readonly TaskSummary[] };
  /** Of all assignees. */
  readonly figures: TaskFigures;
  /** True when the ledger has more records than the 10,000 that are looked at. */
  readonly isCut: boolean;
}

/** `GET ledgers/coordination/{id}` */
export interface TaskAnswer {
  readonly at: Time;
  readonly task: TaskDetails;
}
