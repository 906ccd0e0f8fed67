/**
 * What must never happen, judged from outside: it sees every write, every start and end of a run and
 * every answer given to a caller, and takes no part in the protocol.
 */
import type { ModelJob, ModelLedger, SettleVerb, Status, Verb } from './model-ledger.ts';
import { LIMITS, TIMES } from './model-settings.ts';
import type { VirtualProcess, VirtualScheduler } from './virtual-scheduler.ts';

export type Rule =
  | 'an acknowledged enqueue is lost'
  | 'an enqueue makes two jobs'
  | 'a transition is illegal'
  | 'a write lands on another claim'
  | 'a job is claimed before its time'
  | 'two jobs hold one lock'
  | 'a rescue takes from the living'
  | 'a living lease is declared dead'
  | 'an asked-for cancel is forgotten'
  | 'a dead lease still works'
  | 'a job runs twice at once'
  | 'finished work is run again'
  | 'a job of the dead stays processing'
  | 'a run is reported wrongly'
  | 'a job never ends';

export interface Violation {
  readonly at: number;
  readonly rule: Rule;
  readonly detail: string;
}

interface JobWrite {
  readonly verb: Verb;
  readonly before: ModelJob | undefined;
  readonly after: ModelJob;
  readonly token: string | undefined;
}

/** One run of a handler, as the outside sees it. */
export interface Run {
  readonly jobId: string;
  readonly token: string;
  readonly leaseId: string;
  readonly process: VirtualProcess;
  outcome: SettleVerb | undefined;
}

/** Written down a second time on purpose: the ledger's guards are what it is held against. */
const LEGAL: Record<Verb, { readonly from: readonly (Status | 'new')[]; to: readonly Status[] }> = {
  enqueue: { from: ['new'], to: ['pending'] },
  claim: { from: ['pending'], to: ['processing'] },
  complete: { from: ['processing'], to: ['completed'] },
  retry: { from: ['processing'], to: ['pending'] },
  release: { from: ['processing'], to: ['pending'] },
  fail: { from: ['processing'], to: ['failed'] },
  cancelled: { from: ['processing'], to: ['cancelled'] },
  rescue: { from: ['processing'], to: ['pending', 'cancelled', 'failed'] },
  cancel: { from: ['pending'], to: ['cancelled'] },
  askCancel: { from: ['processing'], to: ['processing'] },
  redrive: { from: ['failed', 'cancelled'], to: ['pending'] },
};

const SETTLE_VERBS = new Set<Verb>(['complete', 'retry', 'release', 'fail', 'cancelled']);

/** One lease, its margin, a rescue round on each side, and the operations of both. */
const RESCUE_BOUND_MS =
  (TIMES.leaseMs + TIMES.leaseMarginMs) * 1.01 +
  TIMES.rescueEveryMs * 2 +
  TIMES.operationUsualMs * 14;

export class Invariants {
  readonly violations: Violation[] = [];
  readonly trace: string[] = [];
  readonly processes: VirtualProcess[] = [];
  readonly writes: Partial<Record<Verb, number>> = {};
  readonly #scheduler: VirtualScheduler;
  readonly #runs: Run[] = [];
  readonly #acknowledged: string[] = [];
  readonly #leaseOwner = new Map<string, VirtualProcess>();
  readonly #leaseRenewedAt = new Map<string, number>();
  readonly #leaseDiedAt = new Map<string, number>();
  readonly #troubledUntil = new Map<string, number>();
  readonly #processing = new Map<string, { job: ModelJob; since: number }>();
  readonly #tokensOfJob = new Map<string, Set<string>>();
  readonly #settles = new Map<string, number>();
  readonly #jobs = new Map<string, ModelJob>();
  readonly #answeredWithHolder = new Set<string>();
  #disturbedAt = 0;

  constructor(scheduler: VirtualScheduler) {
    this.#scheduler = scheduler;
  }

  note(actor: string, text: string): void {
    this.trace.push(`${this.#scheduler.now} ${actor} ${text}`);
  }

  /**
   * Until then something went wrong: that excuses a late rescue. With a process, it was that
   * process's own trouble, which excuses that its lease is declared dead; an outage for all does not.
   */
  disturbed(until: number, process?: string): void {
    this.#disturbedAt = Math.max(this.#disturbedAt, until);
    if (process === undefined) return;
    this.#troubledUntil.set(process, Math.max(until, this.#troubledUntil.get(process) ?? 0));
  }

  // What the ledger did.

  jobWritten(write: JobWrite): void {
    const { verb, before, after } = write;
    this.writes[verb] = (this.writes[verb] ?? 0) + 1;
    const change = `${verb} ${after.id}: ${before?.status ?? 'new'} -> ${after.status}`;
    this.note('ledger', `${change} token=${write.token ?? '-'} fence=${after.fence}`);
    const legal = LEGAL[verb];
    if (!legal.from.includes(before?.status ?? 'new') || !legal.to.includes(after.status)) {
      this.#violate('a transition is illegal', change);
    }
    this.#checkFields(write, change);
    this.#checkVerb(write, change);
    if (after.uniqueLock !== undefined) this.#checkLock(after);
    this.#jobs.set(after.id, after);
    if (after.status !== 'processing') this.#processing.delete(after.id);
    else if (verb === 'claim') {
      this.#processing.set(after.id, { job: after, since: this.#scheduler.now });
    }
  }

  leaseRenewed(id: string): void {
    this.#leaseRenewedAt.set(id, this.#scheduler.now);
  }

  leaseMarkedDead(id: string): void {
    this.note('ledger', `lease ${id} is dead`);
    const unchangedMs = this.#scheduler.now - (this.#leaseRenewedAt.get(id) ?? 0);
    if (unchangedMs < TIMES.leaseMs) {
      this.#violate('a living lease is declared dead', `${id} was renewed ${unchangedMs} ms ago`);
    }
    const owner = this.#leaseOwner.get(id);
    const wellMs = this.#scheduler.now - (this.#troubledUntil.get(owner?.name ?? '') ?? 0);
    if (owner?.isAlive === true && wellMs > unchangedMs + TIMES.renewEveryMs) {
      this.#violate('a living lease is declared dead', `${id} had no trouble of its own`);
    }
    this.#leaseDiedAt.set(id, this.#scheduler.now);
  }

  // What the instances did.

  leaseTaken(id: string, process: VirtualProcess): void {
    this.#leaseOwner.set(id, process);
  }

  claimSent(leaseId: string): void {
    if (this.#leaseDiedAt.has(leaseId)) {
      this.#violate('a dead lease still works', `${leaseId} sends a claim`);
    }
  }

  runStarted(run: Run): void {
    this.note(run.process.name, `runs ${run.jobId} token=${run.token}`);
    if (this.#leaseDiedAt.has(run.leaseId)) {
      this.#violate('a dead lease still works', `${run.leaseId} starts ${run.jobId}`);
    }
    for (const other of this.#runs) {
      if (other.jobId !== run.jobId || !this.#isStanding(other)) continue;
      const detail = `${run.jobId} by ${run.token}, before by ${other.token}`;
      if (other.outcome === undefined) this.#violate('a job runs twice at once', detail);
      if (other.outcome === 'complete') this.#violate('finished work is run again', detail);
    }
    this.#runs.push(run);
  }

  runEnded(run: Run, outcome: SettleVerb): void {
    run.outcome = outcome;
    this.note(run.process.name, `ends ${run.jobId} token=${run.token} as ${outcome}`);
  }

  /** What a settler believes became of a claim, against what the ledger wrote. */
  claimReported(process: VirtualProcess, jobId: string, token: string, belief: string): void {
    this.note(process.name, `reports ${jobId} token=${token} ${belief}`);
    const isSettled = this.#settles.has(`${jobId} ${token}`);
    if ((belief === 'done' && !isSettled) || (belief === 'lost' && isSettled)) {
      this.#violate('a run is reported wrongly', `${jobId} by ${token} is said to be ${belief}`);
    }
  }

  enqueueAcknowledged(jobId: string): void {
    this.#acknowledged.push(jobId);
  }

  /** The caller got another job that holds the key, so its own must not exist. */
  enqueueAnsweredWithHolder(jobId: string): void {
    this.#answeredWithHolder.add(jobId);
  }

  /**
   * Not a violation but a known limit: an insert whose outcome was unknown travels on, a resend finds
   * the key taken and answers with its holder, and the first insert lands once the key is free.
   */
  get unannouncedJobs(): number {
    return [...this.#answeredWithHolder].filter((id) => this.#jobs.has(id)).length;
  }

  get runs(): number {
    return this.#runs.length;
  }

  // After every step, and at the end.

  checkStep(): void {
    const now = this.#scheduler.now;
    if (now - this.#disturbedAt <= RESCUE_BOUND_MS) return;
    const observers = this.processes.filter((process) => process.isAlive);
    const observedFrom = Math.min(...observers.map((process) => process.startedAt));
    for (const { job, since } of this.#processing.values()) {
      const diedAt = this.#diedAt(job.claimedBy ?? '');
      if (diedAt === undefined) continue;
      const stuckMs = now - Math.max(diedAt, since, observedFrom, this.#disturbedAt);
      if (stuckMs <= RESCUE_BOUND_MS) continue;
      this.#violate('a job of the dead stays processing', `${job.id} of ${job.claimedBy}`);
      this.#processing.delete(job.id);
    }
  }

  checkEnd(ledger: ModelLedger): void {
    for (const id of this.#acknowledged) {
      if (!ledger.jobs.has(id)) this.#violate('an acknowledged enqueue is lost', id);
    }
    const calls = new Set<string>();
    for (const job of ledger.jobs.values()) {
      const call = job.id.split('/')[0] ?? '';
      if (calls.has(call)) this.#violate('an enqueue makes two jobs', call);
      calls.add(call);
      if (job.status !== 'pending' && job.status !== 'processing') continue;
      this.#violate('a job never ends', `${job.id} is ${job.status}`);
    }
    for (const run of this.#runs) {
      if (run.outcome !== 'complete' || !this.#isStanding(run)) continue;
      const count = this.#settles.get(`${run.jobId} ${run.token}`) ?? 0;
      if (count === 1) continue;
      this.#violate('finished work is run again', `${run.jobId} was completed ${count} times`);
    }
  }

  #checkFields({ verb, before, after }: JobWrite, change: string): void {
    const fence = (before?.fence ?? 0) + (verb === 'claim' ? 1 : 0);
    if (after.fence !== fence) this.#violate('a transition is illegal', `${change} fence`);
    const isClaimed = after.claimToken !== undefined && after.claimedBy !== undefined;
    if (isClaimed !== (after.status === 'processing')) {
      this.#violate('a transition is illegal', `${change} and its claim fields disagree`);
    }
    if (after.rescueCount > LIMITS.rescueLimit || after.failCount > LIMITS.maxRetries) {
      this.#violate('a transition is illegal', `${change} beyond a limit`);
    }
    const isForgotten = before?.isCancelAsked === true && after.status === 'pending';
    if (isForgotten && verb !== 'redrive') {
      this.#violate('an asked-for cancel is forgotten', change);
    }
  }

  #checkVerb({ verb, before, after, token = '' }: JobWrite, change: string): void {
    if (verb === 'claim') {
      if ((before?.nextRunAt ?? 0) > this.#scheduler.now + TIMES.clockSkewMs) {
        this.#violate('a job is claimed before its time', change);
      }
      const tokens = this.#tokensOfJob.get(after.id) ?? new Set();
      if (tokens.has(token)) this.#violate('a write lands on another claim', `${change} again`);
      this.#tokensOfJob.set(after.id, tokens.add(token));
    }
    if (verb === 'rescue' && this.#diedAt(before?.claimedBy ?? '', true) === undefined) {
      this.#violate('a rescue takes from the living', `${change} of ${before?.claimedBy}`);
    }
    if (SETTLE_VERBS.has(verb)) {
      const key = `${after.id} ${token}`;
      this.#settles.set(key, (this.#settles.get(key) ?? 0) + 1);
      if (before?.claimToken !== token) this.#violate('a write lands on another claim', change);
    }
  }

  #checkLock(after: ModelJob): void {
    for (const job of this.#jobs.values()) {
      if (job.id === after.id || job.uniqueLock !== after.uniqueLock) continue;
      this.#violate('two jobs hold one lock', `${job.id} and ${after.id}: ${after.uniqueLock}`);
    }
  }

  #isStanding(run: Run): boolean {
    return run.process.isAlive && !this.#leaseDiedAt.has(run.leaseId);
  }

  #diedAt(leaseId: string, isMarked = false): number | undefined {
    const markedAt = this.#leaseDiedAt.get(leaseId);
    return isMarked ? markedAt : (markedAt ?? this.#leaseOwner.get(leaseId)?.diedAt);
  }

  #violate(rule: Rule, detail: string): void {
    this.note('VIOLATION', `${rule}: ${detail}`);
    this.violations.push({ at: this.#scheduler.now, rule, detail });
  }
}
