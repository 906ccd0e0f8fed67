/**
 * Jobs of an in-memory ledger that break a rule, and are put right.
 *
 * @module
 */
import type { MendParams, MendResult } from '../ledger-repository.ts';
import { isAsSeen, mendChange, mended } from '../mend-change.ts';
import type { JobStore } from './job-store.ts';
import { copyOut, packed } from './stored-job.ts';

/** Changes fields that break a rule, if the job is still as it was seen. */
export async function mend(jobs: JobStore, params: MendParams): Promise<MendResult> {
  const stored = jobs.find(params.jobId.toHexString());
  if (stored === undefined) return { outcome: 'missing', job: null };
  if (!isAsSeen(stored.job, params)) return { outcome: 'changed', job: copyOut(stored) };
  const change = mendChange({ ...params, now: new Date(params.now) });
  const job = mended(stored.job, { ...change, set: packed(change.set) });
  const written = { id: stored.id, job };
  jobs.put(written);
  return { outcome: 'mended', job: copyOut(written) };
}
