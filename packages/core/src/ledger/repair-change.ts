/**
 * What is repaired of a job, and whether it is still as it was seen.
 *
 * @module
 */
import { type HistoryEntry, type Job, MOST_HISTORY } from '../job/job.ts';
import { historyEntries } from './settle-answers.ts';
import type { RepairParams } from './verbs/manual-verbs.ts';

/** What a repair writes: fields and their values, fields that go, and what the history says of it. */
export interface RepairChange {
  readonly set: Readonly<Partial<Job>>;
  readonly clear: readonly (keyof Job)[];
  readonly entries: readonly HistoryEntry[];
}

/** What is written to a job that is as it was seen. */
export function repairChange({ changes, rule, now }: RepairParams): RepairChange {
  const { set = {}, clear = [] } = changes;
  const entries = historyEntries('repair', now, { reason: rule });
  return { set: { ...set, updatedAt: now }, clear, entries };
}

/** True while the job is as it was seen: nobody claimed it, moved it or changed it since. */
export function isAsSeen(
  job: Pick<Job, 'status' | 'fence' | 'updatedAt'>,
  { seen }: RepairParams,
): boolean {
  const isSameTime = Number(job.updatedAt) === Number(seen.updatedAt);
  return job.status === seen.status && job.fence === seen.fence && isSameTime;
}

/** The job after it was repaired. */
export function repaired(job: Job, { set, clear, entries }: RepairChange): Job {
  const history = [...(job.history ?? []), ...entries].slice(-MOST_HISTORY);
  const next: Job = { ...job, ...set, history };
  for (const field of clear) Reflect.deleteProperty(next, field);
  return next;
}
