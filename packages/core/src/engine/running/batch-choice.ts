/**
 * Which buffered jobs start together, and when.
 *
 * @module
 */

import type { ClaimedJob } from '../../job/job.ts';
import { SUSPECT_RESCUE_COUNT } from '../../ledger/ledger-repository.ts';
import type { BatchPlan } from '../../workers/batches.ts';
import type { BufferedJob } from '../../workers/worker.ts';

/** True for a job that its instances died of several times. */
export function isSuspect({ rescueCount = 0 }: ClaimedJob): boolean {
  return rescueCount >= SUSPECT_RESCUE_COUNT;
}

/**
 * Takes a batch out of a buffer with a job in it: a full one, or what there is once the first has waited long enough. A suspect runs alone.
 *
 * @returns the jobs; or for how long the first of them still waits, in milliseconds
 */
export function takeBatch(
  buffer: BufferedJob[],
  { size, waitMs }: BatchPlan,
  nowMs: number,
  mayStart: (job: ClaimedJob) => boolean,
): readonly BufferedJob[] | number {
  const [first] = buffer as [BufferedJob];
  const isAlone = isSuspect(first.job);
  const others = buffer.filter(({ job }) => !isSuspect(job) && mayStart(job)).slice(0, size);
  const together = new Set(isAlone ? [first] : others);
  const leftMs = first.sinceMs + waitMs - nowMs;
  if (!isAlone && together.size < size && leftMs > 0) return leftMs;
  const left = buffer.filter((buffered) => !together.has(buffered));
  buffer.splice(0, buffer.length, ...left);
  return [...together];
}
