/** Situations of jobs whose name has limits, each with the reason that `explain` must find; for any ledger. */

import { expect } from 'vitest';
import type { TakeShareParams } from '../../src/ledger/verbs/limits.ts';
import {
  INSTANCE,
  NAME,
  openInstance,
  put,
  type Situation,
  type SituationWorld,
} from './situation-world.ts';

type Ledger = SituationWorld['ledger'];

const RATE = { limit: 1, perMs: 60_000, burst: 1 };

/** An instance whose worker names limits. */
async function openLimited(
  world: SituationWorld,
  limits: readonly string[],
  { instanceId = INSTANCE, running = 0 } = {},
): Promise<void> {
  const workers = [{ name: NAME, concurrency: 2, running, limits }];
  await openInstance(world, { workers }, instanceId);
}

function take(ledger: Ledger, instanceId: string, share: Partial<TakeShareParams>) {
  return ledger.takeShare({
    ...{ key: 'api', instanceId, seq: 1, count: 0, wants: 0, starts: 0 },
    ...share,
  });
}

export const LIMIT_SITUATIONS: readonly Situation[] = [
  {
    name: 'a job whose limit is held by another instance, of another name',
    arrange: async (world) => {
      await openLimited(world, ['api']);
      await world.ledger.setLimit({ key: 'api', concurrency: 3, now: world.at(0) });
      await take(world.ledger, 'instance-b', { count: 3 });
      return put(world);
    },
    reason: 'limitFull',
    others: [],
    details: {
      ...{ limit: 'api', concurrency: 3, held: 3 },
      holders: [{ instanceId: 'instance-b', count: 3, wants: 0 }],
    },
  },
  {
    name: 'a job whose limit lets none start',
    arrange: async (world) => {
      await openLimited(world, ['api']);
      await world.ledger.setLimit({ key: 'api', concurrency: 0, now: world.at(0) });
      return put(world);
    },
    reason: 'limitFull',
    details: { concurrency: 0, held: 0, holders: [] },
  },
  {
    name: 'a job whose limit has started as many as its rate allows, and is backed off from',
    arrange: async (world) => {
      await openLimited(world, ['other', 'api']);
      await world.ledger.setLimit({ key: 'api', rate: RATE, now: world.at(0) });
      await take(world.ledger, INSTANCE, { starts: 1 });
      await world.ledger.backOff({ key: 'api', until: world.at(600_000) });
      return put(world);
    },
    reason: 'limitBackedOff',
    others: ['limitRate'],
    details: { limit: 'api', until: expect.any(Date), inMs: expect.any(Number) },
  },
  {
    name: 'a job whose limit has started as many as its rate allows',
    arrange: async (world) => {
      await openLimited(world, ['api']);
      await world.ledger.setLimit({ key: 'api', rate: RATE, now: world.at(0) });
      await take(world.ledger, INSTANCE, { starts: 1 });
      return put(world);
    },
    reason: 'limitRate',
    others: [],
    details: { limit: 'api', startsAt: expect.any(Date), inMs: expect.any(Number) },
  },
  {
    name: 'a job of a limit that nobody who could run it has a share of',
    arrange: async (world) => {
      await openLimited(world, ['api']);
      await world.ledger.setLimit({ key: 'api', concurrency: 3, now: world.at(0) });
      await take(world.ledger, 'instance-b', { count: 1 });
      return put(world);
    },
    reason: 'limitShare',
    others: [],
    details: { limit: 'api', free: 2 },
  },
  {
    name: 'a job that one of two instances may start under its limits',
    arrange: async (world) => {
      await openLimited(world, ['api', 'db']);
      await openLimited(world, ['api'], { instanceId: 'instance-b' });
      await world.ledger.setLimit({ key: 'api', concurrency: 3, now: world.at(0) });
      await world.ledger.setLimit({ key: 'db', concurrency: 0, now: world.at(0) });
      await take(world.ledger, 'instance-b', { count: 1 });
      return put(world);
    },
    reason: 'due',
    others: [],
  },
  {
    name: 'a job whose instances are all busy, and whose limit is full',
    arrange: async (world) => {
      await openLimited(world, ['api'], { running: 2 });
      await world.ledger.setLimit({ key: 'api', concurrency: 2, now: world.at(0) });
      await take(world.ledger, INSTANCE, { count: 2 });
      return put(world);
    },
    reason: 'limitFull',
    others: ['atLimit'],
  },
  {
    name: 'a job whose limit bounds only the instance that is free',
    arrange: async (world) => {
      await openInstance(
        world,
        { workers: [{ name: NAME, concurrency: 1, running: 1 }] },
        'instance-b',
      );
      await openLimited(world, ['api']);
      await world.ledger.setLimit({ key: 'api', concurrency: 0, now: world.at(0) });
      return put(world);
    },
    reason: 'limitFull',
    others: [],
  },
];
