/**
 * Jobs in the order of their ids, for those who walk through them a page at a time.
 *
 * What always holds: a walk through all pages sorts the ids once and meets each job once, although jobs are added at
 * the end or deleted meanwhile; nothing is kept before the first walk, and never more than about twice the ids there are.
 *
 * @module
 */
import type { StoredJob } from './stored-job.ts';

/** How many ids of deleted jobs may be left among those of few. */
const DELETED_AT_LEAST = 64;

/** The order of the ids of a map of jobs. */
export class IdOrder {
  readonly #jobs: ReadonlyMap<string, StoredJob>;
  /** Sorted, with ids of jobs that were deleted since; undefined when it has to be made again. */
  #ids: string[] | undefined;

  /** @param jobs - the jobs by their ids, which somebody else changes */
  constructor(jobs: ReadonlyMap<string, StoredJob>) {
    this.#jobs = jobs;
  }

  /** An id came into the map. */
  added(id: string): void {
    const last = this.#ids?.at(-1);
    if (last !== undefined && id <= last) this.#ids = undefined;
    else this.#ids?.push(id);
  }

  /** An id left the map. */
  deleted(): void {
    const deletedCount = (this.#ids?.length ?? 0) - this.#jobs.size;
    if (deletedCount > this.#jobs.size + DELETED_AT_LEAST) this.#ids = undefined;
  }

  /** The jobs behind an id, which need not be there; all of them without one. The map must not change on the way. */
  *walk(direction: 'ascending' | 'descending', after?: string): Generator<StoredJob, void> {
    this.#ids ??= [...this.#jobs.keys()].sort();
    const ids = this.#ids;
    const isAscending = direction === 'ascending';
    const step = isAscending ? 1 : -1;
    let place = isAscending ? 0 : ids.length - 1;
    if (after !== undefined) {
      place = isAscending
        ? countUntil(ids, (id) => id <= after)
        : countUntil(ids, (id) => id < after) - 1;
    }
    for (let id = ids[place]; id !== undefined; id = ids[place]) {
      const stored = this.#jobs.get(id);
      if (stored !== undefined) yield stored;
      place += step;
    }
  }
}

/** How many of the first ids are before a place: a binary search. */
function countUntil(ids: readonly string[], isBefore: (id: string) => boolean): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isBefore(ids[middle] as string)) low = middle + 1;
    else high = middle;
  }
  return low;
}
