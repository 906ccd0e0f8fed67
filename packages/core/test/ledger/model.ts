/**
 * A ledger as plainly as it can be said, written from the table of states and verbs in the design and not from the
 * code. It answers each step as a ledger must.
 */

export type SettleVerb = 'complete' | 'retry' | 'fail' | 'cancelled' | 'release';

export interface JobSpec {
  readonly name: string;
  readonly priority: number;
  readonly delayMs: number;
  readonly lock: string | null;
}

/** One call. Jobs and claims are named by a number, which counts from the first and starts again at the end. */
export type Step =
  | { readonly kind: 'tick'; readonly ms: number }
  | { readonly kind: 'enqueue'; readonly jobs: readonly JobSpec[] }
  | { readonly kind: 'resend' | 'cancel' | 'remove' | 'getJob'; readonly job: number }
  | {
      readonly kind: 'claim';
      readonly instance: string;
      readonly name: string;
      readonly limit: number;
      readonly suspects: boolean;
    }
  | {
      readonly kind: 'settle';
      readonly claims: readonly number[];
      readonly verb: SettleVerb;
      readonly lastFailCount: number;
      readonly delayMs: number;
    }
  | { readonly kind: 'rescue'; readonly instance: string; readonly rescueLimit: number }
  | {
      readonly kind: 'openLease' | 'renewLease' | 'endLease' | 'removeLease' | 'readClaims';
      readonly instance: string;
    }
  | { readonly kind: 'declareDead'; readonly instance: string; readonly isStale: boolean }
  | { readonly kind: 'nextDue'; readonly name: string; readonly withinMs: number }
  | { readonly kind: 'findClaimants'; readonly except: string }
  | { readonly kind: 'readLeases' };

/** What a ledger shows of a job; times in milliseconds from the start. */
export interface JobView {
  status: 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';
  readonly name: string;
  readonly priority: number;
  dueMs: number;
  fence: number;
  failCount: number;
  rescueCount: number;
  updatedMs: number;
  token?: string;
  instance?: string;
  lastToken?: string;
  askedMs?: number;
  finishedMs?: number;
  lock?: string;
}

/** The item that a number names; undefined when there are none. */
export function pick<T>(items: readonly T[], number: number): T | undefined {
  return items[number % Math.max(items.length, 1)];
}

/** Of several numbers the claims they name, of each job the first. */
export function pickClaims<C extends { readonly job: number }>(
  claims: readonly C[],
  numbers: readonly number[],
): C[] {
  const picked = new Map<number, C>();
  for (const claim of numbers.flatMap((number) => pick(claims, number) ?? [])) {
    if (!picked.has(claim.job)) picked.set(claim.job, claim);
  }
  return [...picked.values()];
}

interface NewJob {
  readonly spec: JobSpec;
  readonly createdMs: number;
}

interface Claim {
  readonly job: number;
  readonly token: string;
  readonly fence: number;
}

/** The model. A job is known by its number, which stays when the job is gone. */
export class LedgerModel {
  #nowMs = 0;
  #tokens = 0;
  readonly #made: NewJob[] = [];
  readonly #stored = new Map<number, JobView>();
  readonly #claims: Claim[] = [];
  readonly #leases = new Map<string, 'live' | 'dead'>();

  answer(step: Step): unknown {
    switch (step.kind) {
      case 'tick':
        this.#nowMs += step.ms;
        return null;
      case 'enqueue':
        return step.jobs.map((spec) => {
          this.#made.push({ spec, createdMs: this.#nowMs });
          return this.#store(this.#made.length - 1);
        });
      case 'resend':
        return this.#made.length === 0 ? null : this.#store(step.job % this.#made.length);
      case 'claim':
        return this.#claim(step);
      case 'settle':
        return pickClaims(this.#claims, step.claims).map((claim) => this.#settle(claim, step));
      case 'cancel':
        return this.#onJob(step.job, (job) => this.#cancel(job));
      case 'remove':
        return this.#onJob(step.job, (job, number) => {
          if (job.status === 'processing') return 'refused';
          this.#stored.delete(number);
          return 'removed';
        });
      case 'getJob':
        return this.#onJob(step.job, (job) => ({ ...job }));
      case 'rescue':
        return this.#rescue(step);
      case 'nextDue': {
        const due = this.#jobs(({ name }) => name === step.name)
          .filter(([, { status }]) => status === 'pending')
          .map(([, { dueMs }]) => dueMs)
          .filter((ms) => ms > this.#nowMs && ms <= this.#nowMs + step.withinMs);
        return due.length > 0 ? Math.min(...due) : null;
      }
      case 'findClaimants': {
        const claimants = new Set(this.#jobs(() => true).map(([, { instance }]) => instance));
        return [...claimants].filter((id) => id !== undefined && id !== step.except).sort();
      }
      case 'readClaims':
        return this.#claimed(step.instance).map(([number, job]) => [number, job.token, job.fence]);
      default:
        return this.#lease(step);
    }
  }

  #jobs(is: (job: JobView) => boolean): [number, JobView][] {
    return [...this.#stored].filter(([, job]) => is(job)).sort(([a], [b]) => a - b);
  }

  #claimed(instance: string): [number, JobView][] {
    return this.#jobs((job) => job.instance === instance);
  }

  #onJob(number: number, act: (job: JobView, number: number) => unknown): unknown {
    if (this.#made.length === 0) return null;
    const job = this.#stored.get(number % this.#made.length);
    return job === undefined ? 'missing' : act(job, number % this.#made.length);
  }

  #store(number: number): unknown {
    const made = this.#made[number];
    if (made === undefined || this.#stored.has(number)) return ['enqueued', number];
    const { name, priority, delayMs, lock } = made.spec;
    const [holder] = this.#jobs((job) => job.name === name && job.lock === lock);
    if (lock !== null && holder !== undefined) return ['existing', holder[0]];
    const job: JobView = {
      status: 'pending',
      name,
      priority,
      dueMs: made.createdMs + delayMs,
      fence: 0,
      failCount: 0,
      rescueCount: 0,
      updatedMs: made.createdMs,
    };
    this.#stored.set(number, lock === null ? job : { ...job, lock });
    return ['enqueued', number];
  }

  #claim({ instance, name, limit, suspects }: Extract<Step, { kind: 'claim' }>): unknown {
    const token = `token-${this.#tokens}`;
    this.#tokens += 1;
    const won = this.#jobs((job) => job.name === name && job.rescueCount >= 2 === suspects)
      .filter(([, job]) => job.status === 'pending' && job.dueMs <= this.#nowMs)
      .sort(([a, x], [b, y]) => x.priority - y.priority || x.dueMs - y.dueMs || a - b)
      .slice(0, suspects ? 1 : limit);
    for (const [number, job] of won) {
      Object.assign(job, { status: 'processing', token, instance, updatedMs: this.#nowMs });
      job.fence += 1;
      this.#claims.push({ job: number, token, fence: job.fence });
    }
    return won.map(([number]) => number);
  }

  #settle(claim: Claim, step: Extract<Step, { kind: 'settle' }>): string {
    const job = this.#stored.get(claim.job);
    if (job === undefined) return 'unknown';
    const { token } = claim;
    if (job.token === token) {
      if (!mayEnd(job, step)) return job.askedMs === undefined ? 'refused' : 'cancelRequested';
      const isFailure = step.verb === 'retry' || step.verb === 'fail';
      if (isFailure) job.failCount += 1;
      if (step.verb === 'retry') job.dueMs = this.#nowMs + step.delayMs;
      this.#end(job, ENDS[step.verb]);
      job.lastToken = token;
      return 'settled';
    }
    if (job.lastToken === token) return 'settled';
    const isNext = job.fence === claim.fence + 1 && job.status === 'processing';
    return job.fence === claim.fence || isNext ? 'lost' : 'unknown';
  }

  #cancel(job: JobView): string {
    if (job.status === 'pending') {
      this.#end(job, 'cancelled');
      return 'cancelled';
    }
    if (job.status !== 'processing') return 'refused';
    if (job.askedMs === undefined) {
      Object.assign(job, { askedMs: this.#nowMs, updatedMs: this.#nowMs });
    }
    return 'requested';
  }

  #rescue({ instance, rescueLimit }: Extract<Step, { kind: 'rescue' }>): unknown {
    const counts = { pending: 0, failed: 0, cancelled: 0 };
    if (this.#leases.get(instance) === 'live') return { ...counts, refused: true };
    for (const [, job] of this.#claimed(instance)) {
      job.rescueCount += 1;
      const failsNow = job.rescueCount >= rescueLimit;
      const to = job.askedMs !== undefined ? 'cancelled' : failsNow ? 'failed' : 'pending';
      counts[to] += 1;
      this.#end(job, to);
    }
    return { ...counts, refused: false };
  }

  /** A request to cancel outlives the claim in a finished job alone. */
  #end(job: JobView, status: JobView['status']): void {
    Object.assign(job, { status, updatedMs: this.#nowMs });
    delete job.token;
    delete job.instance;
    if (status === 'pending') return;
    job.finishedMs = this.#nowMs;
    delete job.lock;
  }

  #lease(step: Step): unknown {
    if (step.kind === 'readLeases') return [...this.#leases].sort();
    const { kind, instance } = step as Extract<Step, { kind: 'declareDead' }>;
    const isLive = this.#leases.get(instance) === 'live';
    return this.#leaseVerb(kind, instance, isLive, 'isStale' in step && step.isStale);
  }

  #leaseVerb(kind: string, instance: string, isLive: boolean, isStale: boolean): unknown {
    if (kind === 'renewLease') return isLive;
    if (kind === 'openLease') {
      if (!this.#leases.has(instance)) this.#leases.set(instance, 'live');
      return null;
    }
    if (kind === 'declareDead') {
      if (isLive && !isStale) this.#leases.set(instance, 'dead');
      return isLive && !isStale;
    }
    if (kind === 'endLease' && isLive) this.#leases.set(instance, 'dead');
    const isFree = kind === 'removeLease' || this.#claimed(instance).length === 0;
    if (isFree && this.#leases.get(instance) === 'dead') this.#leases.delete(instance);
    return null;
  }
}

const ENDS = {
  complete: 'completed',
  retry: 'pending',
  release: 'pending',
  fail: 'failed',
  cancelled: 'cancelled',
} as const;

function mayEnd(job: JobView, { verb, lastFailCount }: Extract<Step, { kind: 'settle' }>): boolean {
  switch (verb) {
    case 'complete':
      return true;
    case 'retry':
      return job.askedMs === undefined && job.failCount < lastFailCount;
    case 'fail':
      return job.failCount >= lastFailCount;
    case 'cancelled':
      return job.askedMs !== undefined;
    case 'release':
      return job.askedMs === undefined;
  }
}
