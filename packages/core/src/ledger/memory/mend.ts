/**
 * Jobs of an in-memory ledger that break a rule, and are put right.
 *
 * @module
 */
import { type Job, MOST_HISTORY } from '../../job/job.ts';
import type { MendParams, MendResult } from '../ledger-repository.ts';
import { historyEntries } from '../settle-answers.ts';
import type { JobStore } from './job-store.ts';
import { copyOut, packed } from './stored-job.ts';

/** Changes fields that break a rule, if the job is still as it was seen. */
export async function mend(
  jobs: JobStore,
  { jobId, seen, changes, rule, now }: MendParams,
): Promise<MendResult> {
  const stored = jobs.find(jobId.toHexString());
  if (stored === undefined) return { outcome: 'missing', job: null };
  if (!isAsSeen(stored.job, seen)) return { outcome: 'changed', job: copyOut(stored) };
  const { set = {}, clear = [] } = changes;
  const { history = [], ...job } = stored.job;
  const entries = historyEntries('mend', new Date(now), { reason: rule });
  const kept = Object.entries(job).filter(([field]) => !clear.includes(field as keyof Job));
  const next = {
    ...(Object.fromEntries(kept) as unknown as Job),
    ...packed(set),
    updatedAt: new Date(now),
    history: [...history, ...entries].slice(-MOST_HISTORY),
  };
  const written = { id: stored.id, job: next };
  jobs.put(written);
  return { outcome: 'mended', job: copyOut(written) };
}

function isAsSeen(job: Job, seen: MendParams['seen']): boolean {
  const isSameTime = Number(job.updatedAt) === Number(seen.updatedAt);
  return job.status === seen.status && job.fence === seen.fence && isSameTime;
}
