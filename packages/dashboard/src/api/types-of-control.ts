/**
 * What says when jobs run: limits, groups, orders, flows and dead letters.
 *
 * @module
 */
import type { BoundedCount, Id, JobSummary, Status, Time } from './types.ts';

/** At most so many starts in a time. */
export interface RateOfStarts {
  /** How many starts. */
  readonly limit: number;
  /** In how many milliseconds. */
  readonly per: number;
  /** The most starts at once after a quiet time. @default `limit` */
  readonly burst?: number;
}

/** One limit. */
export interface LimitRow {
  readonly key: string;
  /** True for the limit that a worker has for itself; it is set by the worker's option `limit` alone. */
  readonly isOfWorker: boolean;
  /** The most jobs that run at once; absent where that is not bounded. */
  readonly concurrency?: number;
  /** Absent where starts are not bounded. */
  readonly rate?: RateOfStarts;
  /** How many jobs all instances together may hold now. */
  readonly held: number;
  /** How many more they would hold. */
  readonly wanted: number;
  /** What nobody holds; below zero after a limit was lowered. Absent where the concurrency is not bounded. */
  readonly free?: number;
  /** The instances that hold or want something. */
  readonly holders: readonly {
    readonly instanceId: string;
    readonly count: number;
    readonly wants: number;
  }[];
  /** Until when nothing starts, as a handler asked for; it may have passed. */
  readonly blockedUntil?: Time;
  /** When the rate allows the next start; it may have passed. */
  readonly nextStartAt?: Time;
}

/** `GET limits`. */
export interface LimitsAnswer {
  readonly at: Time;
  readonly limits: readonly LimitRow[];
  /** Where the next page begins, for `after`; null at the end. */
  readonly next: string | null;
}

/** `PUT limits`: makes it, or changes it. A bound that is left out does not hold any more. */
export interface LimitRequest {
  readonly key: string;
  readonly concurrency?: number;
  readonly rate?: RateOfStarts;
  readonly reason?: string;
}

/** `PUT limits`. */
export interface LimitAnswer {
  readonly at: Time;
  readonly limit: LimitRow;
}

/** One group that has unfinished jobs, or settings of its own. */
export interface GroupRow {
  readonly name: string;
  readonly group: string;
  /** True when the text of the group is not shown as it is stored: nothing can be set for it then. */
  readonly isRedacted?: true;
  /** Its pending jobs, counted up to 1000. */
  readonly waiting: BoundedCount;
  readonly oldestDueAt?: Time;
  readonly running: number;
  /** The jobs that run, at most 20 of them. */
  readonly holders: readonly Id[];
  readonly paused: boolean;
  readonly concurrency?: number;
  readonly rate?: RateOfStarts;
  /** How many of its jobs are claimed at each of its turns. */
  readonly weight?: number;
  /** When the rate allows the next start; it may have passed. */
  readonly nextStartAt?: Time;
}

/** `GET groups`. */
export interface GroupsAnswer {
  readonly at: Time;
  readonly groups: readonly GroupRow[];
  /** Names whose live workers run jobs with a group. */
  readonly names: readonly string[];
  /** Where the next page begins, for `after`; null at the end, and without a name. */
  readonly next: string | null;
  /** False when there are groups that are not listed. */
  readonly isComplete: boolean;
  /** Without a name: true when not all groups were looked at, so that a fuller one may be missing. */
  readonly groupsAreCut?: boolean;
}

/** `PATCH groups`: what is left out stays as it is, and `null` takes a setting back. */
export interface GroupRequest {
  readonly name: string;
  readonly group: string;
  readonly concurrency?: number | null;
  readonly rate?: RateOfStarts | null;
  readonly weight?: number | null;
  readonly paused?: boolean;
  readonly reason?: string;
}

/** `PATCH groups`. */
export interface GroupSetAnswer {
  readonly at: Time;
  readonly name: string;
  readonly group: string;
}

/** One order of which a job was started and is not finished, or has failed and holds it up. */
export interface OrderRow {
  readonly name: string;
  readonly order: string;
  /** The job that holds it. */
  readonly jobId: Id;
  readonly status: Status;
  /** True when a failed job holds it up, until that is retried or deleted. */
  readonly isHalted: boolean;
  /** Its pending jobs, counted up to 1000. */
  readonly waiting: BoundedCount;
}

/** `GET orders`. */
export interface OrdersAnswer {
  readonly at: Time;
  readonly orders: readonly OrderRow[];
  /** Where the next page begins, for `after`; null at the end, and without a name. */
  readonly next: string | null;
  /** Without a name: how many names were looked at. */
  readonly namesExamined?: number;
  /** False when there are names, or orders of a name, that were not looked at. */
  readonly isComplete: boolean;
}

/** The states of a flow. */
export type FlowState = 'storing' | 'abandoned' | 'running' | 'completed' | 'failed' | 'cancelled';

/** One flow. */
export interface FlowRow {
  readonly id: Id;
  readonly state: FlowState;
  readonly createdAt: Time;
  /** How many jobs it was stored with. */
  readonly size: number;
  readonly uniqueKey?: string;
  /** How many of its jobs are in each state; states without one are left out. */
  readonly counts: Partial<Record<Status, number>>;
}

/** `GET flows`. */
export interface FlowsAnswer {
  readonly at: Time;
  /** The newest first. */
  readonly flows: readonly FlowRow[];
  /** Where the next page begins, for `after`; null at the end. */
  readonly next: Id | null;
}

/** `GET flows/{id}`. */
export interface FlowAnswer {
  readonly at: Time;
  readonly flow: FlowRow;
  /** A page of its jobs, parents before their children. */
  readonly jobs: readonly JobSummary[];
  /** Where the next page begins, for `after`; null at the end. */
  readonly next: Id | null;
}

/** One job of a flow, or several that have the same name, parents and children. */
export interface FlowNode {
  readonly id: string;
  readonly name: string;
  /** How many parents stand above one another before it; 0 for those without. */
  readonly level: number;
  readonly count: number;
  readonly byStatus: Partial<Record<Status, number>>;
  /** Where it is a single one. */
  readonly job?: { readonly id: Id; readonly ref: string };
}

/** `to` waits for `from`. */
export interface FlowEdge {
  readonly from: string;
  readonly to: string;
  /** What `to` does when `from` fails or is cancelled. */
  readonly onFailure: 'fail' | 'wait' | 'continue';
}

/** `GET flows/{id}/graph`. */
export interface FlowGraphAnswer {
  readonly at: Time;
  readonly nodes: readonly FlowNode[];
  readonly edges: readonly FlowEdge[];
  /** How many jobs were looked at. */
  readonly examined: number;
  /** False when there are more jobs, nodes or edges than are listed. */
  readonly isComplete: boolean;
}

/** Dead letters that look alike. */
export interface DeadLetterGroup {
  /** The name that they wait under. */
  readonly name: string;
  /** The name under which they failed. */
  readonly source: string;
  /** The message of the failure without ids, numbers and quoted texts. */
  readonly pattern: string;
  /** Of the jobs that were looked at. */
  readonly count: number;
  readonly firstAt: Time;
  readonly lastAt: Time;
  /** The newest of them. */
  readonly sample: JobSummary;
  /** The newest of them, at most 1000. */
  readonly ids: readonly Id[];
}

/** `GET dead-letters`. */
export interface DeadLettersAnswer {
  readonly at: Time;
  readonly groups: readonly DeadLetterGroup[];
  /** The names that were looked at. */
  readonly names: readonly string[];
  readonly examined: number;
  /** False when there are jobs that were not looked at. */
  readonly isComplete: boolean;
}

/** A request that may say why. */
export interface ReasonRequest {
  readonly reason?: string;
}
