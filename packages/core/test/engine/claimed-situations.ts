/** Situations of jobs that somebody has, or that hold what does not fit, each with its reason. */
import { expect } from 'vitest';
import { makeJob } from '../../src/testing/index.ts';
import {
  FUTURE_MS,
  INSTANCE,
  LEASE_MS,
  NAME,
  openInstance,
  put,
  putClaimed,
  putLocked,
  putWritten,
  type Situation,
  TOKEN,
} from './situation-world.ts';

export const CLAIMED_OR_UNFIT: readonly Situation[] = [
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
