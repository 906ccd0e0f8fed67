/** Situations that a job may be in, each with the reason that `explain` must find; for any ledger. */
import { ObjectId } from 'mongodb';
import { expect } from 'vitest';
import type { ExplanationReason, Job, LedgerRepository, Monque } from '../../src/index.ts';
import type { Settlement } from '../../src/ledger-api.ts';
import { makeJob } from '../../src/testing/index.ts';
import type { InstanceInfo } from '../../src/types-api.ts';

export const NAME = 'send-email';
const INSTANCE = 'instance-a';
const TOKEN = 'token-a';
const LEASE_MS = 30_000;

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

async function put(world: SituationWorld, overrides: Partial<Job> = {}): Promise<ObjectId> {
  const { at, ledger } = world;
  const times = { createdAt: at(-20_000), updatedAt: at(-20_000), nextRunAt: at(-10_000) };
  const job = makeJob({ name: NAME, ...times, ...overrides });
  await ledger.enqueue({ jobs: [job] });
  return job._id;
}

/** Stores a job and claims it; ten seconds ago when nothing else is said. */
async function putClaimed(
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
async function putSettled(
  world: SituationWorld,
  ending: Pick<Settlement, 'verb'> & Partial<Settlement>,
  overrides: Partial<Job> = {},
): Promise<ObjectId> {
  const { _id: jobId, fence } = await putClaimed(world, overrides);
  const settlement = { jobId, claimToken: TOKEN, fence, ...ending };
  await world.ledger.settle({ settlements: [settlement], now: world.at(-5_000) });
  return jobId;
}

function failure(world: SituationWorld, verb: 'retry' | 'fail', nextMs: number) {
  const record = { by: INSTANCE, reason: 'Boom', duration: 7 };
  const again = verb === 'retry' ? { nextRunAt: world.at(nextMs) } : {};
  return { verb, failReason: 'Boom', lastFailCount: verb === 'retry' ? 9 : 0, record, ...again };
}

const FUTURE_MS = 600_000;

export const SITUATIONS: readonly Situation[] = [
  {
    name: 'a job that never was',
    arrange: async () => new ObjectId(),
    reason: 'missing',
    details: {},
  },
  {
    name: 'a job that was deleted',
    arrange: async (world) => {
      const jobId = await put(world);
      await world.ledger.remove({ jobId });
      return jobId;
    },
    reason: 'missing',
  },
  {
    name: 'a job that completed',
    arrange: (world) => putSettled(world, { verb: 'complete', result: { secret: 1 } }),
    reason: 'completed',
    details: { failCount: 0 },
  },
  {
    name: 'a job that failed for good',
    arrange: (world) => putSettled(world, failure(world, 'fail', 0)),
    reason: 'failed',
    details: { failCount: 1, why: 'Boom' },
  },
  {
    name: 'a job that was cancelled manually',
    arrange: async (world) => {
      const jobId = await put(world);
      await world.ledger.cancel({ jobId, now: world.at(0), reason: 'Not wanted' });
      return jobId;
    },
    reason: 'cancelled',
    details: { why: 'Not wanted' },
  },
  {
    name: 'a job in the archive',
    arrange: async (world) => {
      const jobId = await putSettled(world, { verb: 'complete' });
      const [now, finishedBefore] = [world.at(0), { completed: world.at(0) }];
      const walk = { createdBefore: world.at(60_000), limit: 10, archive: true };
      await world.ledger.prune({ ...walk, now, finishedBefore });
      return jobId;
    },
    reason: 'archived',
    others: ['completed'],
    details: { status: 'completed' },
  },
  {
    name: 'a job for a later time',
    arrange: async (world) => {
      await openInstance(world);
      return put(world, { nextRunAt: world.at(FUTURE_MS) });
    },
    reason: 'notDue',
    details: { cause: 'later' },
  },
  {
    name: 'the waiting run of a series, in a process without its worker',
    arrange: async (world) => {
      await openInstance(world, { workers: [] });
      const at = world.at(FUTURE_MS);
      const plan = { repeatInterval: '@daily', seriesVersion: 1, uniqueLock: 'series:a' };
      return put(world, { nextRunAt: at, scheduledFor: at, ...plan });
    },
    reason: 'notDue',
    others: ['noWorker'],
    details: { cause: 'series' },
  },
  {
    name: 'a job that its handler put off',
    arrange: async (world) => {
      await openInstance(world);
      return putSettled(world, { verb: 'snooze', nextRunAt: world.at(FUTURE_MS) });
    },
    reason: 'notDue',
    details: { cause: 'snoozed' },
  },
  {
    name: 'a job that was moved to another time',
    arrange: async (world) => {
      await openInstance(world);
      const jobId = await put(world);
      const changes = { nextRunAt: world.at(FUTURE_MS) };
      await world.ledger.amend({ jobId, changes, now: world.at(-1) });
      return jobId;
    },
    reason: 'notDue',
    details: { cause: 'amended' },
  },
  {
    name: 'a job that failed and waits for its retry',
    arrange: async (world) => {
      await openInstance(world);
      return putSettled(world, failure(world, 'retry', FUTURE_MS));
    },
    reason: 'retryWaits',
    others: [],
    details: { failCount: 1, failReason: 'Boom' },
  },
  {
    name: 'a job that failed and is due again, while its name is paused',
    arrange: async (world) => {
      await openInstance(world);
      const why = { by: 'anna', reason: 'the other side is down' };
      await world.ledger.setPaused({ name: NAME, paused: true, now: world.at(0), ...why });
      return putSettled(world, failure(world, 'retry', -1_000));
    },
    reason: 'paused',
    others: ['failedBefore'],
    details: {
      ...{ name: NAME, since: expect.any(Date), by: 'anna', why: 'the other side is down' },
    },
  },
  {
    name: 'a job that waits at a gate',
    arrange: (world) => putSettled(world, { verb: 'block', gate: 'paid', stagesBefore: [] }),
    reason: 'gateClosed',
    details: { gate: 'paid', since: expect.any(Date) },
  },
  {
    name: 'a job that waits at a gate for a time',
    arrange: (world) => {
      const blockedUntil = world.at(60_000);
      return putSettled(world, { verb: 'block', gate: 'paid', stagesBefore: [], blockedUntil });
    },
    reason: 'gateClosed',
    details: { gate: 'paid', until: expect.any(Date) },
  },
  {
    name: 'a job while no scheduler is started',
    arrange: (world) => put(world),
    reason: 'noInstance',
  },
  {
    name: 'a job while the only instance is silent',
    arrange: async (world) => {
      await openInstance(world, { reportedAt: world.at(-40_000) });
      return put(world);
    },
    reason: 'noInstance',
  },
  {
    name: 'a job whose name no live instance works on',
    arrange: async (world) => {
      const workers = [{ name: 'other', concurrency: 1, running: 0 }];
      await openInstance(world, { workers });
      await openInstance(world, { reportedAt: world.at(-40_000) }, 'silent');
      return put(world);
    },
    reason: 'noWorker',
    details: { name: NAME, liveInstances: 1 },
  },
  {
    name: 'a job whose name none of several instances works on',
    arrange: async (world) => {
      await openInstance(world, { workers: [] });
      await openInstance(world, { workers: [] }, 'another');
      return put(world);
    },
    reason: 'noWorker',
    details: { name: NAME, liveInstances: 2 },
  },
  {
    name: 'a job while an instance of an older version does not name its workers',
    arrange: async (world) => {
      await world.ledger.openLease({ instanceId: 'old', leaseDurationMs: LEASE_MS });
      await openInstance(world, { workers: [] });
      return put(world);
    },
    reason: 'workersUnknown',
    details: { name: NAME, liveInstances: 2, silent: 1 },
  },
  {
    name: 'a job while an instance has more workers than it names',
    arrange: async (world) => {
      await openInstance(world, { workers: [], unnamedWorkers: 3 });
      return put(world);
    },
    reason: 'workersUnknown',
  },
  {
    name: 'a job while every instance with its worker is at its limit',
    arrange: async (world) => {
      const workers = [{ name: NAME, concurrency: 2, running: 2 }];
      await openInstance(world, { workers, runningJobs: 2 });
      const bound = { instanceConcurrency: 4, runningJobs: 4 };
      await openInstance(world, { ...bound, pid: 43 }, 'instance-b');
      await openInstance(world, { workers: [] }, 'instance-c');
      return put(world);
    },
    reason: 'atLimit',
    details: {
      instances: expectAnyOrder(
        { instanceId: INSTANCE, running: 2, concurrency: 2, runningJobs: 2, pid: 42 },
        { instanceId: 'instance-b', running: 0, runningJobs: 4, instanceConcurrency: 4, pid: 43 },
      ),
    },
  },
  {
    name: 'a job whose instances died several times',
    arrange: async (world) => {
      await openInstance(world);
      return put(world, { rescueCount: 3 });
    },
    reason: 'suspect',
    details: { rescueCount: 3 },
  },
  {
    name: 'a due job that an instance can take',
    arrange: async (world) => {
      await openInstance(world);
      return put(world);
    },
    reason: 'due',
    others: [],
  },
  {
    name: 'a job that failed before and is due again',
    arrange: async (world) => {
      await openInstance(world);
      return putSettled(world, failure(world, 'retry', -1_000));
    },
    reason: 'due',
    others: ['failedBefore'],
  },
  {
    name: 'a job that runs in a live instance',
    arrange: async (world) => {
      await openInstance(world);
      return (await putClaimed(world))._id;
    },
    reason: 'running',
    details: { instanceId: INSTANCE, host: 'host-a', pid: 42 },
  },
  {
    name: 'a job that runs in an instance of an older version',
    arrange: async (world) => {
      await world.ledger.openLease({ instanceId: INSTANCE, leaseDurationMs: LEASE_MS });
      return (await putClaimed(world))._id;
    },
    reason: 'running',
    details: { instanceId: INSTANCE },
  },
  {
    name: 'a job that was claimed a moment ago',
    arrange: async (world) => {
      await openInstance(world);
      return (await putClaimed(world, {}, 5_000))._id;
    },
    reason: 'starting',
  },
  {
    name: 'a running job that somebody asked to cancel',
    arrange: async (world) => {
      await openInstance(world);
      const { _id: jobId } = await putClaimed(world);
      await world.ledger.cancel({ jobId, now: world.at(-500) });
      return jobId;
    },
    reason: 'cancelRequested',
    others: ['running'],
  },
  {
    name: 'a job of an instance that does not renew its lease',
    arrange: async (world) => {
      await openInstance(world, { reportedAt: world.at(-40_000) });
      await openInstance(world, {}, 'instance-b');
      return (await putClaimed(world))._id;
    },
    reason: 'instanceSilent',
    details: { instanceId: INSTANCE, givenBackWithinMs: 45_000 },
  },
  {
    name: 'a job of a dead instance',
    arrange: async (world) => {
      await openInstance(world);
      await openInstance(world, {}, 'instance-b');
      const { _id } = await putClaimed(world);
      await world.ledger.declareDead({ instanceId: INSTANCE, counter: 0 });
      return _id;
    },
    reason: 'instanceDead',
    details: { instanceId: INSTANCE, givenBackWithinMs: 9_000 },
  },
  {
    name: 'a job of an instance that is not on record',
    arrange: async (world) => {
      await openInstance(world, {}, 'instance-b');
      return (await putClaimed(world))._id;
    },
    reason: 'instanceUnknown',
    details: { instanceId: INSTANCE, givenBackWithinMs: 27_000 },
  },
  {
    name: 'a job that a tool without a lease has locked',
    arrange: async (world) => {
      await openInstance(world);
      return putLocked(world, { lockedAt: world.at(-5_000) });
    },
    reason: 'lockedByTool',
  },
  {
    name: 'a job that a tool without a lease has locked, while an instance of an older version lives',
    arrange: async (world) => {
      await world.ledger.openLease({ instanceId: 'old', leaseDurationMs: LEASE_MS });
      return putLocked(world, { lockedAt: world.at(-5_000) });
    },
    reason: 'lockedByTool',
    details: { givenBackAt: expect.any(Date) },
  },
  {
    name: 'a job that a tool without a lease has locked, without saying when',
    arrange: async (world) => {
      await openInstance(world);
      return putLocked(world, {});
    },
    reason: 'lockedByTool',
    details: {},
  },
  {
    name: 'a claimed job that does not say since when',
    arrange: async (world) => {
      await openInstance(world);
      return putLocked(world, { claimedBy: INSTANCE, claimToken: TOKEN });
    },
    reason: 'running',
    details: { instanceId: INSTANCE, host: 'host-a' },
  },
  {
    name: 'a completed job that does not say when it finished',
    arrange: (world) => putWritten(world, { status: 'completed', finishedAt: 'today' as never }),
    reason: 'completed',
    others: [],
  },
  {
    name: 'a job that failed before, without saying with what, and is due again',
    arrange: async (world) => {
      await openInstance(world);
      return putWritten(world, { failCount: 2, nextRunAt: world.at(-1_000) });
    },
    reason: 'due',
    others: ['failedBefore'],
  },
  {
    name: 'a job that waits for its retry, without saying with what it failed',
    arrange: async (world) => {
      await openInstance(world);
      const updatedAt = world.at(-1_000);
      const history = [{ verb: 'retry', at: updatedAt }];
      const nextRunAt = world.at(FUTURE_MS);
      return putWritten(world, { failCount: 2, nextRunAt, updatedAt, history });
    },
    reason: 'retryWaits',
    others: [],
  },
  {
    name: 'a waiting job that a newer version wrote',
    arrange: async (world) => {
      await openInstance(world);
      return put(world, { documentVersion: 99 });
    },
    reason: 'unfit',
    others: ['due'],
    details: { documentVersion: 99 },
  },
  {
    name: 'a job that a newer version wrote and runs',
    arrange: async (world) => {
      await openInstance(world);
      return (await putClaimed(world, { documentVersion: 99 }))._id;
    },
    reason: 'running',
    others: ['unfit'],
  },
  {
    name: 'a job with a field that does not fit',
    arrange: (world) => put(world, { timeout: 'soon' as never }),
    reason: 'unfit',
    others: [],
  },
  {
    name: 'a job in a state that does not exist',
    arrange: async (world) => {
      const job = makeJob({ name: NAME, status: 'sleeping' as never });
      await world.putForeign(job);
      return job._id;
    },
    reason: 'unfit',
    others: [],
  },
];

async function putWritten(world: SituationWorld, fields: Partial<Job>): Promise<ObjectId> {
  const job = makeJob({ name: NAME, ...fields });
  await world.putForeign(job);
  return job._id;
}

async function putLocked(world: SituationWorld, fields: Partial<Job>): Promise<ObjectId> {
  const {
    claimedBy: _,
    claimToken: __,
    lockedAt: ___,
    ...job
  } = makeJob({ name: NAME, status: 'processing' });
  await world.putForeign({ ...job, ...fields });
  return job._id;
}

function expectAnyOrder(...items: readonly object[]): unknown {
  return { asymmetricMatch: (found: unknown) => hasEach(found, items), toString: () => 'AnyOrder' };
}

function hasEach(found: unknown, items: readonly object[]): boolean {
  const list = found as readonly Record<string, unknown>[];
  const isLike = (item: object) => (candidate: Record<string, unknown>) =>
    Object.entries(item).every(([field, value]) => candidate[field] === value);
  return list.length === items.length && items.every((item) => list.some(isLike(item)));
}
