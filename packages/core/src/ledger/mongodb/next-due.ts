/**
 * When the next job becomes due.
 *
 * @module
 */
import type { Document } from 'mongodb';
import type { NextDueParams } from '../ledger-repository.ts';
import { dueWindowFilter } from './engine-queries.ts';
import type { MongoJobs } from './moves.ts';
import { IndexName } from './server/indexes.ts';

const MOST_DUE_TIMES = 1_000;
const SHORTEST_WINDOW_MS = 100;

/** An early time at which a job of these names becomes due within the window, or null when none does. */
export async function nextDue(
  jobs: MongoJobs,
  { names, after, until }: NextDueParams,
): Promise<Date | null> {
  let windowEnd = until;
  for (;;) {
    const times = await findDueTimes(jobs, dueWindowFilter(names, after, windowEnd));
    if (times.length === 0) return null;
    const windowMs = windowEnd.getTime() - after.getTime();
    // Of so many, one that was left out may be earlier: nearer to now there are fewer.
    const isWhole = times.length < MOST_DUE_TIMES || windowMs <= SHORTEST_WINDOW_MS;
    if (isWhole) return new Date(Math.min(...times));
    windowEnd = new Date(after.getTime() + Math.ceil(windowMs / 2));
    if ((await findDueTimes(jobs, dueWindowFilter(names, after, windowEnd), 1)).length === 0) {
      return windowEnd;
    }
  }
}

async function findDueTimes(
  { collection, commands }: MongoJobs,
  filter: Document,
  limit = MOST_DUE_TIMES,
): Promise<number[]> {
  const due = await collection
    .find(filter, {
      ...commands.readOptions(),
      projection: { _id: 0, nextRunAt: 1 },
      limit,
      batchSize: limit + 1,
      hint: IndexName.CLAIM,
    })
    .toArray();
  return due.map(({ nextRunAt }) => nextRunAt.getTime());
}
