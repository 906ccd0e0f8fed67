/**
 * Which finished jobs are kept: the newest, up to a bound.
 *
 * @module
 */
import type { StoredJob } from './stored-job.ts';

/** How many ids are remembered of jobs that had to leave, so that a late resend of one does not bring it back. */
const EVICTED_IDS_MOST = 10_000;

/** Finished jobs in the order in which they finished. */
export class FinishedJobs {
  readonly #most: number;
  readonly #jobs = new Map<string, StoredJob>();
  readonly #evictedIds = new Set<string>();
  // Kept, since an iterator goes on where it was: a new one would step over every deleted item again.
  readonly #jobsByAge = this.#jobs.values();
  readonly #evictedIdsByAge = this.#evictedIds.values();

  /** @param most - how many finished jobs are kept */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many are kept now. */
  get size(): number {
    return this.#jobs.size;
  }

  /** The kept job with this id. */
  find(id: string): StoredJob | undefined {
    return this.#jobs.get(id);
  }

  /** All that are kept, the one that finished first at the front. */
  all(): Iterable<StoredJob> {
    return this.#jobs.values();
  }

  /** Notes that a job finished. Gives the job that has to leave for it, if one has to. */
  add(stored: StoredJob): StoredJob | undefined {
    this.#jobs.set(stored.id, stored);
    if (this.#jobs.size <= this.#most) return undefined;
    const evicted = this.#jobsByAge.next().value as StoredJob;
    this.#jobs.delete(evicted.id);
    this.#evictedIds.add(evicted.id);
    if (this.#evictedIds.size > EVICTED_IDS_MOST) {
      this.#evictedIds.delete(this.#evictedIdsByAge.next().value as string);
    }
    return evicted;
  }

  /** Forgets a job that left. */
  delete(id: string): void {
    this.#jobs.delete(id);
  }

  /** True when the job had to leave a while ago. */
  wasEvicted(id: string): boolean {
    return this.#evictedIds.has(id);
  }
}
