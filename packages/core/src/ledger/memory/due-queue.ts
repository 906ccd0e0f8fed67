/**
 * The pending jobs of one name, in the order in which they are claimed.
 *
 * A job waits in `future` by its time, and in `due` by priority, time and id once somebody's clock has reached that
 * time. Clocks differ: for another caller it may not be due yet, so `take` asks about each job and puts those back
 * that are early. A job that is deleted stays in its heap, marked, until it is met or the marked ones outnumber the
 * others; so the heaps never hold more than about twice the jobs that wait.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import { BinaryHeap } from './binary-heap.ts';
import type { StoredJob } from './stored-job.ts';

/** How many deleted jobs may lie in the heaps of an empty queue. */
const DELETED_AT_LEAST = 64;

/** A job with what its place depends on at hand. */
interface Entry {
  readonly stored: StoredJob;
  readonly id: string;
  readonly priority: number;
  readonly dueMs: number;
  isDeleted: boolean;
}

/** Sorts jobs as they are claimed: the lowest priority number first, of these the earliest due, then by id. */
export function inClaimOrder(jobs: readonly StoredJob[]): StoredJob[] {
  return jobs
    .map(toEntry)
    .sort((a, b) => (isClaimedBefore(a, b) ? -1 : 1))
    .map((entry) => entry.stored);
}

/** Pending jobs of one name. */
export class DueQueue {
  readonly #entries = new Map<string, Entry>();
  readonly #due = new BinaryHeap<Entry>(isClaimedBefore);
  readonly #future = new BinaryHeap<Entry>((a, b) => a.dueMs < b.dueMs);
  /** The latest time up to which jobs were moved to `due`; none there is due later. */
  #reachedMs = Number.NEGATIVE_INFINITY;

  /** How many jobs wait. */
  get size(): number {
    return this.#entries.size;
  }

  /** Puts a job in; none with its id may be there. */
  add(stored: StoredJob): void {
    const entry = toEntry(stored);
    this.#entries.set(stored.id, entry);
    this.#future.push(entry);
  }

  /** Takes a job out, if it is there. */
  delete(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.isDeleted = true;
    this.#entries.delete(id);
    const deleted = this.#due.size + this.#future.size - this.#entries.size;
    if (deleted <= this.#entries.size + DELETED_AT_LEAST) return;
    this.#due.retain((item) => !item.isDeleted);
    this.#future.retain((item) => !item.isDeleted);
  }

  /** Takes out the first jobs that are due, at most `limit`. */
  take(limit: number, nowMs: number, isDue: (job: Job) => boolean): StoredJob[] {
    this.#reach(nowMs);
    const taken: StoredJob[] = [];
    const early: Entry[] = [];
    while (taken.length < limit) {
      const entry = this.#due.pop();
      if (entry === undefined) break;
      if (entry.isDeleted) continue;
      if (isDue(entry.stored.job)) {
        this.#entries.delete(entry.stored.id);
        taken.push(entry.stored);
      } else early.push(entry);
    }
    for (const entry of early) this.#future.push(entry);
    return taken;
  }

  /** Takes out those that were due first, of the jobs that were due by `beforeMs`, at most `limit`. */
  takeOverdue(limit: number, beforeMs: number, isDue: (job: Job) => boolean): StoredJob[] {
    this.#reach(beforeMs);
    const overdue = new BinaryHeap<Entry>(wasDueBefore);
    for (const entry of this.#due.items()) {
      if (!entry.isDeleted && entry.dueMs <= beforeMs && isDue(entry.stored.job)) {
        overdue.push(entry);
      }
    }
    const taken: StoredJob[] = [];
    for (let entry = overdue.pop(); entry && taken.length < limit; entry = overdue.pop()) {
      this.delete(entry.id);
      taken.push(entry.stored);
    }
    return taken;
  }

  /** The earliest due time later than `afterMs`; infinite when there is none. */
  nextDueMs(afterMs: number): number {
    this.#reach(afterMs);
    let earliestMs = this.#firstOfFuture()?.dueMs ?? Number.POSITIVE_INFINITY;
    if (this.#reachedMs <= afterMs) return earliestMs;
    for (const entry of this.#due.items()) {
      if (!entry.isDeleted && entry.dueMs > afterMs) {
        earliestMs = Math.min(earliestMs, entry.dueMs);
      }
    }
    return earliestMs;
  }

  /** Moves jobs to `due` whose time has come. */
  #reach(nowMs: number): void {
    this.#reachedMs = Math.max(this.#reachedMs, nowMs);
    for (;;) {
      const first = this.#firstOfFuture();
      if (first === undefined || first.dueMs > nowMs) return;
      this.#future.pop();
      this.#due.push(first);
    }
  }

  #firstOfFuture(): Entry | undefined {
    while (this.#future.peek()?.isDeleted) this.#future.pop();
    return this.#future.peek();
  }
}

function toEntry(stored: StoredJob): Entry {
  const { priority, nextRunAt } = stored.job;
  return { stored, id: stored.id, priority, dueMs: nextRunAt.getTime(), isDeleted: false };
}

function isClaimedBefore(a: Entry, b: Entry): boolean {
  return a.priority === b.priority ? wasDueBefore(a, b) : a.priority < b.priority;
}

function wasDueBefore(a: Entry, b: Entry): boolean {
  return a.dueMs === b.dueMs ? a.id < b.id : a.dueMs < b.dueMs;
}
