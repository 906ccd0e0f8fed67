/**
 * What becomes of the metadata of a job, and whether whoever asks may change it.
 *
 * @module
 */
import type { Job } from '../job/job.ts';
import { type JobMetadata, mergeMetadata } from '../job/metadata.ts';
import type { SetMetadataParams } from './verbs/manual-verbs.ts';

/** Why metadata is not changed, or what it is afterwards; left out where nothing is left of it. */
export type MetadataChange =
  | { readonly outcome: 'refused' | 'full' }
  | { readonly outcome: 'written'; readonly metadata?: JobMetadata };

/** Decides by the job as it was read. A claim that is named must stand, and does so in the write as well. */
export function changeMetadata(
  job: Pick<Job, 'claimToken' | 'metadata'>,
  { changes, claimToken }: SetMetadataParams,
): MetadataChange {
  if (claimToken !== undefined && job.claimToken !== claimToken) return { outcome: 'refused' };
  const { metadata, isTooLarge } = mergeMetadata(job.metadata, changes);
  if (isTooLarge) return { outcome: 'full' };
  const hasAny = Object.keys(metadata).length > 0;
  return { outcome: 'written', ...(hasAny && { metadata }) };
}
