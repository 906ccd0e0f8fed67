/**
 * How a stored job that breaks a rule is mended.
 *
 * What always holds: only a job that is still as it was seen is changed, and its state stays.
 *
 * @module
 */
import type { Document } from 'mongodb';
import { MOST_HISTORY } from '../../job/job.ts';
import type { MendParams, MendResult } from '../ledger-repository.ts';
import { mendChange } from '../mend-change.ts';
import { fenceFilter } from './engine-queries.ts';
import { fromDocument } from './job-document.ts';
import { ID_KEY } from './lifecycle-statements.ts';
import type { MongoJobs } from './moves.ts';

/** Changes fields that break a rule. */
export function mend(jobs: MongoJobs, params: MendParams): Promise<MendResult> {
  const { jobId, seen } = params;
  const { set, clear, entries } = mendChange(params);
  const update: Document = {
    $set: set,
    $push: { history: { $each: entries, $slice: -MOST_HISTORY } },
    ...(clear.length > 0 && { $unset: Object.fromEntries(clear.map((field) => [field, ''])) }),
  };
  const filter: Document = {
    _id: jobId,
    status: seen.status,
    fence: fenceFilter(seen.fence),
    // A document that was written by hand may lack it, or have something else there.
    $or: [{ updatedAt: seen.updatedAt }, { updatedAt: { $not: { $type: 'date' } } }],
  };
  return jobs.untilAnswered<MendResult>(jobId, async () => {
    const mended = await jobs.collection.findOneAndUpdate(filter, update, {
      ...jobs.commands.writeOptions(),
      returnDocument: 'after',
      hint: ID_KEY,
    });
    if (mended !== null) return { outcome: 'mended', job: fromDocument(mended) };
    const job = await jobs.find(jobId);
    return job === null ? { outcome: 'missing', job } : { outcome: 'changed', job };
  });
}
