/**
 * How the metadata of a job is changed in the database.
 *
 * What always holds: what is written was computed with what it takes the place of; so keys that others change at the
 * same time stay, and the bound of its size holds whoever writes.
 *
 * @module
 */
import type { Document } from 'mongodb';
import type { SetMetadataParams, SetMetadataResult } from '../ledger-repository.ts';
import { changeMetadata } from '../metadata-change.ts';
import { fromDocument } from './job-document.ts';
import { ID_KEY } from './lifecycle-statements.ts';
import type { MongoJobs } from './moves.ts';
import { driverSession } from './server/server-checks.ts';

/** Changes keys of a job's metadata; no state is touched. */
export function setMetadata(
  jobs: MongoJobs,
  params: SetMetadataParams,
): Promise<SetMetadataResult> {
  const { jobId, now, claimToken } = params;
  const session = params.session && driverSession(params.session);
  return jobs.untilAnswered<SetMetadataResult>(jobId, async () => {
    const job = await jobs.find(jobId, session);
    if (job === null) return { outcome: 'missing', job };
    const change = changeMetadata(job, params);
    if (change.outcome !== 'written') return { outcome: change.outcome, job };
    const { metadata } = change;
    const standingFilter: Document = {
      metadata: { $eq: job.metadata ?? null },
      ...(claimToken !== undefined && { claimToken }),
    };
    const written = await jobs.collection.findOneAndUpdate(
      { _id: jobId, ...standingFilter },
      {
        $set: { updatedAt: now, ...(metadata && { metadata }) },
        ...(metadata === undefined && { $unset: { metadata: '' } }),
      },
      { ...jobs.commands.writeOptions(session), returnDocument: 'after', hint: ID_KEY },
    );
    return written === null ? undefined : { outcome: 'written', job: fromDocument(written) };
  });
}
