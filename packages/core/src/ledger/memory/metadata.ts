/**
 * Metadata of the jobs of an in-memory ledger.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import { mergeMetadata } from '../../job/metadata.ts';
import type { SetMetadataParams, SetMetadataResult } from '../ledger-repository.ts';
import type { JobStore } from './job-store.ts';
import { copyOut, packed } from './stored-job.ts';

/** Changes keys of a job's metadata; no state is touched. */
export async function setMetadata(
  jobs: JobStore,
  { jobId, changes, now, claimToken }: SetMetadataParams,
): Promise<SetMetadataResult> {
  const stored = jobs.find(jobId.toHexString());
  if (stored === undefined) return { outcome: 'missing', job: null };
  const { metadata: current, ...job } = stored.job;
  const isRefused = claimToken !== undefined && job.claimToken !== claimToken;
  const { metadata, isTooLarge } = mergeMetadata(current, packed(changes));
  if (isRefused || isTooLarge) {
    return { outcome: isRefused ? 'refused' : 'full', job: copyOut(stored) };
  }
  const hasAny = Object.keys(metadata).length > 0;
  const next: Job = { ...job, updatedAt: new Date(now), ...(hasAny && { metadata }) };
  const written = { id: stored.id, job: next };
  jobs.put(written);
  return { outcome: 'written', job: copyOut(written) };
}
