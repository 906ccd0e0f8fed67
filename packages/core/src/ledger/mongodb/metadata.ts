/**
 * How the metadata of a job is changed in the database.
 *
 * What always holds: what is written was reckoned with what it takes the place of; so keys that others change at the
 * same time stay, and the bound of its size holds whoever writes.
 *
 * @module
 */
import type { Document } from 'mongodb';
import { mergeMetadata } from '../../job/metadata.ts';
import type { SetMetadataParams, SetMetadataResult } from '../ledger-repository.ts';
import { fromDocument } from './job-document.ts';
import { ID_KEY } from './lifecycle-statements.ts';
import type { MongoJobs } from './moves.ts';

/** Changes keys of a job's metadata; no state is touched. */
export function setMetadata(
  jobs: MongoJobs,
  { jobId, changes, now, claimToken }: SetMetadataParams,
): Promise<SetMetadataResult> {
  return jobs.untilAnswered<SetMetadataResult>(jobId, async () => {
    const job = await jobs.find(jobId);
    if (job === null) return { outcome: 'missing', job };
    if (claimToken !== undefined && job.claimToken !== claimToken) {
      return { outcome: 'refused', job };
    }
    const { metadata, isTooLarge } = mergeMetadata(job.metadata, changes);
    if (isTooLarge) return { outcome: 'full', job };
    const hasAny = Object.keys(metadata).length > 0;
    const standingFilter: Document = {
      metadata: { $eq: job.metadata ?? null },
      ...(claimToken !== undefined && { claimToken }),
    };
    const written = await jobs.collection.findOneAndUpdate(
      { _id: jobId, ...standingFilter },
      {
        $set: { updatedAt: now, ...(hasAny && { metadata }) },
        ...(!hasAny && { $unset: { metadata: '' } }),
      },
      { ...jobs.commands.writeOptions(), returnDocument: 'after', hint: ID_KEY },
    );
    return written === null ? undefined : { outcome: 'written', job: fromDocument(written) };
  });
}
