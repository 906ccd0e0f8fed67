/**
 * Which run of a series comes next.
 *
 * Runs follow the plan, not each other: the time of the next is computed from the time that this one stands for. What
 * passed meanwhile, since a run took long or nobody was there, is missed, and treated as the series wants it.
 *
 * @module
 */
import { toError } from '../foundation/errors.ts';
import { type PlannedTimes, readPlan } from './interval-plan.ts';
import type { Job } from './job.ts';
import { storedHistory } from './stored-lists.ts';

/** What happens to times that passed while nobody could run them. */
export type MissedPolicy = 'skip' | 'once' | 'all';

/** What happens to them when nothing is said: one run for all of them. */
export const DEFAULT_MISSED: MissedPolicy = 'once';

/** The most missed times that `all` catches up with; older ones are passed over. */
const MOST_CAUGHT_UP = 100;

/** Missed times are counted up to this; there may be more. */
export const MOST_COUNTED = 100;

/** A run that could not start within this time after it was due is missed, for a series that skips those. */
const MISSED_AFTER_MS = 60_000;

/** How long a series is left to processes that can read its plan; longer than a claimed job is set aside. */
const LEFT_TO_OTHERS_MS = 120_000;

/** The plan of a series. */
export interface SeriesPlan {
  /** A cron expression; or `every 5 minutes from 2026-01-01T00:00:00.000Z`. */
  readonly repeatInterval: string;
  /** UTC when left out. */
  readonly timezone?: string;
  /** No run before this time. */
  readonly startAt?: Date;
  /** No run after this time. */
  readonly endAt?: Date;
  /** {@link DEFAULT_MISSED} when left out. */
  readonly missed?: MissedPolicy;
}

/** One run to come. */
export interface NextRun {
  /** The time of the plan that it stands for, at which it is due. */
  readonly scheduledFor: Date;
  /** How many times of the plan were passed over before it, up to {@link MOST_COUNTED}. */
  readonly skipped: number;
}

/** The first run of a new series, later than now; null when the plan has none. */
export function firstRun(plan: SeriesPlan, now: Date): NextRun | null {
  const scheduledFor = occurrenceAfter(plan, now);
  return scheduledFor && { scheduledFor, skipped: 0 };
}

/**
 * The run after the one that stands for `scheduledFor`; null when the series is over.
 *
 * @throws InvalidCronError, or InvalidArgumentError, for a plan that this version cannot read
 */
export function nextRun(plan: SeriesPlan, scheduledFor: Date, now: Date): NextRun | null {
  const following = occurrenceAfter(plan, scheduledFor);
  if (following === null || following > now) {
    return following && { scheduledFor: following, skipped: 0 };
  }
  const missed = plan.missed ?? DEFAULT_MISSED;
  if (missed === 'all') return oldestToCatchUp(plan, following, now);
  const count = countUntil(plan, following, now);
  if (missed === 'once') {
    return { scheduledFor: lastUntil(plan, following, now), skipped: count - 1 };
  }
  const upcoming = occurrenceAfter(plan, now);
  return upcoming && { scheduledFor: upcoming, skipped: count };
}

/** What the run after a job's own is computed with. */
export type PlanOfRun = Partial<SeriesPlan> & Pick<Job, 'scheduledFor' | 'startedAt' | 'history'>;

/** Why this process cannot read the plan of a job's series; undefined when it can, or when the job is in no series. */
export function unreadablePlan({
  repeatInterval,
  timezone,
}: Partial<SeriesPlan>): Error | undefined {
  if (repeatInterval === undefined) return undefined;
  try {
    timesOf({ repeatInterval, ...(timezone !== undefined && { timezone }) });
    return undefined;
  } catch (error) {
    return toError(error);
  }
}

/** A series whose plan this process cannot read goes on after so long, in a process that can; before its end. */
function runForOthers({ endAt }: Partial<SeriesPlan>, now: Date): NextRun | null {
  const inAWhile = new Date(now.getTime() + LEFT_TO_OTHERS_MS);
  if (endAt === undefined || inAWhile <= endAt) return { scheduledFor: inAWhile, skipped: 0 };
  return endAt > now ? { scheduledFor: endAt, skipped: 0 } : null;
}

/**
 * The run of a job's series after the one it stands for. Null when it belongs to none, or when that is over. A series
 * whose plan this process cannot read, since its zone or pattern is known to others alone, goes on a while later: nobody
 * here can say that it is over.
 *
 * With `once`, what had passed when the run was claimed is covered by that run. What a plan that was changed during the
 * run says of the time before the change counts for nothing.
 */
export function nextRunOf(job: PlanOfRun, now: Date): NextRun | null {
  const { repeatInterval, scheduledFor = now, startedAt = scheduledFor } = job;
  if (repeatInterval === undefined) return null;
  const plan = { ...job, repeatInterval };
  const from = later(scheduledFor, changedAt(job));
  const isCovering = (job.missed ?? DEFAULT_MISSED) === 'once' && startedAt > from;
  try {
    const next = nextRun(plan, isCovering ? startedAt : from, now);
    if (!isCovering || next === null) return next;
    const passed = countUntil(plan, occurrenceAfter(plan, from), startedAt);
    return { ...next, skipped: next.skipped + passed };
  } catch {
    return runForOthers(job, now);
  }
}

/** When the times of the plan were changed last during a run. The history notes the first time of the new plan. */
function changedAt(job: Pick<Job, 'history'>): Date | undefined {
  const change = storedHistory(job).findLast(
    ({ verb, scheduledFor }) => verb === 'replanRunning' && scheduledFor !== undefined,
  );
  return change?.at;
}

function later(a: Date, b: Date | undefined): Date {
  return b !== undefined && b > a ? b : a;
}

/**
 * True when a waiting run is so late that a series which skips missed runs passes it over. A run that had begun, or
 * that somebody or its handler put at another time, is none that was missed. Never throws: with a plan that cannot be
 * read, only how late it is counts.
 */
export function isMissed(
  job: SeriesPlan & Pick<Job, 'nextRunAt' | 'failCount' | 'rescueCount' | 'history'>,
  scheduledFor: Date,
  now: Date,
): boolean {
  if (job.missed !== 'skip' || wasBegun(job, scheduledFor)) return false;
  const isRetry = job.failCount > 0;
  if (!isRetry) {
    if (job.nextRunAt.getTime() !== scheduledFor.getTime()) return false;
    if (now.getTime() - scheduledFor.getTime() > MISSED_AFTER_MS) return true;
  }
  try {
    const following = occurrenceAfter(job, scheduledFor);
    return following !== null && following <= now;
  } catch {
    return false;
  }
}

/** True when an earlier claim of this run was taken from a dead instance, given up by one that stopped, or at a gate. */
function wasBegun(job: Pick<Job, 'rescueCount' | 'history'>, scheduledFor: Date): boolean {
  const { rescueCount = 0 } = job;
  const ofRun = storedHistory(job).filter(
    (entry) => entry.scheduledFor?.getTime() === scheduledFor.getTime(),
  );
  return rescueCount > 0 || ofRun.some(({ verb }) => verb === 'release' || verb === 'block');
}

/** The first time of the plan later than an instant, within its start and end. */
function occurrenceAfter(plan: SeriesPlan, after: Date): Date | null {
  const { startAt, endAt } = plan;
  const isBeforeStart = startAt !== undefined && after < startAt;
  // The start itself may be a time of the plan.
  const from = isBeforeStart ? new Date(startAt.getTime() - 1) : after;
  const next = timesOf(plan).next(from);
  return next !== null && (endAt === undefined || next <= endAt) ? next : null;
}

/** The last time of the plan that is not later than now; there is one, the first. */
function lastUntil(plan: SeriesPlan, first: Date, now: Date): Date {
  const end = plan.endAt !== undefined && plan.endAt < now ? plan.endAt : now;
  return timesOf(plan).last(first, new Date(end.getTime() + 1));
}

function countUntil(plan: SeriesPlan, first: Date | null, now: Date, most = MOST_COUNTED): number {
  let count = 0;
  let next = first;
  while (next !== null && next <= now && count < most) {
    count += 1;
    next = occurrenceAfter(plan, next);
  }
  return count;
}

/** Of the missed runs the first, but no more than {@link MOST_CAUGHT_UP} back. */
function oldestToCatchUp(plan: SeriesPlan, first: Date, now: Date): NextRun {
  // Mostly they are few, and each of them comes by here.
  if (countUntil(plan, first, now, MOST_CAUGHT_UP + 1) <= MOST_CAUGHT_UP) {
    return { scheduledFor: first, skipped: 0 };
  }
  const times = timesOf(plan);
  let oldest = lastUntil(plan, first, now);
  for (let kept = 1; kept < MOST_CAUGHT_UP; kept += 1) oldest = times.last(first, oldest);
  const before = new Date(oldest.getTime() - 1);
  return { scheduledFor: oldest, skipped: countUntil(plan, first, before) };
}

function timesOf({ repeatInterval, timezone }: SeriesPlan): PlannedTimes {
  return readPlan('repeatInterval', repeatInterval, timezone);
}
