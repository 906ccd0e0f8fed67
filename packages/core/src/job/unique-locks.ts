/**
 * The locks that jobs hold on unique keys.
 *
 * A job holds at most one, in a field by how long it is held: `uniqueLock` until the job is done, `startLock` until it
 * is claimed, `windowLock` until its window of time is over. Two jobs of one name never hold the same lock; the same
 * key held in two ways is two locks. The key of a series is a lock of its own kind.
 *
 * @module
 */
import type { Job, UniqueHold } from './job.ts';

/** The fields that locks are kept in. */
export const LOCK_FIELDS = ['uniqueLock', 'startLock', 'windowLock'] as const;

/** A field that a lock is kept in. */
export type LockField = (typeof LOCK_FIELDS)[number];

/** One lock: where it is kept, and its text. */
export interface UniqueLock {
  readonly field: LockField;
  readonly value: string;
}

/** The lock of a series. */
export function seriesLock(key: string): string {
  return `series:${key}`;
}

/** What the locks of jobs begin with that wait to supersede others: they are found by it. */
export const SUPERSEDE_PREFIX = 'supersede:';

/** The lock of a key that is held until its job starts. One that supersedes is of its own kind. */
export function startLock({
  uniqueKey,
  supersedes,
}: Pick<Job, 'supersedes'> & { readonly uniqueKey: string }): string {
  return `${supersedes === undefined ? 'key:' : SUPERSEDE_PREFIX}${uniqueKey}`;
}

/** The fields of a job that is to hold a key. */
export function lockFieldsFor(
  uniqueKey: string,
  hold: UniqueHold,
  window: { readonly now: Date; readonly windowMs: number },
): Partial<Job> {
  if (hold === 'untilDone') return { uniqueKey, uniqueLock: `key:${uniqueKey}` };
  if (hold === 'untilStarted') {
    return { uniqueKey, uniqueHold: hold, startLock: startLock({ uniqueKey }) };
  }
  const { windowMs } = window;
  const number = Math.floor(window.now.getTime() / windowMs);
  return {
    uniqueKey,
    uniqueHold: hold,
    windowLock: `window:${windowMs}:${number}:${uniqueKey}`,
    windowUntil: new Date((number + 1) * windowMs),
  };
}

/** The lock that a job holds; undefined when it holds none. */
export function lockOf(job: Pick<Job, LockField>): UniqueLock | undefined {
  for (const field of LOCK_FIELDS) {
    const value = job[field];
    if (value !== undefined) return { field, value };
  }
  return undefined;
}

/** The lock that a finished job gave up, to be taken again when it is made pending. */
export function lockToRetake(job: Job): UniqueLock | undefined {
  const { uniqueKey, uniqueHold = 'untilDone' } = job;
  if (uniqueKey === undefined || uniqueHold === 'window') return undefined;
  if (uniqueHold === 'untilStarted') {
    return { field: 'startLock', value: startLock({ ...job, uniqueKey }) };
  }
  if (job.repeatInterval !== undefined)
    return { field: 'uniqueLock', value: seriesLock(uniqueKey) };
  // What is left of a series that was ended runs once and needs no key.
  if (job.seriesVersion !== undefined) return undefined;
  return { field: 'uniqueLock', value: `key:${uniqueKey}` };
}
