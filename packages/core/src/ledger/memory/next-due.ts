/**
 * When the next job of an in-memory ledger becomes due.
 *
 * @module
 */
import type { NextDueParams } from '../ledger-repository.ts';
import type { JobStore } from './job-store.ts';

/** The earliest due time of these names within the window. */
export async function nextDue(
  jobs: JobStore,
  { names, after, until }: NextDueParams,
): Promise<Date | null> {
  const earliestMs = Math.min(...names.map((name) => jobs.nextDueMs(name, after.getTime())));
  return earliestMs <= until.getTime() ? new Date(earliestMs) : null;
}
