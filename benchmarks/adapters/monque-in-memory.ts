/**
 * This library with its jobs in memory.
 *
 * @module
 */
import { InMemoryLedgerRepository, Monque } from '@monque/core';
import type { Place, System } from '../adapter.ts';
import { schedulerSystem } from './monque.ts';

/** More than are stored in any measurement; by default it takes 100,000. */
const MOST_JOBS = 10_000_000;

/** Opens a scheduler in memory. */
export async function openMonqueInMemory(place: Place): Promise<System> {
  const monque = new Monque(new InMemoryLedgerRepository({ maxJobs: MOST_JOBS }));
  return {
    ...schedulerSystem(monque, place),
    countUnfinished: async () => {
      const { counts } = await monque.getQueueStats();
      return counts.pending + counts.processing;
    },
    close: () => monque.stop(),
  };
}
