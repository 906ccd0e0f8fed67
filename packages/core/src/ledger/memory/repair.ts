/**
 * Jobs of an in-memory ledger that break a rule, and are put right.
 *
 * @module
 */
import type { RepairParams, RepairResult } from '../ledger-repository.ts';
import { isAsSeen, repairChange, repaired } from '../repair-change.ts';
import type { JobStore } from './job-store.ts';
import { copyOut, packed } from './stored-job.ts';

/** Changes fields that break a rule, if the job is still as it was seen. */
export async function repair(jobs: JobStore, params: RepairParams): Promise<RepairResult> {
  const stored = jobs.find(params.jobId.toHexString());
  if (stored === undefined) return { outcome: 'missing', job: null };
  if (!isAsSeen(stored.job, params)) return { outcome: 'changed', job: copyOut(stored) };
  const change = repairChange({ ...params, now: new Date(params.now) });
  const job = repaired(stored.job, { ...change, set: packed(change.set) });
  const written = { id: stored.id, job };
  jobs.put(written);
  return { outcome: 'repaired', job: copyOut(written) };
}
