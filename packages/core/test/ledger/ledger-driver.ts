/** What takes steps on a real ledger, and answers in the words of the model. */
import { type Clock, systemClock } from '../../src/foundation/clock.ts';
import type { Job } from '../../src/job/job.ts';
import type { EnqueueAnswer, LedgerRepository } from '../../src/ledger/ledger-repository.ts';
import { makeJob, SeededRandom } from '../../src/testing/index.ts';
import { START_MS, view } from './job-view.ts';
import { WINDOW_MS } from './model.ts';
import {
  EVIDENCE,
  type Hold,
  type JobSpec,
  pick,
  pickClaims,
  STAGED_VERBS,
  STAGES,
  type Step,
  type StepOf,
} from './model-step.ts';

const LIMIT = 1000;

/** Runs each full second; what passed meanwhile is passed over. */
const PLAN = { repeatInterval: '* * * * * *', missed: 'skip' } as const;

interface KnownClaim {
  readonly job: number;
  readonly claimed: Job;
}

/** Makes a ledger that goes by a clock. */
export type MakeLedger = (clock: Clock) => Promise<LedgerRepository>;

/** For so long a ledger may remember which priorities have overdue jobs; the model looks at all each time. */
const REMEMBERED_MS = 2_001;

/** The system's time, parts of which are skipped. */
class SkippingClock implements Clock {
  #skippedMs = 0;
  readonly now = systemClock.now;
  readonly setTimer = systemClock.setTimer;
  readonly setImmediate = systemClock.setImmediate;

  skip(ms: number): void {
    this.#skippedMs += ms;
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#skippedMs;
  }
}

/** Takes steps on a ledger. The jobs of two drivers have the same ids. */
export class LedgerDriver {
  readonly #ledger: LedgerRepository;
  readonly #clock: SkippingClock;
  readonly #random = new SeededRandom(1);
  readonly #jobs: Job[] = [];
  readonly #claims: KnownClaim[] = [];
  #nowMs = START_MS;
  #tokens = 0;

  /** @param makeLedger - given the clock by which the ledger forgets what it remembered of the claim before */
  static async on(makeLedger: MakeLedger): Promise<LedgerDriver> {
    const clock = new SkippingClock();
    return new LedgerDriver(await makeLedger(clock), clock);
  }

  private constructor(ledger: LedgerRepository, clock: SkippingClock) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  /** How the ledger shows every job that was ever made. */
  async everyJob(): Promise<readonly unknown[]> {
    return Promise.all(this.#jobs.map((_, job) => this.answer({ kind: 'getJob', job })));
  }

  /** Every job that was ever made with all of its fields; null for one that is gone. */
  async everyStoredJob(): Promise<readonly unknown[]> {
    return Promise.all(this.#jobs.map(({ _id }) => this.#ledger.getJob({ jobId: _id })));
  }

  async answer(step: Step): Promise<unknown> {
    switch (step.kind) {
      case 'tick':
        this.#nowMs += step.ms;
        return null;
      case 'enqueue':
        return this.#enqueue(step.jobs.map((spec) => this.#make(spec)));
      case 'claim':
        return this.#claim(step);
      case 'settle':
        return this.#settle(step);
      case 'note':
        return this.#note(step);
      case 'checkpoint':
        return this.#checkpoint(step);
      case 'expireGates':
        return this.#ledger.expireGates({ now: this.#now(), limit: LIMIT });
      case 'rescue': {
        const { instance: deadInstanceId, rescueLimit } = step;
        const params = { deadInstanceId, rescueLimit, now: this.#now(), limit: LIMIT };
        const { more: _, ...result } = await this.#ledger.rescue(params);
        return result;
      }
      case 'prune':
        return this.#prune(step);
      case 'resend':
      case 'cancel':
      case 'remove':
      case 'getJob':
      case 'redrive':
      case 'amend':
      case 'replan':
      case 'endSeries':
      case 'openGate': {
        const job = pick(this.#jobs, step.job);
        return job === undefined ? null : this.#onJob(step, job);
      }
      default:
        return this.#read(step);
    }
  }

  #now(): Date {
    return new Date(this.#nowMs);
  }

  #in(ms: number): Date {
    return new Date(this.#nowMs + ms);
  }

  #numberOf(id: Job['_id']): number {
    return this.#jobs.findIndex((job) => job._id.equals(id));
  }

  async #onJob(step: Step, job: Job): Promise<unknown> {
    const ledger = this.#ledger;
    const params = { jobId: job._id, now: this.#now() };
    switch (step.kind) {
      case 'resend':
        return (await this.#enqueue([job]))[0];
      case 'cancel':
        return (await ledger.cancel(params)).outcome;
      case 'remove':
        return (await ledger.remove(params)).outcome;
      case 'redrive': {
        const nextRunAt = this.#in(step.delayMs);
        const { outcome, holder } = await ledger.redrive({ ...params, nextRunAt });
        return holder === undefined ? outcome : [outcome, this.#numberOf(holder._id)];
      }
      case 'amend': {
        const changes = {
          ...(step.delayMs !== null && { nextRunAt: this.#in(step.delayMs) }),
          ...(step.priority !== null && { priority: step.priority }),
        };
        return (await ledger.amend({ ...params, changes })).outcome;
      }
      case 'openGate': {
        const record = { name: step.gate, at: this.#now(), evidence: EVIDENCE };
        return (await ledger.openGate({ ...params, record })).outcome;
      }
      case 'replan':
        return this.#replan(step, params);
      case 'endSeries': {
        const seriesVersion = await this.#versionOf(job._id, step.isStale);
        return (await ledger.endSeries({ ...params, seriesVersion })).outcome;
      }
      default: {
        const stored = await ledger.getJob(params);
        return stored === null ? 'missing' : view(stored);
      }
    }
  }

  async #replan(
    { isStale, delayMs, endsAfterMs }: StepOf<'replan'>,
    params: { readonly jobId: Job['_id']; readonly now: Date },
  ): Promise<string> {
    const seriesVersion = await this.#versionOf(params.jobId, isStale);
    const { outcome } = await this.#ledger.replan({
      ...params,
      seriesVersion,
      series: { ...PLAN, ...(endsAfterMs !== null && { endAt: this.#in(endsAfterMs) }) },
      ...(delayMs !== null && {
        nextRun: { scheduledFor: this.#in(delayMs), nextRunAt: this.#in(delayMs) },
      }),
    });
    return outcome;
  }

  /** The version of a series as it is stored; another one where there is none, or where it is to be stale. */
  async #versionOf(jobId: Job['_id'], isStale: boolean): Promise<number> {
    const stored = await this.#ledger.getJob({ jobId });
    return isStale ? 999 : (stored?.seriesVersion ?? 999);
  }

  #make({ name, priority, delayMs, key, hold, endsAfterMs }: JobSpec): Job {
    const dueAt = this.#in(delayMs);
    const isSeries = hold === 'series';
    const job = makeJob({
      _id: this.#random.objectId(this.#nowMs),
      name,
      priority,
      createdAt: this.#now(),
      nextRunAt: dueAt,
      ...(isSeries && { ...PLAN, seriesVersion: 1, scheduledFor: dueAt }),
      ...(isSeries && endsAfterMs !== null && { endAt: this.#in(endsAfterMs) }),
      ...(key !== null && this.#lockFields(key, hold)),
    });
    this.#jobs.push(job);
    return job;
  }

  #lockFields(uniqueKey: string, hold: Hold): Partial<Job> {
    switch (hold) {
      case 'done':
        return { uniqueKey, uniqueLock: `key:${uniqueKey}` };
      case 'series':
        return { uniqueKey, uniqueLock: `series:${uniqueKey}` };
      case 'started':
        return { uniqueKey, uniqueHold: 'untilStarted', startLock: `key:${uniqueKey}` };
      case 'window': {
        const windowUntil = this.#in(WINDOW_MS);
        return { uniqueKey, uniqueHold: hold, windowLock: `window:${uniqueKey}`, windowUntil };
      }
    }
  }

  async #enqueue(jobs: readonly Job[]): Promise<unknown[]> {
    const { answers } = await this.#ledger.enqueue({ jobs });
    return answers.map((answer) => [answer.outcome, this.#numberOf(jobOf(answer)._id)]);
  }

  async #claim(step: StepOf<'claim'>): Promise<unknown> {
    const claimToken = `token-${this.#tokens}`;
    this.#tokens += 1;
    this.#clock.skip(REMEMBERED_MS);
    const { name, limit, overdue } = step;
    const before = new Date(this.#nowMs - (overdue?.agoMs ?? 0));
    const { jobs } = await this.#ledger.claim({
      demand: [{ name, limit, ...(overdue && { overdue: { before, limit: overdue.most } }) }],
      instanceId: step.instance,
      claimToken,
      now: this.#now(),
      suspects: step.suspects,
      widening: 1,
    });
    for (const claimed of jobs) this.#claims.push({ job: this.#numberOf(claimed._id), claimed });
    return jobs.map((job) => this.#numberOf(job._id));
  }

  async #settle(step: StepOf<'settle'>): Promise<unknown> {
    const picked = pickClaims(this.#claims, step.claims);
    const settlements = await Promise.all(
      picked.map(async ({ claimed }) => {
        const stored = step.isReread ? await this.#ledger.getJob({ jobId: claimed._id }) : claimed;
        const seriesVersion = stored?.seriesVersion;
        const nextRunAt = this.#in(step.delayMs);
        const isNextRun = step.verb === 'repeat' || step.verb === 'repeatAfterFailure';
        return {
          verb: step.verb,
          jobId: claimed._id,
          claimToken: claimed.claimToken ?? 'none',
          fence: claimed.fence,
          nextRunAt,
          failReason: 'Boom',
          lastFailCount: step.lastFailCount,
          ...(isNextRun && { scheduledFor: nextRunAt }),
          ...(step.result !== null && { result: step.result }),
          ...(step.progress !== null && { progress: step.progress, logLines: ['a line'] }),
          ...(seriesVersion !== undefined && { seriesVersion }),
          ...(STAGED_VERBS.includes(step.verb) &&
            step.stagesBefore !== null && { stagesBefore: STAGES.slice(0, step.stagesBefore) }),
          ...(step.verb === 'block' && { gate: step.gate }),
          ...(step.waitMs !== null && { blockedUntil: this.#in(step.waitMs) }),
          record: { by: 'somebody', duration: 3 },
        };
      }),
    );
    return (await this.#ledger.settle({ settlements, now: this.#now() })).answers;
  }

  async #note({ claim, progress }: StepOf<'note'>): Promise<unknown> {
    const { claimed } = pick(this.#claims, claim) ?? {};
    if (claimed === undefined) return null;
    const { _id: jobId, claimToken = 'none' } = claimed;
    return this.#ledger.note({ jobId, claimToken, progress, now: this.#now() });
  }

  async #checkpoint({ claim, stage, before, gates }: StepOf<'checkpoint'>): Promise<unknown> {
    const { claimed } = pick(this.#claims, claim) ?? {};
    if (claimed === undefined) return null;
    const { _id: jobId, claimToken = 'none' } = claimed;
    const result = await this.#ledger.checkpoint({
      jobId,
      claimToken,
      record: { name: STAGES[stage] ?? 'none', at: this.#now(), result: { stage } },
      stagesBefore: STAGES.slice(0, Math.min(before, stage)),
      gatesBefore: gates,
      now: this.#now(),
    });
    return [result.outcome, result.isCancelRequested, result.openGates];
  }

  async #prune({ ageMs }: StepOf<'prune'>): Promise<number> {
    const before = this.#in(-ageMs);
    const { pruned } = await this.#ledger.prune({
      finishedBefore: { completed: before, failed: before, cancelled: before },
      createdBefore: this.#in(2000),
      limit: LIMIT,
      archive: false,
      now: this.#now(),
    });
    return pruned;
  }

  async #read(step: Step): Promise<unknown> {
    const ledger = this.#ledger;
    switch (step.kind) {
      case 'nextDue': {
        const until = this.#in(step.withinMs);
        const due = await ledger.nextDue({ names: [step.name], after: this.#now(), until });
        return due === null ? null : due.getTime() - START_MS;
      }
      case 'findClaimants':
        return [...(await ledger.findClaimants({ except: [step.except] }))].sort();
      case 'readClaims': {
        const claims = await ledger.readClaims({ instanceId: step.instance, limit: LIMIT });
        return claims
          .map(({ jobId, claimToken, fence }) => [this.#numberOf(jobId), claimToken, fence])
          .sort(([a], [b]) => Number(a) - Number(b));
      }
      case 'findSeries': {
        const name = step.name === null ? {} : { name: step.name };
        const jobs = await ledger.findSeries({ ...name, limit: LIMIT });
        return jobs.map((job) => `${job.name} ${job.uniqueLock} ${this.#numberOf(job._id)}`);
      }
      case 'listJobs':
        return this.#list(step);
      case 'setPaused':
        await ledger.setPaused({ name: step.name, paused: step.paused, now: this.#now() });
        return null;
      case 'readPaused':
        return (await ledger.readPaused()).map(({ name }) => name).sort();
      case 'readStats': {
        const rows = await ledger.readStats({ now: this.#now() });
        return rows.map(({ name, status, count, due }) => [`${name} ${status}`, [count, due]]);
      }
      default:
        return this.#lease(step);
    }
  }

  async #list(step: StepOf<'listJobs'>): Promise<unknown> {
    const { orderBy, isDescending, status, skip, limit } = step;
    const jobs = await this.#ledger.findJobs({
      filter: status === null ? {} : { statuses: [status] },
      orderBy,
      direction: isDescending ? 'descending' : 'ascending',
      skip,
      limit,
    });
    return jobs.map((job) => this.#numberOf(job._id));
  }

  async #lease(step: Step): Promise<unknown> {
    const ledger = this.#ledger;
    const leases = await ledger.readLeases();
    if (step.kind === 'readLeases') {
      return leases.map(({ instanceId, status }) => [instanceId, status]).sort();
    }
    const { kind: leaseVerb, instance: instanceId } = step as StepOf<'openLease'>;
    const counter = leases.find((lease) => lease.instanceId === instanceId)?.counter ?? 0;
    if (step.kind === 'declareDead') {
      return ledger.declareDead({ instanceId, counter: step.isStale ? counter - 1 : counter });
    }
    if (leaseVerb === 'openLease') await ledger.openLease({ instanceId, leaseDurationMs: 30_000 });
    else if (leaseVerb === 'endLease') await ledger.endLease({ instanceId });
    else if (leaseVerb === 'removeLease') await ledger.removeLease({ instanceId });
    return leaseVerb === 'renewLease' ? ledger.renewLease({ instanceId }) : null;
  }
}

function jobOf(answer: EnqueueAnswer): Job {
  if (answer.outcome === 'refused') throw answer.error;
  return answer.job;
}
