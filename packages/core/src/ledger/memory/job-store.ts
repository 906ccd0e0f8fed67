/**
 * The jobs of an in-memory ledger with what finds them: by id, by unique lock, by claiming instance, by due time.
 *
 * What always holds: every job is in exactly one place by its state (a queue, an instance's claims, those processing
 * for another tool, those at gates, the finished); the suspects wait in queues of their own; a lock has one holder; no queue and no
 * list of claims is empty.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import { lockOf, type UniqueLock } from '../../job/unique-locks.ts';
import { type OverdueDemand, SUSPECT_RESCUE_COUNT } from '../ledger-repository.ts';
import { DueQueue } from './due-queue.ts';
import { FinishedJobs } from './finished-jobs.ts';
import { FlowIndex } from './flows/flow-index.ts';
import { IdOrder } from './id-order.ts';
import { Lanes } from './lanes.ts';
import type { StoredJob } from './stored-job.ts';

type Queues = Map<string, DueQueue>;

/** What {@link JobStore.takeDue} looks for. */
export interface TakeDueParams {
  readonly name: string;
  readonly limit: number;
  /** Which of them go first. */
  readonly overdue: OverdueDemand | undefined;
  readonly nowMs: number;
  readonly suspects: boolean;
  /** Has the last word on each job. */
  readonly isDue: (job: Job) => boolean;
}

/** All jobs of a ledger. */
export class JobStore {
  readonly #jobs = new Map<string, StoredJob>();
  readonly #order = new IdOrder(this.#jobs);
  readonly #lockHolders = new Map<string, StoredJob>();
  readonly #claims = new Map<string, Map<string, StoredJob>>();
  readonly #withoutLease = new Map<string, StoredJob>();
  readonly #blocked = new Map<string, StoredJob>();
  readonly #queues: Queues = new Map();
  readonly #suspectQueues: Queues = new Map();
  readonly #orderedQueues: Queues = new Map();
  readonly #lanes = new Lanes();
  /** The jobs of flows. */
  readonly byToken: FlowIndex = new FlowIndex();
  readonly #finished: FinishedJobs;

  /** @param maxFinishedJobs - the oldest finished jobs leave when there are more */
  constructor(maxFinishedJobs: number) {
    this.#finished = new FinishedJobs(maxFinishedJobs);
  }

  /** How many jobs there are. */
  get size(): number {
    return this.#jobs.size;
  }

  /** How many of them are not finished. */
  get unfinished(): number {
    return this.#jobs.size - this.#finished.size;
  }

  /** The job with this id. */
  find(id: string): StoredJob | undefined {
    return this.#jobs.get(id);
  }

  /** The job that holds the unique lock which `job` wants; undefined when it is free, or none is wanted. */
  findLockHolder(job: Job): StoredJob | undefined {
    const lock = lockOf(job);
    return lock && this.holderOf(job.name, lock);
  }

  /** The job of this name that holds a lock. */
  holderOf(name: string, lock: UniqueLock): StoredJob | undefined {
    return this.#lockHolders.get(lockKey(name, lock));
  }

  /** All jobs, in the order in which they came. */
  all(): Iterable<StoredJob> {
    return this.#jobs.values();
  }

  /** The jobs in the order of their ids, behind one of these. */
  inOrder(direction: 'ascending' | 'descending', after?: string): Iterable<StoredJob> {
    return this.#order.walk(direction, after);
  }

  /** True when a job with this id finished and had to leave. */
  wasEvicted(id: string): boolean {
    return this.#finished.wasEvicted(id);
  }

  /** Puts a job in, in the place of its last version if there is one. */
  put(stored: StoredJob): void {
    const previous = this.#jobs.get(stored.id);
    if (previous !== undefined) this.#unlink(previous);
    this.#jobs.set(stored.id, stored);
    if (previous === undefined) this.#order.added(stored.id);
    this.#link(stored);
  }

  /** Takes a job out. */
  delete(stored: StoredJob): void {
    this.#jobs.delete(stored.id);
    this.#order.deleted();
    this.#unlink(stored);
  }

  /** The due jobs of a name in the order of claims. The caller puts each in again, in its new state. */
  takeDue(params: TakeDueParams): readonly StoredJob[] {
    const { name, limit, overdue, nowMs, suspects, isDue } = params;
    const queue = (suspects ? this.#suspectQueues : this.#queues).get(name);
    if (queue === undefined) return [];
    const first = overdue ? queue.takeOverdue(overdue.limit, overdue.before.getTime(), isDue) : [];
    return [...first, ...queue.take(limit - first.length, nowMs, isDue)];
  }

  /** The earliest due time of a pending job of this name that is later than `afterMs`; infinite when there is none. */
  nextDueMs(name: string, afterMs: number): number {
    const queues = [this.#queues, this.#suspectQueues, this.#orderedQueues];
    return Math.min(...queues.map((of) => of.get(name)?.nextDueMs(afterMs) ?? Infinity));
  }

  /** The lanes of groups of a name that have pending jobs, in their order. */
  groupLanes(name: string): string[] {
    return this.#lanes.ofGroups(name);
  }

  /** The first pending job of each order of a name. */
  laneHeads(name: string): StoredJob[] {
    return this.#lanes.heads(name);
  }

  /** The pending jobs of a lane, in their order. */
  inLane(name: string, lane: string): readonly StoredJob[] {
    return this.#lanes.of(name, lane);
  }

  /** The jobs that an instance has claimed, the oldest claim first. */
  claimsOf(instanceId: string): readonly StoredJob[] {
    return [...(this.#claims.get(instanceId)?.values() ?? [])];
  }

  /** Ids of the instances that have claimed jobs. */
  claimants(): readonly string[] {
    return [...this.#claims.keys()];
  }

  /** The jobs that are processing for another tool, which keeps no lease. */
  withoutLease(): readonly StoredJob[] {
    return [...this.#withoutLease.values()];
  }

  /** The jobs that wait at gates, or for others. */
  blocked(): readonly StoredJob[] {
    return [...this.#blocked.values()];
  }

  #link(stored: StoredJob): void {
    const { id, job } = stored;
    this.byToken.add(stored);
    const lock = lockOf(job);
    if (lock !== undefined) this.#lockHolders.set(lockKey(job.name, lock), stored);
    if (job.status === 'pending') {
      entryOf(this.#queuesFor(job), job.name, () => new DueQueue()).add(stored);
      if (job.lane !== undefined) this.#lanes.add(stored);
    } else if (job.claimedBy !== undefined) {
      entryOf(this.#claims, job.claimedBy, () => new Map()).set(id, stored);
    } else if (job.status === 'processing') {
      this.#withoutLease.set(id, stored);
    } else if (job.status === 'blocked') {
      this.#blocked.set(id, stored);
    } else if (!this.byToken.isAwaited(stored)) {
      const evicted = this.#finished.add(stored);
      if (evicted !== undefined) this.delete(evicted);
    }
  }

  #unlink(stored: StoredJob): void {
    const { id, job } = stored;
    this.byToken.delete(stored);
    const lock = lockOf(job);
    if (lock !== undefined) this.#lockHolders.delete(lockKey(job.name, lock));
    if (job.status === 'pending') {
      leave(this.#queuesFor(job), job.name, id);
      if (job.lane !== undefined) this.#lanes.delete(stored);
    } else if (job.claimedBy !== undefined) leave(this.#claims, job.claimedBy, id);
    else if (job.status === 'processing') this.#withoutLease.delete(id);
    else if (job.status === 'blocked') this.#blocked.delete(id);
    else this.#finished.delete(id);
  }

  #queuesFor(job: Job): Queues {
    if (job.lane !== undefined) return this.#orderedQueues;
    const isSuspect = (job.rescueCount ?? 0) >= SUSPECT_RESCUE_COUNT;
    return isSuspect ? this.#suspectQueues : this.#queues;
  }
}

/** The length keeps apart a name and a lock that would read the same joined. */
function lockKey(name: string, { field, value }: UniqueLock): string {
  return `${field} ${name.length} ${name}${value}`;
}

function entryOf<V>(groups: Map<string, V>, key: string, make: () => V): V {
  const found = groups.get(key) ?? make();
  groups.set(key, found);
  return found;
}

/** Deletes an id from its group, and the group with its last one. */
function leave<V extends { readonly size: number; delete(id: string): unknown }>(
  groups: Map<string, V>,
  key: string,
  id: string,
): void {
  const group = groups.get(key);
  group?.delete(id);
  if (group?.size === 0) groups.delete(key);
}
