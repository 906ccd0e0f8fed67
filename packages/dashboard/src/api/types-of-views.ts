/**
 * What the pages beside the jobs show: names, instances, series, errors, metrics, the actor, and events.
 *
 * @module
 */
import type { BoundedCount, Ejson, Id, JobSummary, Status, Time } from './types.ts';

/** Who asks, and what the interface offers. `GET capabilities`. */
export interface CapabilitiesAnswer {
  readonly actor: string;
  readonly title: string;
  /** Such as `production`; shown as a badge. */
  readonly environment?: string;
  /** True when this actor can change nothing here. */
  readonly readOnly: boolean;
  /** True when the actor sees jobs of every name. */
  readonly allNames: boolean;
  /** What the actor may do on jobs of all names; for single names see `names`. */
  readonly actions: Actions;
  /** For the names that are known now. */
  readonly names: readonly { readonly name: string; readonly actions: Actions }[];
  /** The version of this package. */
  readonly version: string;
  /** What this server has: `metrics`, `audit`, `verification`, ... A word that is missing is not there. */
  readonly features: readonly string[];
}

/** An action that can be allowed or refused. */
export type Action =
  | 'see'
  | 'enqueue'
  | 'cancel'
  | 'retry'
  | 'reschedule'
  | 'delete'
  | 'openGate'
  | 'setMetadata'
  | 'schedule'
  | 'unschedule'
  | 'pause'
  | 'audit'
  | 'repair'
  | 'setLimit'
  | 'setGroup';

/** Whether each action is allowed. */
export type Actions = Readonly<Record<Action, boolean>>;

/** A problem that somebody may want to look at, in words. */
export interface Attention {
  /** A stable word. */
  readonly kind:
    | 'noWorker'
    | 'pausedWithDue'
    | 'queueLag'
    | 'silentInstance'
    | 'deadInstance'
    | 'unknownInstance'
    | 'withoutLease'
    | 'mixedVersions'
    | 'noInstance'
    | 'polling'
    | 'disconnected'
    | 'alert'
    | 'violations'
    | 'lost'
    | 'clockError'
    | 'pausedGroup'
    | 'deadLetters';
  readonly severity: 'critical' | 'warning' | 'info';
  /** A sentence for people. */
  readonly message: string;
  /** The name of the jobs it concerns. */
  readonly name?: string;
  readonly instanceId?: string;
  /** How many jobs, or whatever the kind counts. */
  readonly count?: BoundedCount;
}

/** `GET overview`, and the event `snapshot`. One snapshot for all who look, at most every 5 seconds. */
export interface OverviewAnswer {
  /** When the snapshot was taken, by the ledger's clock. */
  readonly at: Time;
  /** Problems, the most severe first. */
  readonly attention: readonly Attention[];
  readonly totals: {
    readonly due: BoundedCount;
    readonly running: BoundedCount;
    readonly names: number;
    readonly instances: number;
  };
  readonly names: readonly NameRow[];
  readonly instances: readonly InstanceRow[];
  /** True when there are more names with pending jobs than were looked at. */
  readonly namesAreCut: boolean;
  /** Why there is no newer snapshot; the rest is the last one that was taken. */
  readonly problem?: string;
}

/** One job name. */
export interface NameRow {
  readonly name: string;
  readonly isPaused: boolean;
  readonly pausedBy?: string;
  readonly pausedAt?: Time;
  /** True when jobs of a live worker wait under it that have failed for good. */
  readonly deadLetters?: true;
  /** Live instances with a worker for it. */
  readonly instances: number;
  /** Handlers that run, and may run, in all live instances. */
  readonly running: number;
  readonly concurrency: number;
  readonly due: BoundedCount;
  /** How long the job that waits longest has been due. */
  readonly queueLagMs: number;
}

/** `GET names`. */
export interface NamesAnswer {
  readonly at: Time;
  readonly names: readonly NameRow[];
  readonly namesAreCut: boolean;
}

/** `POST names/actions/pause` and `resume`. */
export interface NameRequest {
  readonly name: string;
}

/** `POST names/actions/...`. */
export interface PausedAnswer {
  readonly name: string;
  readonly isPaused: boolean;
}

/** One instance. */
export interface InstanceRow {
  readonly instanceId: string;
  /** True for the instance of the process that serves the dashboard. */
  readonly isOwn: boolean;
  readonly state: 'alive' | 'silent' | 'dead' | 'unknown';
  /** Since it renewed its lease. */
  readonly leaseAgeMs?: number;
  readonly leaseDurationMs?: number;
  readonly host?: string;
  readonly pid?: number;
  readonly version?: string;
  readonly startedAt?: Time;
  readonly reportedAt?: Time;
  readonly workers: readonly {
    readonly name: string;
    readonly concurrency: number;
    readonly running: number;
    /** True when it runs jobs with a group. */
    readonly groups?: true;
    /** The name under which its jobs wait that have failed for good. */
    readonly deadLetter?: string;
  }[];
  readonly unnamedWorkers?: number;
  readonly runningJobs?: number;
  readonly bufferedJobs?: number;
  readonly instanceConcurrency?: number;
  readonly recoverStaleJobs?: boolean;
  /** Claimed jobs of all candidates, from 0 to 1. */
  readonly winRate?: number;
  /** The longest delay of the event loop since it reported before. */
  readonly loopDelayMs?: number;
  /** Between its clock and the ledger's. */
  readonly clockErrorMs?: number;
  /** How late its last claim was. */
  readonly queueLagMs?: number;
  readonly alerts?: readonly string[];
  /** Writes that broke a rule, since it was started. */
  readonly violations?: number;
  readonly claims?: {
    readonly count: BoundedCount;
    readonly byName: readonly { readonly name: string; readonly count: number }[];
    readonly oldest?: { readonly jobId: Id; readonly name: string; readonly lockedAt: Time };
  };
}

/** `GET instances`. */
export interface InstancesAnswer {
  readonly at: Time;
  readonly instances: readonly InstanceRow[];
  /** Jobs that are processing for tools that keep no lease. */
  readonly withoutLease: BoundedCount;
}

/** One series. It is addressed by the id of its job, which stays the same from run to run. */
export interface SeriesRow {
  readonly id: Id;
  readonly name: string;
  readonly uniqueKey: string;
  /** A cron expression, or an interval such as `every 5 minutes`. */
  readonly cron: string;
  /** The expression in words; absent where it cannot be said. */
  readonly inWords?: string;
  readonly timezone: string;
  readonly startAt?: Time;
  readonly endAt?: Time;
  readonly missed: 'skip' | 'once' | 'all';
  readonly data?: Ejson;
  readonly metadata?: Ejson;
  readonly status: Status;
  readonly nextRunAt: Time;
  readonly scheduledFor: Time;
}

/** `GET series`. */
export interface SeriesListAnswer {
  readonly at: Time;
  readonly series: readonly SeriesRow[];
  /** True when there are more than are shown. */
  readonly isCut: boolean;
}

/** `GET series/{id}`. */
export interface SeriesAnswer {
  readonly at: Time;
  readonly series: SeriesRow;
  /** The next times of the plan. */
  readonly next: readonly Time[];
}

/** `PUT series`: makes it, or makes the one of that name and key what is asked for. */
export interface SeriesRequest {
  readonly name: string;
  /** A cron expression, or an interval such as `every 5 minutes`. */
  readonly cron: string;
  readonly uniqueKey?: string;
  readonly timezone?: string;
  readonly startAt?: Time;
  readonly endAt?: Time;
  readonly missed?: 'skip' | 'once' | 'all';
  readonly data?: Ejson;
  readonly metadata?: Ejson;
  readonly priority?: number;
  readonly maxRetries?: number;
  readonly timeout?: number;
}

/** `DELETE series/{id}`. */
export interface EndedAnswer {
  readonly ended: number;
}

/** One time of a series. */
export interface Occurrence {
  readonly at: Time;
  /**
   * `planned`: to come; `done`, `failed`, `cancelled`: how its run ended; `skipped`: passed over; `running`: its run is
   * on; `late`: due, and not begun; `unknown`: past, and nothing on record, as without a log of transitions.
   */
  readonly state:
    | 'planned'
    | 'done'
    | 'failed'
    | 'cancelled'
    | 'skipped'
    | 'running'
    | 'late'
    | 'unknown';
  /** How long after its time it ended. */
  readonly endedAfterMs?: number;
}

/** `GET series/{id}/occurrences?from&to`. */
export interface OccurrencesAnswer {
  readonly at: Time;
  readonly from: Time;
  readonly to: Time;
  readonly occurrences: readonly Occurrence[];
  /** True when there are more times than are shown: 1000. */
  readonly isCut: boolean;
  /** True when every run is on record, by a log of all transitions. */
  readonly isRecorded: boolean;
}

/** `GET cron?expression&timezone`: what an expression means, before it is used. */
export interface CronAnswer {
  readonly expression: string;
  readonly inWords?: string;
  readonly next: readonly Time[];
}

/** Failures that look alike. */
export interface ErrorGroup {
  /** The message without ids, numbers and quoted texts. */
  readonly pattern: string;
  readonly name: string;
  /** Of the jobs that were looked at. */
  readonly count: number;
  readonly firstAt: Time;
  readonly lastAt: Time;
  /** The newest of them. */
  readonly sample: JobSummary;
  /** The beginning that the messages have in common, to filter by. */
  readonly prefix: string;
}

/** `GET errors`. */
export interface ErrorsAnswer {
  readonly at: Time;
  readonly groups: readonly ErrorGroup[];
  /** Failed jobs that were looked at: the newest by creation. */
  readonly examined: number;
  /** False when there are failed jobs that were not looked at. */
  readonly isComplete: boolean;
}

/** `GET reasons`: why the jobs of a filter run or do not. */
export interface ReasonsAnswer {
  readonly at: Time;
  /** Jobs that were looked at. */
  readonly explained: number;
  readonly isComplete: boolean;
  /** The most frequent first. */
  readonly reasons: readonly {
    readonly reason: string;
    readonly count: number;
    /** What was said of the first of them. */
    readonly message: string;
    readonly jobId: Id;
  }[];
}

/** `GET stats`: reads every job of the name, or of all; kept for a minute. */
export interface StatsAnswer {
  /** When it was counted. */
  readonly asOf: Time;
  readonly name?: string;
  readonly counts: Readonly<Record<Status, number>>;
  readonly total: number;
  readonly due: number;
  readonly queueLagMs: number;
  readonly meanWaitMs: number;
  readonly meanRunMs: number;
  readonly longestRunMs: number;
}

/** `GET rules`: what broke the rules of the ledger in this process. */
export interface RulesAnswer {
  readonly at: Time;
  readonly rules: readonly { readonly rule: string; readonly violations: number }[];
}

/** `GET activity`: what was done through this server, the newest first; at most 500, in memory. */
export interface ActivityAnswer {
  readonly entries: readonly {
    readonly at: Time;
    readonly actor: string;
    /** The operation of the API, such as `cancelJob`. */
    readonly action: string;
    readonly outcome: 'done' | 'refused' | 'failed';
    readonly jobId?: Id;
    readonly name?: string;
    /** What the refusal or the failure was called. */
    readonly code?: string;
  }[];
}
