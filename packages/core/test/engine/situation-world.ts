/** How jobs and instances are brought into a situation, on any ledger. */
import type { ObjectId } from 'mongodb';
import type { ExplanationReason, Job, LedgerRepository, Monque } from '../../src/index.ts';
import type { Settlement } from '../../src/ledger-api.ts';
import { makeJob } from '../../src/testing/index.ts';
import type { InstanceInfo } from '../../src/types-api.ts';

export const NAME = 'send-email';
export const INSTANCE = 'instance-a';
export const TOKEN = 'token-a';
export const LEASE_MS = 30_000;

/** A ledger with nothing in it, and a scheduler on it that was not started. */
export interface SituationWorld {
  readonly ledger: LedgerRepository;
  readonly monque: Monque;
  /** Puts a job in as another tool would, in any state. */
  readonly putForeign: (job: Job) => Promise<void>;
  /** So many milliseconds from now, by the ledger's clock. */
  readonly at: (ms: number) => Date;
}

export interface Situation {
  readonly name: string;
  /** Makes the situation; gives the id of the job. */
  readonly arrange: (world: SituationWorld) => Promise<ObjectId>;
  readonly reason: ExplanationReason;
  readonly others?: readonly ExplanationReason[];
  /** What the details hold at least. */
  readonly details?: object;
}

/** What an instance with one worker says of itself. */
export function infoOf(
  { at }: Pick<SituationWorld, 'at'>,
  overrides: Partial<InstanceInfo> = {},
): InstanceInfo {
  return {
    host: 'host-a',
    pid: 42,
    version: '1.0.0',
    startedAt: at(-60_000),
    reportedAt: at(-1_000),
    workers: [{ name: NAME, concurrency: 5, running: 0 }],
    unnamedWorkers: 0,
    runningJobs: 0,
    bufferedJobs: 0,
    recoverStaleJobs: true,
    ...overrides,
  };
}

export async function openInstance(
  world: Pick<SituationWorld, 'ledger' | 'at'>,
  overrides: Partial<InstanceInfo> = {},
  instanceId: string = INSTANCE,
): Promise<void> {
  const info = infoOf(world, overrides);
  await world.ledger.openLease({ instanceId, leaseDurationMs: LEASE_MS, info });
}

/** Stores a job that is due since ten seconds. */
export async function put(world: SituationWorld, overrides: Partial<Job> = {}): Promise<ObjectId> {
  const { at, ledger } = world;
  const times = { createdAt: at(-20_000), updatedAt: at(-20_000), nextRunAt: at(-10_000) };
  const job = makeJob({ name: NAME, ...times, ...overrides });
  await ledger.enqueue({ jobs: [job] });
  return job._id;
}

/** Stores a job and claims it; ten seconds ago when nothing else is said. */
export async function putClaimed(
  world: SituationWorld,
  overrides: Partial<Job> = {},
  claimedMs = -10_000,
): Promise<Job> {
  await put(world, overrides);
  const { jobs } = await world.ledger.claim({
    demand: [{ name: NAME, limit: 1 }],
    instanceId: INSTANCE,
    claimToken: TOKEN,
    now: world.at(claimedMs),
    suspects: false,
    widening: 1,
  });
  const [job] = jobs;
  if (job === undefined) throw new Error('Expected a claimed job');
  return job;
}

/** Stores, claims and settles a job, five seconds ago. */
export async function putSettled(
  world: SituationWorld,
  ending: Pick<Settlement, 'verb'> & Partial<Settlement>,
  overrides: Partial<Job> = {},
): Promise<ObjectId> {
  const { _id: jobId, fence } = await putClaimed(world, overrides);
  const settlement = { jobId, claimToken: TOKEN, fence, ...ending };
  await world.ledger.settle({ settlements: [settlement], now: world.at(-5_000) });
  return jobId;
}

/** The end of a run that failed. */
export function failure(
  world: SituationWorld,
  verb: 'retry' | 'fail',
  nextMs: number,
): Pick<Settlement, 'verb'> & Partial<Settlement> {
  const record = { by: INSTANCE, reason: 'Boom', duration: 7 };
  const again = verb === 'retry' ? { nextRunAt: world.at(nextMs) } : {};
  return { verb, failReason: 'Boom', lastFailCount: verb === 'retry' ? 9 : 0, record, ...again };
}

/** A time that no test reaches. */
export const FUTURE_MS = 600_000;

/** Stores a job as another tool writes it. */
export async function putWritten(world: SituationWorld, fields: Partial<Job>): Promise<ObjectId> {
  const job = makeJob({ name: NAME, ...fields });
  await world.putForeign(job);
  return job._id;
}

/** Stores a job that a tool without a lease has locked. */
export async function putLocked(world: SituationWorld, fields: Partial<Job>): Promise<ObjectId> {
  const {
    claimedBy: _,
    claimToken: __,
    lockedAt: ___,
    ...job
  } = makeJob({ name: NAME, status: 'processing' });
  await world.putForeign({ ...job, ...fields });
  return job._id;
}
