/** Situations that a job may be in, each with the reason that `explain` must find; for any ledger. */
import { ObjectId } from 'mongodb';
import { expect } from 'vitest';
import { CLAIMED_OR_UNFIT } from './claimed-situations.ts';
import { LIMIT_SITUATIONS } from './limit-situations.ts';
import {
  FUTURE_MS,
  failure,
  INSTANCE,
  LEASE_MS,
  NAME,
  openInstance,
  put,
  putSettled,
  type Situation,
} from './situation-world.ts';

/** All of them: those of jobs that ended or wait are here. */
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
  ...LIMIT_SITUATIONS,
  ...CLAIMED_OR_UNFIT,
];

function expectAnyOrder(...items: readonly object[]): unknown {
  return { asymmetricMatch: (found: unknown) => hasEach(found, items), toString: () => 'AnyOrder' };
}

function hasEach(found: unknown, items: readonly object[]): boolean {
  const list = found as readonly Record<string, unknown>[];
  const isLike = (item: object) => (candidate: Record<string, unknown>) =>
    Object.entries(item).every(([field, value]) => candidate[field] === value);
  return list.length === items.length && items.every((item) => list.some(isLike(item)));
}
