/**
 * This library with its jobs in memory.
 *
 * @module
 */
import { InMemoryLedgerRepository, Monque } from '@monque/core';
import type { Place, System } from '../adapter.ts';
import { EVERY_RULE, schedulerSystem } from './monque.ts';

/** More than are stored in any measurement; by default it takes 100,000. */
const MOST_JOBS = 10_000_000;

/** Opens a scheduler in memory. */
export async function openMonqueInMemory(place: Place): Promise<System> {
  const invariants = place.hasRules ? EVERY_RULE : {};
  const monque = new Monque(new InMemoryLedgerRepository({ maxJobs: MOST_JOBS, invariants }));
  return {
    ...schedulerSystem(monque, place),
    countUnfinished: async () => {
      const { counts } = await monque.getQueueStats();
      return counts.pending + counts.processing;
    },
    close: () => monque.stop(),
  };
}
