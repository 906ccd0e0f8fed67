/**
 * The reasons why a job runs or does not: a word for each, with what belongs to it. A state that is added to the jobs
 * brings its reasons here, and a row in `reasons-by-state.ts`.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { JobStatus } from '../job/job.ts';
import type { LimitShare } from '../ledger/ledger-repository.ts';

/** A finished job. */
export interface FinishedDetails {
  readonly finishedAt?: Date;
  /** When its last run was claimed; absent when it never was. */
  readonly startedAt?: Date;
  /** Runs that failed. */
  readonly failCount: number;
  /** The message of the last failure, or why it was cancelled. */
  readonly why?: string;
}

/** A parent that holds up a job. */
export interface OpenParent {
  readonly id: ObjectId;
  /** What it is called in the flow. */
  readonly ref: string;
  readonly status: JobStatus;
}

/** What an instance that could run a job is busy with, as it said last. */
export interface BusyInstance {
  readonly instanceId: string;
  readonly host: string;
  readonly pid: number;
  /** Handlers of this name that run there, and how many may. */
  readonly running: number;
  readonly concurrency: number;
  /** Handlers of all names that run there, and how many may; absent without a bound. */
  readonly runningJobs: number;
  readonly instanceConcurrency?: number;
}

/** A job that an instance has claimed. Milliseconds are estimates: instances are judged by their counters alone. */
export interface ClaimDetails {
  readonly instanceId: string;
  readonly claimedAt?: Date;
  /** The machine and the process of the instance; absent where it does not say. */
  readonly host?: string;
  readonly pid?: number;
  /** When its lease ends unless it is renewed, in milliseconds from now; absent where that is not known. */
  readonly leaseEndsInMs?: number;
}

/** A job whose batch waits for others. */
export interface GatheringDetails extends ClaimDetails {
  /** Jobs that the batch has, this one included. */
  readonly jobs: number;
  /** Jobs that make it full. */
  readonly size: number;
  /** Until when it waits for others. */
  readonly startsAt: Date;
  readonly inMs: number;
}

/** A claim that nobody works on. */
export interface LostClaimDetails extends ClaimDetails {
  /** After how many milliseconds the job is given back at the latest; absent when no instance does that. */
  readonly givenBackWithinMs?: number;
}

/** What comes with each reason. */
export interface ExplanationDetails {
  /** The ledger did not answer. */
  readonly unreachable: { readonly error: Error };
  /** There is no such job: never, or not any more. */
  readonly missing: Readonly<Record<string, never>>;
  /** It is in the archive; how it finished is among the others. */
  readonly archived: { readonly status: JobStatus };
  readonly completed: FinishedDetails;
  readonly failed: FinishedDetails;
  readonly cancelled: FinishedDetails;
  /** A newer version wrote it, or a field does not fit; it is set aside when it is claimed. */
  readonly unfit: { readonly problem: string; readonly documentVersion: number };
  /**
   * Its time has not come: `later`: it was enqueued for that time; `series`: the next time of its plan; `snoozed`: its
   * handler put it off; `amended`: it was changed manually, or by an enqueue with its unique key.
   */
  readonly notDue: {
    readonly dueAt: Date;
    readonly inMs: number;
    readonly cause: 'later' | 'series' | 'snoozed' | 'amended';
  };
  /** It failed and waits for its next try. */
  readonly retryWaits: {
    readonly dueAt: Date;
    readonly inMs: number;
    readonly failCount: number;
    readonly failReason?: string;
  };
  /** It failed before, and is due again. */
  readonly failedBefore: { readonly failCount: number; readonly failReason?: string };
  /** It is a dead letter: it failed for good under the name `source`, and waits under another since then. */
  readonly deadLetter: {
    readonly source: string;
    readonly failedAt: Date;
    readonly failReason: string;
  };
  /** It came to a gate and waits, held by nobody, until the gate is opened; `until`: it fails then if nobody does. */
  readonly gateClosed: { readonly gate: string; readonly since?: Date; readonly until?: Date };
  /**
   * Parents of its flow are not at an end that lets it start: `open`, the first of them. Without one the flow is being
   * stored, or it is released soon.
   */
  readonly parentsOpen: {
    readonly flow?: ObjectId;
    readonly open: readonly OpenParent[];
    /** True when there are more than are listed. */
    readonly hasMore: boolean;
  };
  /**
   * Another job goes first in its order: `holder`, which is `status`. One that has failed holds it up until it is
   * retried or deleted.
   */
  readonly behindInOrder: {
    readonly order: string;
    readonly holder: ObjectId;
    readonly status: JobStatus;
  };
  /** Its group runs as many jobs as it may, in all processes: `holders` are up to 20 of them. */
  readonly groupFull: {
    readonly group: string;
    readonly concurrency: number;
    readonly running: number;
    readonly holders: readonly ObjectId[];
  };
  /** Its group started as many jobs as its rate allows; the next starts at `startsAt`. */
  readonly groupRate: { readonly group: string; readonly startsAt: Date; readonly inMs: number };
  /** Its group is paused. */
  readonly groupPaused: { readonly group: string };
  /**
   * A limit of its name holds as many jobs as it may, in all processes: `holders` are the instances with their shares.
   * With a `concurrency` of 0 it lets none start.
   */
  readonly limitFull: {
    readonly limit: string;
    readonly concurrency: number;
    readonly held: number;
    readonly holders: readonly LimitShare[];
  };
  /** A limit of its name started as many jobs as its rate allows; the next starts at `startsAt`. */
  readonly limitRate: { readonly limit: string; readonly startsAt: Date; readonly inMs: number };
  /** Nothing under a limit of its name starts before `until`, as somebody asked for by `backOff`. */
  readonly limitBackedOff: { readonly limit: string; readonly until: Date; readonly inMs: number };
  /** A limit of its name has room, and no instance that could run the job has taken a share of it yet. */
  readonly limitShare: { readonly limit: string; readonly free: number };
  /** Its name is paused: since when, by whom and why, as far as that was said. */
  readonly paused: {
    readonly name: string;
    readonly since: Date;
    readonly by?: string;
    readonly why?: string;
  };
  /** No scheduler is started anywhere. */
  readonly noInstance: Readonly<Record<string, never>>;
  /** No live instance has a worker for its name. */
  readonly noWorker: { readonly name: string; readonly liveInstances: number };
  /** Whether a live instance has a worker for its name is not known: `silent` of them do not say. */
  readonly workersUnknown: {
    readonly name: string;
    readonly liveInstances: number;
    readonly silent: number;
  };
  /** Every live instance with a worker for its name runs as many handlers as it may. */
  readonly atLimit: { readonly name: string; readonly instances: readonly BusyInstance[] };
  /** Its instances died several times, so it is claimed alone. */
  readonly suspect: { readonly rescueCount: number };
  /**
   * Of many jobs that are explained at once: it is due, and whether its order or its group lets it start was not looked
   * at. `explain` looks.
   */
  readonly turnUnknown: { readonly order?: string; readonly group?: string };
  /** It is claimed next, as soon as a slot is free. */
  readonly due: { readonly dueAt: Date; readonly sinceMs: number };
  /** Somebody asked to cancel it while it was processing. */
  readonly cancelRequested: { readonly requestedAt: Date };
  /** Its handler runs. */
  readonly running: ClaimDetails;
  /** It was claimed a moment ago, and starts or goes back within a second. */
  readonly starting: ClaimDetails;
  /**
   * It is in a batch that gathers: `jobs` of the `size` that make it full are there, and it starts at `startsAt` at the
   * latest, when there is a slot. Known in the process alone that gathers it; elsewhere it looks as if it ran.
   */
  readonly gathering: GatheringDetails;
  /** Its handler has ended, and that is about to be recorded. */
  readonly ending: ClaimDetails;
  /** The instance that claimed it is alive and knows nothing of it: the answer to a claim was lost. */
  readonly strayClaim: ClaimDetails;
  /** The instance that claimed it did not renew its lease in time. */
  readonly instanceSilent: LostClaimDetails;
  /** The instance that claimed it was declared dead, or was stopped. */
  readonly instanceDead: LostClaimDetails;
  /** The instance that claimed it is not on record. */
  readonly instanceUnknown: LostClaimDetails;
  /** A tool that keeps no lease has locked it. */
  readonly lockedByTool: {
    readonly lockedAt?: Date;
    /** When it is given back; absent when no instance does that, or the time of the lock is missing. */
    readonly givenBackAt?: Date;
  };
}

/** The word for a reason. */
export type ExplanationReason = keyof ExplanationDetails;

/** One reason, in words and as data. */
export type Reason = {
  readonly [Word in ExplanationReason]: {
    readonly reason: Word;
    /** A sentence for people. It may change; `reason` and `details` do not. */
    readonly message: string;
    readonly details: ExplanationDetails[Word];
  };
}[ExplanationReason];

/** Why a job runs or does not: the decisive reason, and the others. */
export type Explanation = Reason & {
  readonly jobId: ObjectId;
  /** The state of the job; `missing` when there is none, `unknown` when the ledger did not answer. */
  readonly state: JobStatus | 'missing' | 'unknown';
  /** What else stands in its way, or is worth knowing; the most important first. */
  readonly others: readonly Reason[];
};

/** One reason, checked against what belongs to it. */
export function because<Word extends ExplanationReason>(
  reason: Word,
  details: ExplanationDetails[Word],
  message: string,
): Reason {
  return { reason, details, message } as Reason;
}

const UNITS = [
  { ms: 86_400_000, name: 'days' },
  { ms: 3_600_000, name: 'hours' },
  { ms: 60_000, name: 'minutes' },
  { ms: 1_000, name: 'seconds' },
] as const;

/** A time span for people, such as `90 seconds`; never less than nothing. */
export function inWords(ms: number): string {
  const unit = UNITS.find((candidate) => ms >= 2 * candidate.ms);
  return unit ? `${Math.round(ms / unit.ms)} ${unit.name}` : `${Math.max(0, Math.round(ms))} ms`;
}
