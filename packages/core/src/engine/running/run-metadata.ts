/**
 * Metadata that a handler changes while it runs.
 *
 * @module
 */

import type { EngineContext } from '../../context/scheduler-context.ts';
import type { ClaimedJob } from '../../job/job.ts';
import { JobStateError } from '../../job/job-errors.ts';
import { copyMetadataChanges, type JobMetadata, metadataFull } from '../../job/metadata.ts';

/**
 * Changes keys of the metadata of a job that is running, under its claim; gives all of the metadata.
 *
 * @throws JobStateError when the claim does not stand any more
 */
export async function setMetadataOfRun(
  { ledger, ledgerTime }: Pick<EngineContext, 'ledger' | 'ledgerTime'>,
  { _id: jobId, claimToken }: ClaimedJob,
  given: unknown,
): Promise<JobMetadata> {
  const changes = copyMetadataChanges('changes', given);
  const now = ledgerTime.now();
  const { outcome, job } = await ledger.setMetadata({ jobId, changes, now, claimToken });
  if (outcome === 'full') throw metadataFull('changes');
  if (outcome === 'written') return job?.metadata ?? {};
  const why = 'the claim of this run does not stand any more';
  const status = job?.status ?? 'gone';
  throw new JobStateError({ _id: jobId, status }, 'setMetadata', ['processing'], why);
}
