/**
 * The pending jobs of an in-memory ledger that stand in lanes, each lane in the order of ranks.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import type { StoredJob } from './stored-job.ts';

/** Pending jobs by name and lane. No lane is empty, and no name without lanes. */
export class Lanes {
  readonly #names = new Map<string, Map<string, StoredJob[]>>();

  /** Puts a job in. Most go behind all others. */
  add(stored: StoredJob): void {
    const { name, lane = '' } = stored.job;
    const lanes = this.#names.get(name) ?? new Map<string, StoredJob[]>();
    this.#names.set(name, lanes);
    const jobs = lanes.get(lane) ?? [];
    lanes.set(lane, jobs);
    let place = jobs.length;
    while (place > 0 && isBefore(stored.job, (jobs[place - 1] as StoredJob).job)) place -= 1;
    jobs.splice(place, 0, stored);
  }

  /** Takes a job out. */
  delete({ id, job: { name, lane = '' } }: StoredJob): void {
    const lanes = this.#names.get(name);
    const jobs = lanes?.get(lane);
    if (lanes === undefined || jobs === undefined) return;
    const place = jobs.findIndex((stored) => stored.id === id);
    if (place >= 0) jobs.splice(place, 1);
    if (jobs.length === 0) lanes.delete(lane);
    if (lanes.size === 0) this.#names.delete(name);
  }

  /** The first job of each lane. */
  heads(name: string): StoredJob[] {
    return [...(this.#names.get(name)?.values() ?? [])].flatMap((jobs) => jobs.slice(0, 1));
  }

  /** The jobs of a lane. */
  of(name: string, lane: string): readonly StoredJob[] {
    return this.#names.get(name)?.get(lane) ?? [];
  }
}

function isBefore(a: Job, b: Job): boolean {
  return a.rank !== undefined && b.rank !== undefined && a.rank.lessThan(b.rank);
}
