/**
 * Counts what was read of claims, the same for every ledger.
 *
 * @module
 */
import type { Job } from '../job/job.ts';
import type { ClaimCounts } from './verbs/claims.ts';

/** The counts of these claims. A document without the time of its claim is counted, and is never the oldest. */
export function countClaims(
  jobs: readonly Pick<Job, '_id' | 'name' | 'lockedAt'>[],
  isCut: boolean,
): ClaimCounts {
  const counts = new Map<string, number>();
  let oldest: ClaimCounts['oldest'];
  for (const { _id: jobId, name, lockedAt } of jobs) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (lockedAt instanceof Date && !(oldest && oldest.lockedAt <= lockedAt)) {
      oldest = { jobId, name, lockedAt };
    }
  }
  const byName = [...counts].map(([name, count]) => ({ name, count }));
  byName.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  return { count: jobs.length, isCut, byName, ...(oldest && { oldest }) };
}
