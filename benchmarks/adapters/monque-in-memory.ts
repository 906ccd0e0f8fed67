/**
 * This library with its jobs in memory.
 *
 * @module
 */
import { Monque } from '@monque/core';
import type { Place, System } from '../adapter.ts';
import { schedulerSystem } from './monque.ts';

/** Opens a scheduler in memory. */
export async function openMonqueInMemory(place: Place): Promise<System> {
  const monque = Monque.inMemory();
  return {
    ...schedulerSystem(monque, place),
    countUnfinished: async () => {
      const { counts } = await monque.getQueueStats();
      return counts.pending + counts.processing;
    },
    close: () => monque.stop(),
  };
}
