/**
 * The ledger under test, with the steps that the tests of the contract are made of.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Clock } from '../../foundation/clock.ts';
import { systemRandom } from '../../foundation/random.ts';
import type { Job, JobStatus } from '../../job/job.ts';
import type {
  CancelResult,
  ClaimParams,
  ClaimResult,
  EnqueueAnswer,
  InstanceInfo,
  LeaseRecord,
  LedgerRepository,
  PruneParams,
  PruneResult,
  RescueParams,
  RescueResult,
  WorkerInfo,
} from '../../ledger/ledger-repository.ts';
import type { SettleAnswer, Settlement, SettleVerb } from '../../ledger/verbs/settle.ts';
import { makeJob } from '../job-factory.ts';

/** One test of the contract. */
export interface ContractTest {
  (subject: Subject): Promise<void>;
  /** True for a test of jobs that another tool left in the ledger; skipped where no other tool can write. */
  readonly needsForeignJobs?: boolean;
}

/** Tests by their names, which are sentences. */
export type ContractTests = Readonly<Record<string, ContractTest>>;

/** The instance that claims when a test names none. */
export const INSTANCE = 'instance-a';

/** Another instance. */
export const OTHER_INSTANCE = 'instance-b';

/** The name of the jobs of a test that names none. */
export const JOB_NAME = 'contract-job';

/** The parts of a claim that a test cares about. */
export type ClaimChoice = Partial<Omit<ClaimParams, 'demand'>> & {
  readonly limit?: number;
  readonly name?: string;
};

/** Puts a job into a ledger as another tool would, whatever the job's state. */
export type PutForeign = (ledger: LedgerRepository, job: Job) => Promise<unknown>;

/** Marks a test that needs {@link Subject.putForeign}. */
export function onForeignJobs(test: ContractTest): ContractTest {
  return Object.assign((subject: Subject) => test(subject), { needsForeignJobs: true });
}

/** A fresh ledger. Times are milliseconds from the start of the test, which is time 0. */
export class Subject {
  readonly ledger: LedgerRepository;
  readonly #startMs: number;
  readonly #putForeign: PutForeign | undefined;

  constructor(ledger: LedgerRepository, clock: Clock, putForeign?: PutForeign) {
    this.ledger = ledger;
    this.#startMs = clock.now();
    this.#putForeign = putForeign;
  }

  /** The time so many milliseconds from the start. */
  at(ms: number): Date {
    return new Date(this.#startMs + ms);
  }

  /** A job that is due at time 0 and not stored yet. */
  newJob(overrides: Partial<Job> = {}): Job {
    return makeJob({ name: JOB_NAME, createdAt: this.at(0), ...overrides });
  }

  /** Stores a job for each set of fields; each must be taken. */
  async put<T extends readonly Partial<Job>[]>(...jobs: T): Promise<{ [K in keyof T]: Job }> {
    const answers = await this.enqueue(...jobs.map((job) => this.newJob(job)));
    assert.deepEqual(
      answers.map(({ outcome }) => outcome),
      jobs.map(() => 'enqueued'),
    );
    return answers.map((answer) => jobOf(answer)) as { [K in keyof T]: Job };
  }

  /** Stores one job. */
  async putOne(overrides: Partial<Job> = {}): Promise<Job> {
    return only(await this.put(overrides));
  }

  /** Puts a job in as another tool would; for tests that are marked with {@link onForeignJobs}. */
  async putForeign(job: Job): Promise<void> {
    assert.ok(this.#putForeign, 'no other tool writes to this ledger');
    await this.#putForeign(this.ledger, job);
  }

  async enqueue(...jobs: readonly Job[]): Promise<readonly EnqueueAnswer[]> {
    return (await this.ledger.enqueue({ jobs })).answers;
  }

  /** Claims up to ten jobs at time 0. */
  claim(choice: ClaimChoice = {}): Promise<ClaimResult> {
    const { name = JOB_NAME, limit = 10, ...rest } = choice;
    return this.claimOf([{ name, limit }], rest);
  }

  /** Claims jobs of several names at time 0. */
  claimOf(
    demand: ClaimParams['demand'],
    choice: Partial<Omit<ClaimParams, 'demand'>> = {},
  ): Promise<ClaimResult> {
    return this.ledger.claim({
      demand,
      instanceId: INSTANCE,
      claimToken: systemRandom.token(),
      now: this.at(0),
      suspects: false,
      widening: 1,
      ...choice,
    });
  }

  /** Claims the one job that is there to be claimed. */
  async claimOnly(choice: ClaimChoice = {}): Promise<Job> {
    return only((await this.claim(choice)).jobs);
  }

  /** Stores a job and claims it. */
  async putClaimed(overrides: Partial<Job> = {}, choice: ClaimChoice = {}): Promise<Job> {
    await this.put(overrides);
    return this.claimOnly(choice);
  }

  /** Settles a claimed job at time 1000; a retry is due at time 2000. */
  async settle(
    verb: SettleVerb,
    job: Job,
    changes: Partial<Settlement> = {},
  ): Promise<SettleAnswer> {
    const settlements = [this.settlement(verb, job, changes)];
    return only((await this.ledger.settle({ settlements, now: this.at(1000) })).answers);
  }

  /** A settlement under the claim, and with the plan, that the job shows. */
  settlement(verb: SettleVerb, job: Job, changes: Partial<Settlement> = {}): Settlement {
    return {
      verb,
      jobId: job._id,
      claimToken: job.claimToken ?? 'none',
      fence: job.fence,
      ...(job.seriesVersion !== undefined && { seriesVersion: job.seriesVersion }),
      ...(verb === 'snooze' && { nextRunAt: this.at(2000) }),
      ...(verb === 'discard' && { failReason: 'Boom' }),
      ...(verb === 'retry' && { nextRunAt: this.at(2000), failReason: 'Boom', lastFailCount: 9 }),
      ...(verb === 'fail' && { failReason: 'Boom', lastFailCount: 0 }),
      ...changes,
    };
  }

  /** Cancels a job, or asks for it, at time 500. */
  cancel(job: Job): Promise<CancelResult> {
    return this.ledger.cancel({ jobId: job._id, now: this.at(500) });
  }

  /** Rescues the jobs of the instance, whose lease nobody opened, at time 1000. */
  rescue(choice: Partial<RescueParams> = {}): Promise<RescueResult> {
    return this.ledger.rescue({
      deadInstanceId: INSTANCE,
      rescueLimit: 5,
      now: this.at(1000),
      limit: 100,
      ...choice,
    });
  }

  /** Prunes what finished by now, an hour after the start; one call that looks at up to 100 jobs. */
  prune(choice: Partial<PruneParams> = {}): Promise<PruneResult> {
    const now = choice.now ?? this.at(3_600_000);
    return this.ledger.prune({
      finishedBefore: { completed: now, failed: now, cancelled: now },
      createdBefore: now,
      limit: 100,
      archive: false,
      ...choice,
      now,
    });
  }

  /** The job as it is stored; it must be there. */
  async read(job: Job): Promise<Job> {
    const stored = await this.ledger.getJob({ jobId: job._id });
    assert.ok(stored !== null, `job ${job._id.toHexString()} is not stored`);
    return stored;
  }

  /** The state of a job. */
  async statusOf(job: Job): Promise<JobStatus> {
    return (await this.read(job)).status;
  }

  openLease(instanceId: string = INSTANCE): Promise<void> {
    return this.ledger.openLease({ instanceId, leaseDurationMs: 30_000 });
  }

  /** Opens the lease of an instance that says this of its workers, and declares it dead. */
  async die(workers: readonly WorkerInfo[], instanceId: string = INSTANCE): Promise<void> {
    const info: InstanceInfo = {
      ...{ host: 'host', pid: 1, version: '1.0.0', startedAt: this.at(0), reportedAt: this.at(0) },
      ...{ workers, unnamedWorkers: 0, runningJobs: 1, bufferedJobs: 0, recoverStaleJobs: true },
    };
    await this.ledger.openLease({ instanceId, leaseDurationMs: 30_000, info });
    assert.ok(await this.ledger.declareDead({ instanceId, counter: 0 }));
  }

  /** The lease of an instance; it must be on record. */
  async leaseOf(instanceId: string = INSTANCE): Promise<LeaseRecord> {
    const leases = await this.ledger.readLeases();
    return only(leases.filter((lease) => lease.instanceId === instanceId));
  }
}

/** The one item of a list. */
export function only<T>(items: readonly T[]): T {
  assert.equal(items.length, 1);
  return items[0] as T;
}

/** What must not be missing. */
export function present<T>(value: T | null | undefined): T {
  assert.ok(value !== null && value !== undefined, 'something is missing');
  return value;
}

/** The job that an answer to an enqueue shows. */
export function jobOf(answer: EnqueueAnswer | undefined): Job {
  assert.ok(answer !== undefined && answer.outcome !== 'refused', 'the job was refused');
  return answer.job;
}

/** The ids of jobs as strings, in their order. */
export function idsOf(jobs: readonly Pick<Job, '_id'>[]): readonly string[] {
  return jobs.map((job) => job._id.toHexString());
}

/** Both are the same job with the same fields; a field that is undefined counts as absent. */
export function assertSameJob(actual: Job, expected: Job): void {
  assert.deepEqual(comparable(actual), comparable(expected));
}

function comparable(job: Job): Record<string, unknown> {
  const fields = Object.entries(job).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(fields), _id: job._id.toHexString() };
}
