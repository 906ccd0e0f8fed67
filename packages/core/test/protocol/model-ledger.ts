/**
 * The ledger: jobs and leases, changed by guarded statements alone.
 *
 * A statement for one document is a function and atomic. One for many is a generator, atomic between
 * two of its `yield`s, as each document is in MongoDB; at a `yield` other statements may run, or the
 * rest of it may never happen.
 */
import type { Invariants } from './invariants.ts';
import type { Guards } from './model-settings.ts';
import { LIMITS } from './model-settings.ts';

export type Status = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';
export type SettleVerb = 'complete' | 'retry' | 'release' | 'fail' | 'cancelled';
export type Verb = SettleVerb | 'enqueue' | 'claim' | 'rescue' | 'cancel' | 'askCancel' | 'redrive';

export interface ModelJob {
  readonly id: string;
  readonly status: Status;
  readonly nextRunAt: number;
  readonly claimedBy: string | undefined;
  readonly claimToken: string | undefined;
  readonly lastToken: string | undefined;
  readonly fence: number;
  readonly failCount: number;
  readonly rescueCount: number;
  readonly isCancelAsked: boolean;
  readonly uniqueKey: string | undefined;
  /** Present only while it blocks. */
  readonly uniqueLock: string | undefined;
}

export interface ModelLease {
  readonly id: string;
  readonly counter: number;
  readonly status: 'live' | 'dead';
}

export type Statement<T> = (() => T) | Generator<undefined, T, undefined>;

export type InsertAnswer = 'inserted' | 'duplicate id' | 'key taken';

/** One statement of a settle: the same verb for the jobs of one claim. */
export interface SettleStatement {
  readonly verb: SettleVerb;
  readonly token: string;
  readonly ids: readonly string[];
  /** For retry: when the job is due again. */
  readonly nextRunAt: number;
}

const STATUS_AFTER: Record<SettleVerb, Status> = {
  complete: 'completed',
  retry: 'pending',
  release: 'pending',
  fail: 'failed',
  cancelled: 'cancelled',
};

const NO_CLAIM = { claimedBy: undefined, claimToken: undefined } as const;

export class ModelLedger {
  readonly jobs: Map<string, ModelJob> = new Map();
  readonly leases: Map<string, ModelLease> = new Map();
  readonly #guards: Guards;
  readonly #invariants: Invariants;

  constructor(guards: Guards, invariants: Invariants) {
    this.#guards = guards;
    this.#invariants = invariants;
  }

  // Enqueue and the manual verbs.

  *insert(drafts: readonly ModelJob[]): Statement<InsertAnswer[]> {
    const answers: InsertAnswer[] = [];
    for (const draft of drafts) {
      if (answers.length > 0) yield;
      answers.push(this.#insertOne(draft));
    }
    return answers;
  }

  readHolder(lock: string): Statement<ModelJob | undefined> {
    return () => this.lockHolder(lock);
  }

  cancelPending(id: string): Statement<boolean> {
    return () => {
      const job = this.jobs.get(id);
      if (job?.status !== 'pending') return false;
      this.#write('cancel', job, { ...job, status: 'cancelled', uniqueLock: undefined });
      return true;
    };
  }

  askCancel(id: string): Statement<boolean> {
    return () => {
      const job = this.jobs.get(id);
      if (job?.status !== 'processing') return false;
      this.#write('askCancel', job, { ...job, isCancelAsked: true });
      return true;
    };
  }

  redrive(id: string, now: number): Statement<boolean> {
    return () => {
      const job = this.jobs.get(id);
      if (job?.status !== 'failed' && job?.status !== 'cancelled') return false;
      if (job.uniqueKey !== undefined && this.lockHolder(job.uniqueKey) !== undefined) return false;
      const afresh = { failCount: 0, rescueCount: 0, isCancelAsked: false, nextRunAt: now };
      const lock = { uniqueLock: job.uniqueKey };
      this.#write('redrive', job, { ...job, ...afresh, ...lock, status: 'pending' });
      return true;
    };
  }

  // Claim.

  findDue(now: number, limit: number): Statement<string[]> {
    return () => {
      const due = [...this.jobs.values()].filter(
        (job) => job.status === 'pending' && job.nextRunAt <= now,
      );
      return due.slice(0, limit).map((job) => job.id);
    };
  }

  *claim(params: {
    ids: readonly string[];
    token: string;
    claimedBy: string;
    now: number;
  }): Statement<number> {
    let claimed = 0;
    for (const id of params.ids) {
      const job = this.jobs.get(id);
      const isPending = job?.status === 'pending' || !this.#guards.claimStatus;
      if (job === undefined || !isPending) continue;
      if (this.#guards.claimDue && job.nextRunAt > params.now) continue;
      const claim = { claimedBy: params.claimedBy, claimToken: params.token };
      const after = { ...job, ...claim, status: 'processing', fence: job.fence + 1 } as const;
      this.#write('claim', job, after, params.token);
      claimed += 1;
      yield;
    }
    return claimed;
  }

  *readByToken(token: string): Statement<ModelJob[]> {
    const found: ModelJob[] = [];
    for (const job of this.jobs.values()) {
      if (job.claimToken !== token) continue;
      found.push(job);
      yield;
    }
    return found;
  }

  // Settle.

  /** Answers how many jobs each statement matched: a multi update does not say which. */
  *settle(statements: readonly SettleStatement[]): Statement<number[]> {
    const matched: number[] = [];
    for (const statement of statements) {
      let count = 0;
      for (const id of statement.ids) {
        if (this.#settleOne(statement, id)) count += 1;
        yield;
      }
      matched.push(count);
    }
    return matched;
  }

  *readJobs(ids: readonly string[]): Statement<Map<string, ModelJob>> {
    const found = new Map<string, ModelJob>();
    for (const id of ids) {
      const job = this.jobs.get(id);
      if (job !== undefined) found.set(id, job);
      yield;
    }
    return found;
  }

  // Lease, reconcile and rescue.

  insertLease(id: string): Statement<void> {
    return () => {
      this.leases.set(id, { id, counter: 0, status: 'live' });
      this.#invariants.leaseRenewed(id);
    };
  }

  /** Refused (`false`) once the lease is dead or gone; never an upsert, which would revive it. */
  renewLease(id: string): Statement<boolean> {
    return () => {
      const lease = this.leases.get(id);
      if (lease?.status !== 'live') return false;
      this.leases.set(id, { ...lease, counter: lease.counter + 1 });
      this.#invariants.leaseRenewed(id);
      return true;
    };
  }

  readLeases(): Statement<ModelLease[]> {
    return () => [...this.leases.values()];
  }

  markLeaseDead(judged: ModelLease): Statement<boolean> {
    return () => {
      const lease = this.leases.get(judged.id);
      if (lease?.status !== 'live') return false;
      if (this.#guards.leaseCas && lease.counter !== judged.counter) return false;
      this.leases.set(lease.id, { ...lease, status: 'dead' });
      this.#invariants.leaseMarkedDead(lease.id);
      return true;
    };
  }

  removeDeadLease(id: string): Statement<void> {
    return () => {
      if (this.leases.get(id)?.status === 'dead') this.leases.delete(id);
    };
  }

  *claimedByValues(): Statement<Set<string>> {
    const values = new Set<string>();
    for (const job of this.jobs.values()) {
      if (job.claimedBy === undefined || values.has(job.claimedBy)) continue;
      values.add(job.claimedBy);
      yield;
    }
    return values;
  }

  *claimsOf(leaseId: string): Statement<ModelJob[]> {
    const found: ModelJob[] = [];
    for (const job of this.jobs.values()) {
      if (job.claimedBy !== leaseId) continue;
      found.push(job);
      yield;
    }
    return found;
  }

  *rescue(claimedBy: string): Statement<number> {
    let rescued = 0;
    for (const { id } of this.jobs.values()) {
      const job = this.jobs.get(id);
      if (job === undefined || job.claimedBy !== claimedBy) continue;
      this.#rescueOne(job);
      rescued += 1;
      yield;
    }
    return rescued;
  }

  lockHolder(lock: string): ModelJob | undefined {
    for (const job of this.jobs.values()) if (job.uniqueLock === lock) return job;
    return undefined;
  }

  #insertOne(draft: ModelJob): InsertAnswer {
    if (this.jobs.has(draft.id)) return 'duplicate id';
    if (draft.uniqueLock !== undefined && this.lockHolder(draft.uniqueLock) !== undefined) {
      return 'key taken';
    }
    this.#write('enqueue', undefined, draft);
    return 'inserted';
  }

  #settleOne(statement: SettleStatement, id: string): boolean {
    const job = this.jobs.get(id);
    if (job?.status !== 'processing') return false;
    if (this.#guards.settleToken && job.claimToken !== statement.token) return false;
    const status = STATUS_AFTER[statement.verb];
    const isPending = status === 'pending';
    if (isPending && this.#guards.cancelExclusion && job.isCancelAsked) return false;
    const failed = statement.verb === 'retry' || statement.verb === 'fail' ? 1 : 0;
    const after: ModelJob = {
      ...job,
      ...NO_CLAIM,
      status,
      lastToken: job.claimToken,
      failCount: job.failCount + failed,
      nextRunAt: statement.verb === 'retry' ? statement.nextRunAt : job.nextRunAt,
      isCancelAsked: job.isCancelAsked && !isPending,
      uniqueLock: isPending ? job.uniqueLock : undefined,
    };
    this.#write(statement.verb, job, after, statement.token);
    return true;
  }

  #rescueOne(job: ModelJob): void {
    const rescueCount = job.rescueCount + 1;
    const isCancelled = job.isCancelAsked && this.#guards.cancelExclusion;
    const isOver = rescueCount >= LIMITS.rescueLimit;
    const status = isCancelled ? 'cancelled' : isOver ? 'failed' : 'pending';
    const after: ModelJob = {
      ...job,
      ...NO_CLAIM,
      status,
      rescueCount,
      lastToken: this.#guards.rescueLastToken ? job.lastToken : job.claimToken,
      isCancelAsked: job.isCancelAsked && status !== 'pending',
      uniqueLock: status === 'pending' ? job.uniqueLock : undefined,
    };
    this.#write('rescue', job, after);
  }

  #write(verb: Verb, before: ModelJob | undefined, after: ModelJob, token?: string): void {
    this.jobs.set(after.id, after);
    this.#invariants.jobWritten({ verb, before, after, token });
  }
}
