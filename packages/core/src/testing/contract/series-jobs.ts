/**
 * Jobs of series for the tests of the contract: of a plan that runs daily, with the first run at a midnight to come.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import { seriesLock } from '../../job/unique-locks.ts';
import type { Subject } from './subject.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** The unique key of the series. */
export const SERIES_KEY = 'nightly';

/** The plan of the series. */
export const DAILY = '0 0 * * *';

/** The time of the plan that the first run stands for; the next ones follow a day apart. */
export function midnight(subject: Subject, days = 0): Date {
  const dayNumber = Math.floor(subject.at(0).getTime() / DAY_MS) + 2 + days;
  return new Date(dayNumber * DAY_MS);
}

/** The fields of the job of a series. It is due at time 0, ahead of its plan, so that a test can claim it. */
export function seriesFields(subject: Subject, overrides: Partial<Job> = {}): Partial<Job> {
  return {
    uniqueKey: SERIES_KEY,
    uniqueLock: seriesLock(SERIES_KEY),
    repeatInterval: DAILY,
    seriesVersion: 1,
    scheduledFor: midnight(subject),
    data: { report: 'daily' },
    ...overrides,
  };
}

/** Stores the job of a series. */
export function putSeries(subject: Subject, overrides: Partial<Job> = {}): Promise<Job> {
  return subject.putOne(seriesFields(subject, overrides));
}

/** Stores the job of a series and claims it. */
export function putClaimedSeries(subject: Subject, overrides: Partial<Job> = {}): Promise<Job> {
  return subject.putClaimed(seriesFields(subject, overrides));
}

/** The next run of a job whose series goes on, as a settlement states it. */
export function nextRunFields(
  subject: Subject,
  days = 1,
): { readonly nextRunAt: Date; readonly scheduledFor: Date } {
  const scheduledFor = midnight(subject, days);
  return { nextRunAt: scheduledFor, scheduledFor };
}
