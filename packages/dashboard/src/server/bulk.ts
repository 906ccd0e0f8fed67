/**
 * Goes over the jobs of a filter, a page at a time, with one verb.
 *
 * What always holds: every job is changed by the library's verb for one job, as the actor; what a verb does not apply
 * to is left, and counted with the reason; and it ends soon after it is aborted.
 *
 * @module
 */
import {
  type Job,
  JobStateError,
  type JobsPage,
  type MonqueManagement,
  UniqueKeyTakenError,
} from '@monque/core';
import type { BulkFilter } from '../api/types.ts';
import { bulkFilter } from './filters.ts';
import { toProblem } from './problems.ts';

const PAGE = 500;
const AT_ONCE = 16;
/** The most different reasons that are told apart. */
const MOST_REASONS = 50;

/** What a bulk action does with one job. */
export type BulkVerb = 'cancel' | 'retry' | 'delete';

/** How far it is. */
export interface Tally {
  matched: number;
  changed: number;
  readonly left: Map<string, number>;
}

/** What it goes over. */
export interface Bulk {
  readonly monque: MonqueManagement;
  readonly filter: BulkFilter;
  /** The names it is narrowed to when it names none. */
  readonly names: readonly string[] | undefined;
}

/** When it ends, and who is told. */
export interface BulkBounds {
  readonly signal: AbortSignal;
  readonly limit: number;
  /** Called after each page. */
  readonly onPage: () => void;
}

const VERBS: Readonly<
  Record<BulkVerb, (monque: MonqueManagement, id: string) => Promise<boolean>>
> = {
  cancel: async (monque, id) => (await monque.cancelJob(id)) !== null,
  retry: async (monque, id) => (await monque.retryJob(id)) !== null,
  delete: (monque, id) => monque.deleteJob(id),
};

/** Does it, and keeps the tally; resolves when it is over. */
export async function doBulk(
  bulk: Bulk,
  verb: BulkVerb,
  tally: Tally,
  { signal, limit, onPage }: BulkBounds,
): Promise<void> {
  for await (const ids of pagesOf(bulk)) {
    const room = limit - tally.matched;
    const waiting = ids.slice(0, room).values();
    const lanes = Array.from({ length: AT_ONCE }, async () => {
      for (const id of waiting) {
        if (signal.aborted) return;
        await count(tally, () => VERBS[verb](bulk.monque, id));
      }
    });
    await Promise.all(lanes);
    onPage();
    if (signal.aborted || tally.matched >= limit) return;
  }
}

/** Each id once, however it is written. */
export function uniqueIds(ids: readonly string[]): string[] {
  return [...new Set(ids.map((id) => id.toLowerCase()))];
}

/** The ids of the jobs, a page at a time. */
async function* pagesOf(bulk: Bulk): AsyncGenerator<readonly string[]> {
  const { ids } = bulk.filter;
  if (ids !== undefined) {
    yield uniqueIds(ids);
    return;
  }
  for await (const jobs of jobsOf(bulk, PAGE)) yield jobs.map(({ _id }) => String(_id));
}

/** The jobs of a filter, a page at a time, in the order of their ids. */
export async function* jobsOf(
  { monque, filter, names }: Bulk,
  limit: number,
): AsyncGenerator<readonly Job[]> {
  const { failReason } = filter;
  const options = {
    ...bulkFilter(filter),
    ...(names !== undefined && filter.name === undefined && { name: names }),
  };
  if (Array.isArray(options.name) && options.name.length === 0) return;
  let cursor: string | null = null;
  do {
    const page: JobsPage = await monque.getJobsWithCursor({
      ...options,
      limit,
      ...(cursor && { cursor }),
    });
    yield failReason === undefined
      ? page.jobs
      : page.jobs.filter((job) => job.failReason?.startsWith(failReason));
    cursor = page.nextCursor;
  } while (cursor !== null);
}

async function count(tally: Tally, apply: () => Promise<boolean>): Promise<void> {
  tally.matched += 1;
  try {
    if (await apply()) tally.changed += 1;
    else leave(tally, 'gone');
  } catch (error) {
    leave(tally, reasonOf(error));
  }
}

function leave({ left }: Tally, reason: string): void {
  const key = left.size < MOST_REASONS || left.has(reason) ? reason : 'other reasons';
  left.set(key, (left.get(key) ?? 0) + 1);
}

function reasonOf(error: unknown): string {
  if (error instanceof JobStateError) return error.status;
  if (error instanceof UniqueKeyTakenError) return 'unique key taken';
  return toProblem(error).problem.code;
}
