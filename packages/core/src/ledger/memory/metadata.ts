/**
 * Metadata of the jobs of an in-memory ledger.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import type { SetMetadataParams, SetMetadataResult } from '../ledger-repository.ts';
import { changeMetadata } from '../metadata-change.ts';
import type { JobStore } from './job-store.ts';
import { noTransactions } from './moves.ts';
import { copyOf, copyOut } from './stored-job.ts';

/** Changes keys of a job's metadata; no state is touched. */
export async function setMetadata(
  jobs: JobStore,
  params: SetMetadataParams,
): Promise<SetMetadataResult> {
  if (params.session !== undefined) throw noTransactions();
  const stored = jobs.find(params.jobId.toHexString());
  if (stored === undefined) return { outcome: 'missing', job: null };
  const change = changeMetadata(stored.job, { ...params, changes: copyOf(params.changes) });
  if (change.outcome !== 'written') return { outcome: change.outcome, job: copyOut(stored) };
  const { metadata: _, ...rest } = stored.job;
  const { metadata } = change;
  const job: Job = { ...rest, updatedAt: new Date(params.now), ...(metadata && { metadata }) };
  const written = { id: stored.id, job };
  jobs.put(written);
  return { outcome: 'written', job: copyOut(written) };
}
