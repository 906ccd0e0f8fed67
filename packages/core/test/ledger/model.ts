/**
 * A ledger as plainly as it can be said, written from the table of states and verbs in the design and not from the
 * code. It answers each step as a ledger must.
 */
import {
  cancelJob,
  endSeries,
  expireGate,
  note,
  redriveJob,
  replanJob,
  rescueJob,
  retakenLock,
  settleJob,
} from './model-job.ts';
import { openGate, recordStage } from './model-stages.ts';
import {
  type JobSpec,
  type JobView,
  pick,
  pickClaims,
  type Step,
  type StepOf,
} from './model-step.ts';

/** How long a window lasts that locks a key. */
export const WINDOW_MS = 2500;

interface NewJob {
  readonly spec: JobSpec;
  readonly createdMs: number;
}

interface Claim {
  readonly job: number;
  readonly token: string;
  readonly fence: number;
  readonly version: number | undefined;
}

const LISTED_BY = { nextRunAt: 'dueMs', updatedAt: 'updatedMs' } as const;

const LOCKS = ['uniqueLock', 'startLock', 'windowLock'] as const;

/** The model. A job is known by its number, which stays when the job is gone. */
export class LedgerModel {
  #nowMs = 0;
  #tokens = 0;
  readonly #made: NewJob[] = [];
  readonly #stored = new Map<number, JobView>();
  readonly #claims: Claim[] = [];
  readonly #leases = new Map<string, 'live' | 'dead'>();
  readonly #paused = new Set<string>();

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
      case 'note':
        return this.#note(step);
      case 'checkpoint':
        return this.#checkpoint(step);
      case 'expireGates':
        return this.#expireGates();
      case 'rescue':
        return this.#rescue(step);
      case 'prune':
        return this.#prune(step);
      case 'cancel':
      case 'remove':
      case 'getJob':
      case 'redrive':
      case 'amend':
      case 'replan':
      case 'endSeries':
      case 'openGate':
        return this.#onJob(step);
      default:
        return this.#read(step);
    }
  }

  #onJob(step: Step & { readonly job: number }): unknown {
    if (this.#made.length === 0) return null;
    const number = step.job % this.#made.length;
    const job = this.#stored.get(number);
    if (job === undefined) return 'missing';
    switch (step.kind) {
      case 'cancel':
        return cancelJob(job, this.#nowMs);
      case 'remove':
        if (job.status === 'processing') return 'refused';
        this.#stored.delete(number);
        return 'removed';
      case 'redrive':
        return this.#redrive(job, step);
      case 'amend':
        return this.#amend(job, step);
      case 'openGate':
        return this.#openGate(job, step.gate);
      case 'replan':
        return replanJob(job, step, this.#nowMs);
      case 'endSeries':
        if (step.isStale || job.version === undefined) return 'stale';
        return endSeries(job, this.#nowMs);
      default:
        return { ...job };
    }
  }

  #read(step: Step): unknown {
    switch (step.kind) {
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
      case 'findSeries':
        return this.#jobs(({ uniqueLock, name }) => {
          const isNamed = step.name === null || step.name === name;
          return isNamed && uniqueLock?.startsWith('series:') === true;
        })
          .map(([number, { name, uniqueLock }]) => `${name} ${uniqueLock} ${number}`)
          .sort();
      case 'listJobs':
        return this.#list(step);
      case 'setPaused':
        if (step.paused) this.#paused.add(step.name);
        else this.#paused.delete(step.name);
        return null;
      case 'readPaused':
        return [...this.#paused].sort();
      case 'readStats':
        return this.#stats();
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

  #store(number: number): unknown {
    const made = this.#made[number];
    if (made === undefined || this.#stored.has(number)) return ['enqueued', number];
    const job = newJob(made);
    const [holder] = this.#jobs(
      (other) =>
        other.name === job.name &&
        LOCKS.some((field) => job[field] !== undefined && job[field] === other[field]),
    );
    if (holder !== undefined) return ['existing', holder[0]];
    this.#stored.set(number, job);
    return ['enqueued', number];
  }

  #claim(step: StepOf<'claim'>): unknown {
    const token = `token-${this.#tokens}`;
    this.#tokens += 1;
    const won = this.#choose(step);
    for (const [number, job] of won) {
      const nowMs = this.#nowMs;
      Object.assign(job, { status: 'processing', token, instance: step.instance });
      Object.assign(job, { startedMs: nowMs, updatedMs: nowMs });
      delete job.startLock;
      job.fence += 1;
      this.#claims.push({ job: number, token, fence: job.fence, version: job.version });
    }
    return won.map(([number]) => number);
  }

  /** The overdue ones that were due first, then the most urgent of the others; told in the order of claims. */
  #choose({ name, limit, suspects, overdue }: StepOf<'claim'>): [number, JobView][] {
    const due = this.#jobs((job) => job.name === name && job.rescueCount >= 2 === suspects)
      .filter(([, job]) => job.status === 'pending' && job.dueMs <= this.#nowMs)
      .sort(([a, x], [b, y]) => x.dueMs - y.dueMs || a - b);
    const beforeMs = this.#nowMs - (overdue?.agoMs ?? 0);
    const first = due.filter(([, { dueMs }]) => dueMs <= beforeMs).slice(0, overdue?.most ?? 0);
    const byUrgency = ([, x]: [number, JobView], [, y]: [number, JobView]): number => {
      return x.priority - y.priority;
    };
    const others = due.filter((job) => !first.includes(job)).sort(byUrgency);
    const chosen = [...first, ...others.slice(0, (suspects ? 1 : limit) - first.length)];
    return due.filter((job) => chosen.includes(job)).sort(byUrgency);
  }

  #settle(claim: Claim, step: StepOf<'settle'>): string {
    const job = this.#stored.get(claim.job);
    if (job === undefined) return 'unknown';
    const { token } = claim;
    if (job.token === token) {
      const version = step.isReread ? job.version : claim.version;
      return settleJob(job, { step, version, nowMs: this.#nowMs });
    }
    if (job.lastToken === token) return 'settled';
    const isNext = job.fence === claim.fence + 1 && job.status === 'processing';
    return job.fence === claim.fence || isNext ? 'lost' : 'unknown';
  }

  #note({ claim, progress }: StepOf<'note'>): unknown {
    const picked = pick(this.#claims, claim);
    if (picked === undefined) return null;
    const job = this.#stored.get(picked.job);
    if (job?.token !== picked.token) return false;
    Object.assign(job, { progress, updatedMs: this.#nowMs });
    return true;
  }

  #checkpoint(step: StepOf<'checkpoint'>): unknown {
    const picked = pick(this.#claims, step.claim);
    if (picked === undefined) return null;
    const job = this.#stored.get(picked.job);
    if (job?.token !== picked.token) return ['lost', false, []];
    const outcome = recordStage(job, step, this.#nowMs);
    return [outcome, job.askedMs !== undefined, job.gates];
  }

  #openGate(job: JobView, gate: string): string {
    if (job.gates.includes(gate)) return 'open';
    if (job.finishedMs !== undefined) return 'refused';
    const verb = openGate(job, gate, this.#nowMs) ?? 'none';
    note(job, verb);
    return verb === 'unblock' ? 'unblocked' : 'opened';
  }

  #expireGates(): unknown {
    const counts = { failed: 0, pending: 0 };
    const overdue = this.#jobs(({ blockedUntilMs = Infinity }) => blockedUntilMs <= this.#nowMs);
    for (const [, job] of overdue) counts[expireGate(job, this.#nowMs)] += 1;
    return counts;
  }

  #redrive(job: JobView, step: StepOf<'redrive'>): unknown {
    if (job.status !== 'failed' && job.status !== 'cancelled') return 'refused';
    const lock = retakenLock(job);
    const [holder] = this.#jobs(
      (other) => lock !== undefined && other.name === job.name && other[lock.field] === lock.text,
    );
    if (holder !== undefined) return ['taken', holder[0]];
    redriveJob(job, lock, step, this.#nowMs);
    return 'redriven';
  }

  #amend(job: JobView, { delayMs, priority }: StepOf<'amend'>): string {
    if (job.status !== 'pending') return 'refused';
    if (delayMs !== null) job.dueMs = this.#nowMs + delayMs;
    if (priority !== null) job.priority = priority;
    job.fence += 1;
    job.updatedMs = this.#nowMs;
    note(job, 'amend');
    return 'amended';
  }

  #rescue({ instance, rescueLimit }: StepOf<'rescue'>): unknown {
    const counts = { pending: 0, failed: 0, cancelled: 0 };
    if (this.#leases.get(instance) === 'live') return { ...counts, refused: true };
    for (const [, job] of this.#claimed(instance)) {
      counts[rescueJob(job, rescueLimit, this.#nowMs)] += 1;
    }
    return { ...counts, refused: false };
  }

  #prune({ ageMs }: StepOf<'prune'>): number {
    const old = this.#jobs(({ finishedMs = Infinity, windowEndMs }) => {
      const isOver = windowEndMs === undefined || windowEndMs < this.#nowMs;
      return isOver && finishedMs <= this.#nowMs - ageMs;
    });
    for (const [number] of old) this.#stored.delete(number);
    return old.length;
  }

  #list({ orderBy, isDescending, status, skip, limit }: StepOf<'listJobs'>): unknown {
    const timeOf = (job: JobView): number => (orderBy === '_id' ? 0 : job[LISTED_BY[orderBy]]);
    const ascending = this.#jobs((job) => status === null || job.status === status).sort(
      ([a, x], [b, y]) => timeOf(x) - timeOf(y) || a - b,
    );
    const ordered = isDescending ? ascending.reverse() : ascending;
    return ordered.slice(skip, skip + limit).map(([number]) => number);
  }

  #stats(): unknown {
    const rows = new Map<string, [number, number]>();
    for (const [, { name, status, dueMs }] of this.#jobs(() => true)) {
      const [count, due] = rows.get(`${name} ${status}`) ?? [0, 0];
      const isDue = status === 'pending' && dueMs <= this.#nowMs;
      rows.set(`${name} ${status}`, [count + 1, due + (isDue ? 1 : 0)]);
    }
    return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #lease(step: Step): unknown {
    if (step.kind === 'readLeases') return [...this.#leases].sort();
    const { kind, instance } = step as StepOf<'declareDead'>;
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

function newJob({ spec, createdMs }: NewJob): JobView {
  const { name, priority, key, hold, delayMs, endsAfterMs } = spec;
  const isSeries = hold === 'series';
  const dueMs = createdMs + delayMs;
  return {
    status: 'pending',
    name,
    priority,
    dueMs,
    fence: 0,
    failCount: 0,
    rescueCount: 0,
    updatedMs: createdMs,
    history: [],
    stages: [],
    gates: [],
    repeats: isSeries,
    ...(isSeries && { version: 1, scheduledMs: dueMs }),
    ...(isSeries && endsAfterMs !== null && { seriesEndMs: createdMs + endsAfterMs }),
    ...(key !== null && { key, hold, ...newLock(key, hold) }),
    ...(key !== null && hold === 'window' && { windowEndMs: createdMs + WINDOW_MS }),
  };
}

function newLock(key: string, hold: JobSpec['hold']): Partial<JobView> {
  if (hold === 'started') return { startLock: `key:${key}` };
  if (hold === 'window') return { windowLock: `window:${key}` };
  return { uniqueLock: `${hold === 'series' ? 'series' : 'key'}:${key}` };
}
