/**
 * The pending jobs of an in-memory ledger that stand in lanes, each lane in the order of ranks.
 *
 * @module
 */
import { Timestamp } from 'mongodb';
import type { Job } from '../../job/job.ts';
import { isGroupLane } from '../../job/lanes.ts';
import type { StoredJob } from './stored-job.ts';

/** Pending jobs by name and lane. No lane is empty, and no name without lanes. */
export class Lanes {
  readonly #names = new Map<string, Map<string, StoredJob[]>>();

  /** Puts a job in that stands in a lane. Most go behind all others. */
  add(stored: StoredJob): void {
    const { name } = stored.job;
    const lane = stored.job.lane as string;
    const lanes = this.#names.get(name) ?? new Map<string, StoredJob[]>();
    this.#names.set(name, lanes);
    const jobs = lanes.get(lane) ?? [];
    lanes.set(lane, jobs);
    let place = jobs.length;
    while (place > 0 && isBefore(stored.job, (jobs[place - 1] as StoredJob).job)) place -= 1;
    jobs.splice(place, 0, stored);
  }

  /** Takes out a job that was put in. */
  delete({ id, job: { name, lane } }: StoredJob): void {
    const lanes = this.#names.get(name) as Map<string, StoredJob[]>;
    const jobs = lanes.get(lane as string) as StoredJob[];
    jobs.splice(
      jobs.findIndex((stored) => stored.id === id),
      1,
    );
    if (jobs.length === 0) lanes.delete(lane as string);
    if (lanes.size === 0) this.#names.delete(name);
  }

  /** The first job of each lane of an order. */
  heads(name: string): StoredJob[] {
    return [...(this.#names.get(name) ?? [])].flatMap(([lane, jobs]) =>
      isGroupLane(lane) ? [] : jobs.slice(0, 1),
    );
  }

  /** The lanes of groups, in their order. */
  ofGroups(name: string): string[] {
    return [...(this.#names.get(name)?.keys() ?? [])].filter(isGroupLane).sort();
  }

  /** The jobs of a lane. */
  of(name: string, lane: string): readonly StoredJob[] {
    return this.#names.get(name)?.get(lane) ?? [];
  }
}

/** In an order by the stamp, in a group by priority, time and id. */
function isBefore(a: Job, b: Job): boolean {
  if (typeof a.rank === 'number' && typeof b.rank === 'number') {
    const difference = a.rank - b.rank || a.nextRunAt.getTime() - b.nextRunAt.getTime();
    return difference < 0 || (difference === 0 && a._id.toHexString() < b._id.toHexString());
  }
  return a.rank instanceof Timestamp && b.rank instanceof Timestamp && a.rank.lessThan(b.rank);
}
