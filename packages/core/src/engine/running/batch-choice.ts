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
 * Takes a batch out of a buffer with a job in it that may start: a full one, or what there is once its first job has waited
 * long enough; of several the one whose first job came first. A suspect runs alone.
 *
 * @returns the jobs; or for how long none of the batches is ready, in milliseconds
 */
export function takeBatch(
  buffer: BufferedJob[],
  plan: BatchPlan,
  nowMs: number,
  mayStart: (job: ClaimedJob) => boolean,
): readonly BufferedJob[] | number {
  const { size, waitMs } = plan;
  let leastLeftMs = waitMs;
  for (const gathered of gatherings(buffer, plan, mayStart)) {
    const together = gathered.slice(0, size);
    const [{ job, sinceMs }] = together as [BufferedJob];
    const leftMs = sinceMs + waitMs - nowMs;
    if (together.length === size || leftMs <= 0 || isSuspect(job)) {
      const taken = new Set(together);
      const left = buffer.filter((buffered) => !taken.has(buffered));
      buffer.splice(0, buffer.length, ...left);
      return together;
    }
    leastLeftMs = Math.min(leastLeftMs, leftMs);
  }
  return leastLeftMs;
}

/** The jobs that may start together, in the order of their first ones. */
function gatherings(
  buffer: readonly BufferedJob[],
  { by }: BatchPlan,
  mayStart: (job: ClaimedJob) => boolean,
): Iterable<readonly BufferedJob[]> {
  const gathered = new Map<unknown, BufferedJob[]>();
  for (const buffered of buffer) {
    const { job } = buffered;
    if (!mayStart(job)) continue;
    const key = isSuspect(job) ? job : by && job[by];
    const others = gathered.get(key);
    if (others === undefined) gathered.set(key, [buffered]);
    else others.push(buffered);
  }
  return gathered.values();
}
