/** Random steps, and what takes them on a real ledger in the words of the model. */
import fc from 'fast-check';
import type { Job } from '../../src/job.ts';
import type { EnqueueAnswer, LedgerRepository } from '../../src/ledger/ledger-repository.ts';
import { makeJob, SeededRandom } from '../../src/testing/index.ts';
import { type JobView, pick, pickClaims, type Step } from './model.ts';

const START_MS = Date.UTC(2025, 0, 1);
const LIMIT = 1000;

const number = fc.nat(1000);
const instance = fc.constantFrom('a', 'a', 'b');
const name = fc.constantFrom('mail', 'mail', 'mail', 'report');
const spec = fc.record({
  name,
  priority: fc.constantFrom(-1, 0, 0, 0, 7),
  delayMs: fc.constantFrom(-1000, 0, 0, 0, 500, 3000),
  lock: fc.constantFrom(null, null, null, 'x', 'y'),
});
const verb = fc.constantFrom('complete', 'retry', 'retry', 'fail', 'cancelled', 'release');

function kind<const K extends Step['kind']>(value: K): fc.Arbitrary<K> {
  return fc.constant(value);
}

const settle = fc.record({
  kind: kind('settle'),
  claims: fc.array(number, { minLength: 1, maxLength: 4 }),
  verb: verb as fc.Arbitrary<Extract<Step, { kind: 'settle' }>['verb']>,
  lastFailCount: fc.nat(2),
  delayMs: fc.constantFrom(0, 0, 2000),
});

const claim = fc.record({
  kind: kind('claim'),
  instance,
  name,
  limit: fc.integer({ min: 1, max: 4 }),
  suspects: fc.constantFrom(false, false, true),
});

/** Any step; those that move jobs come more often. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({ kind: kind('enqueue'), jobs: fc.array(spec, { maxLength: 4 }) }),
    weight: 5,
  },
  { arbitrary: claim, weight: 7 },
  { arbitrary: settle, weight: 6 },
  { arbitrary: fc.record({ kind: kind('tick'), ms: fc.constantFrom(1, 400, 3000) }), weight: 3 },
  {
    arbitrary: fc.record({
      kind: kind('rescue'),
      instance,
      rescueLimit: fc.constantFrom(1, 2, 4, 4, 4),
    }),
    weight: 5,
  },
  {
    arbitrary: fc.record({
      kind: fc.constantFrom('resend', 'cancel', 'cancel', 'remove', 'getJob'),
      job: number,
    }),
    weight: 5,
  },
  {
    arbitrary: fc.record({
      kind: fc.constantFrom('openLease', 'renewLease', 'endLease', 'removeLease', 'readClaims'),
      instance,
    }),
    weight: 3,
  },
  fc.record({ kind: kind('declareDead'), instance, isStale: fc.boolean() }),
  fc.record({ kind: kind('nextDue'), name, withinMs: fc.constantFrom(0, 1000, 10_000) }),
  fc.record({ kind: kind('findClaimants'), except: instance }),
  fc.record({ kind: kind('readLeases') }),
);

interface KnownClaim {
  readonly job: number;
  readonly claimed: Job;
}

/** Takes steps on a ledger. The jobs of two drivers have the same ids. */
export class LedgerDriver {
  readonly #ledger: LedgerRepository;
  readonly #random = new SeededRandom(1);
  readonly #jobs: Job[] = [];
  readonly #claims: KnownClaim[] = [];
  #nowMs = START_MS;
  #tokens = 0;

  constructor(ledger: LedgerRepository) {
    this.#ledger = ledger;
  }

  /** How the ledger shows every job that was ever made. */
  async everyJob(): Promise<readonly unknown[]> {
    return Promise.all(this.#jobs.map((_, job) => this.answer({ kind: 'getJob', job })));
  }

  async answer(step: Step): Promise<unknown> {
    const ledger = this.#ledger;
    switch (step.kind) {
      case 'tick':
        this.#nowMs += step.ms;
        return null;
      case 'enqueue':
        return this.#enqueue(step.jobs.map((jobSpec) => this.#make(jobSpec)));
      case 'resend':
        return this.#onJob(step.job, async (job) => (await this.#enqueue([job]))[0]);
      case 'claim':
        return this.#claim(step);
      case 'settle':
        return this.#settle(step);
      case 'cancel':
        return this.#onJob(step.job, async ({ _id }) => {
          const { outcome } = await ledger.cancel({ jobId: _id, now: this.#now() });
          return outcome;
        });
      case 'remove':
        return this.#onJob(step.job, async ({ _id }) => {
          const { outcome } = await ledger.remove({ jobId: _id });
          return outcome;
        });
      case 'getJob':
        return this.#onJob(step.job, async ({ _id }) => {
          const stored = await ledger.getJob({ jobId: _id });
          return stored === null ? 'missing' : view(stored);
        });
      case 'rescue': {
        const { instance: deadInstanceId, rescueLimit } = step;
        const params = { deadInstanceId, rescueLimit, now: this.#now(), limit: LIMIT };
        const { more: _, ...result } = await ledger.rescue(params);
        return result;
      }
      case 'nextDue': {
        const until = new Date(this.#nowMs + step.withinMs);
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
      default:
        return this.#lease(step);
    }
  }

  #now(): Date {
    return new Date(this.#nowMs);
  }

  #make({
    name,
    priority,
    delayMs,
    lock,
  }: Extract<Step, { kind: 'enqueue' }>['jobs'][number]): Job {
    const job = makeJob({
      _id: this.#random.objectId(this.#nowMs),
      name,
      priority,
      createdAt: this.#now(),
      nextRunAt: new Date(this.#nowMs + delayMs),
      ...(lock !== null && { uniqueLock: lock }),
    });
    this.#jobs.push(job);
    return job;
  }

  async #enqueue(jobs: readonly Job[]): Promise<unknown[]> {
    const { answers } = await this.#ledger.enqueue({ jobs });
    return answers.map((answer) => [answer.outcome, this.#numberOf(jobOf(answer)._id)]);
  }

  #numberOf(id: Job['_id']): number {
    return this.#jobs.findIndex((job) => job._id.equals(id));
  }

  async #onJob<T>(jobNumber: number, act: (job: Job) => Promise<T>): Promise<T | null> {
    const job = pick(this.#jobs, jobNumber);
    return job === undefined ? null : act(job);
  }

  async #claim(step: Extract<Step, { kind: 'claim' }>): Promise<unknown> {
    const claimToken = `token-${this.#tokens}`;
    this.#tokens += 1;
    const { jobs } = await this.#ledger.claim({
      demand: [{ name: step.name, limit: step.limit }],
      instanceId: step.instance,
      claimToken,
      now: this.#now(),
      suspects: step.suspects,
      widening: 1,
    });
    for (const claimed of jobs) this.#claims.push({ job: this.#numberOf(claimed._id), claimed });
    return jobs.map((job) => this.#numberOf(job._id));
  }

  async #settle(step: Extract<Step, { kind: 'settle' }>): Promise<unknown> {
    const settlements = pickClaims(this.#claims, step.claims).map(({ claimed }) => ({
      verb: step.verb,
      jobId: claimed._id,
      claimToken: claimed.claimToken ?? 'none',
      fence: claimed.fence,
      nextRunAt: new Date(this.#nowMs + step.delayMs),
      failReason: 'Boom',
      lastFailCount: step.lastFailCount,
    }));
    return (await this.#ledger.settle({ settlements, now: this.#now() })).answers;
  }

  async #lease(step: Step): Promise<unknown> {
    const ledger = this.#ledger;
    const leases = await ledger.readLeases();
    if (step.kind === 'readLeases') {
      return leases.map(({ instanceId, status }) => [instanceId, status]).sort();
    }
    const { kind: leaseVerb, instance: instanceId } = step as Extract<Step, { kind: 'openLease' }>;
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

function view(job: Job): JobView {
  const ms = (time: Date): number => time.getTime() - START_MS;
  return {
    status: job.status,
    name: job.name,
    priority: job.priority,
    dueMs: ms(job.nextRunAt),
    fence: job.fence,
    failCount: job.failCount,
    rescueCount: job.rescueCount ?? 0,
    updatedMs: ms(job.updatedAt),
    ...(job.claimToken !== undefined && { token: job.claimToken }),
    ...(job.claimedBy !== undefined && { instance: job.claimedBy }),
    ...(job.lastToken !== undefined && { lastToken: job.lastToken }),
    ...(job.cancelRequestedAt !== undefined && { askedMs: ms(job.cancelRequestedAt) }),
    ...(job.finishedAt !== undefined && { finishedMs: ms(job.finishedAt) }),
    ...(job.uniqueLock !== undefined && { lock: job.uniqueLock }),
  };
}
