/**
 * How a stored job that breaks a rule is repaired.
 *
 * What always holds: only a job that is still as it was seen is changed, and its state stays.
 *
 * @module
 */
import type { Document } from 'mongodb';
import { MOST_HISTORY } from '../../job/job.ts';
import type { RepairParams, RepairResult } from '../ledger-repository.ts';
import { repairChange } from '../repair-change.ts';
import { fenceFilter } from './engine-queries.ts';
import { fromDocument } from './job-document.ts';
import { ID_KEY } from './lifecycle-statements.ts';
import type { MongoJobs } from './moves.ts';

/** Changes fields that break a rule. */
export function repair(jobs: MongoJobs, params: RepairParams): Promise<RepairResult> {
  const { jobId, seen } = params;
  const { set, clear, entries } = repairChange(params);
  const update: Document = {
    $set: set,
    $push: { history: { $each: entries, $slice: -MOST_HISTORY } },
    ...(clear.length > 0 && { $unset: Object.fromEntries(clear.map((field) => [field, ''])) }),
  };
  const filter: Document = {
    _id: jobId,
    status: seen.status,
    fence: fenceFilter(seen.fence),
    // A document that was written manually may lack it, or have something else there.
    $or: [{ updatedAt: seen.updatedAt }, { updatedAt: { $not: { $type: 'date' } } }],
  };
  return jobs.untilAnswered<RepairResult>(jobId, async () => {
    const repaired = await jobs.collection.findOneAndUpdate(filter, update, {
      ...jobs.commands.writeOptions(),
      returnDocument: 'after',
      hint: ID_KEY,
    });
    if (repaired !== null) return { outcome: 'repaired', job: fromDocument(repaired) };
    const job = await jobs.find(jobId);
    return job === null ? { outcome: 'missing', job } : { outcome: 'changed', job };
  });
}
