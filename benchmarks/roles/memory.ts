/**
 * Stores jobs that wait, and reports how much its own memory grew.
 *
 * @module
 */
import { jobsFrom } from '../adapter.ts';
import { param, type Role } from './role.ts';

/** Stores `jobs` jobs between two looks at the heap; waits for a word before each end. */
export const memory: Role = async ({ open, place, params, link }) => {
  const system = await open(place);
  const jobs = param(params, 'jobs');
  link.note({ opened: true });
  await link.receive();
  const before = heapBytes();
  await system.enqueueMany(jobsFrom(0, jobs));
  const after = heapBytes();
  link.note({ filled: true });
  await link.receive();
  await system.close();
  return { heapBytes: after - before };
};

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
