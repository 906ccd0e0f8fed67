/**
 * Lists of a job as they may really be stored: what was written manually may be no list, or a list of something else.
 *
 * @module
 */
import { isValidDate } from '../foundation/kinds.ts';
import type { HistoryEntry, Job } from './job.ts';

/** The list that is stored; an empty one where something else is. */
export function storedList(stored: unknown): readonly unknown[] {
  return Array.isArray(stored) ? stored : [];
}

/** The entries of the history that can be read: those with a verb and a time. */
export function storedHistory({ history }: Pick<Job, 'history'>): readonly HistoryEntry[] {
  return storedList(history).filter(isEntry);
}

/** The records of the stages or gates of a job that have a name. */
export function storedRecords<T extends { readonly name: string }>(
  records: readonly T[] | undefined,
): readonly T[] {
  return storedList(records).filter((item) => typeof Object(item).name === 'string') as T[];
}

function isEntry(item: unknown): item is HistoryEntry {
  const { verb, at, scheduledFor } = Object(item);
  return (
    typeof verb === 'string' &&
    isValidDate(at) &&
    (scheduledFor === undefined || isValidDate(scheduledFor))
  );
}
