/**
 * Which buffered jobs start together, and when.
 *
 * @module
 */

import type { ClaimedJob } from '../../job/job.ts';
import { SUSPECT_RESCUE_COUNT } from '../../ledger/ledger-repository.ts';
import { BatchPlan } from '../../workers/batches.ts';
import type { BufferedJob, Worker } from '../../workers/worker.ts';

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
    const leftMs = leftMsOf(together, plan, nowMs);
    if (leftMs === 0) {
      const taken = new Set(together);
      const left = buffer.filter((buffered) => !taken.has(buffered));
      buffer.splice(0, buffer.length, ...left);
      return together;
    }
    leastLeftMs = Math.min(leastLeftMs, leftMs);
  }
  return leastLeftMs;
}

/** How long a batch still waits for others, in milliseconds: not when it is full, or begins with a suspect. */
function leftMsOf(
  together: readonly BufferedJob[],
  { size, waitMs }: BatchPlan,
  nowMs: number,
): number {
  const [{ job, sinceMs }] = together as [BufferedJob];
  const isComplete = together.length === size || isSuspect(job);
  return isComplete ? 0 : Math.max(sinceMs + waitMs - nowMs, 0);
}

/** A batch that is not full, and whose first job still waits for others. */
export interface Gathering {
  /** How many jobs it has. */
  readonly jobs: number;
  /** How many make it full. */
  readonly size: number;
  /** How long its first job waits yet, in milliseconds. */
  readonly leftMs: number;
}

/** The batch that a buffered job gathers in; undefined when that could start, or the job is in none. */
export function gatheringOf(
  jobId: string,
  workers: Iterable<Pick<Worker, 'handler' | 'buffer'>>,
  nowMs: number,
  mayStart: (job: ClaimedJob) => boolean,
): Gathering | undefined {
  for (const { handler: plan, buffer } of workers) {
    const gathered = plan instanceof BatchPlan ? gatherings(buffer, plan, mayStart) : [];
    for (const jobs of gathered) {
      const place = jobs.findIndex(({ job }) => job._id.toHexString() === jobId);
      if (place >= 0) return gatheringAt(place, jobs, plan as BatchPlan, nowMs);
    }
  }
  return undefined;
}

function gatheringAt(
  place: number,
  gathered: readonly BufferedJob[],
  plan: BatchPlan,
  nowMs: number,
): Gathering | undefined {
  const { size } = plan;
  const from = place - (place % size);
  const together = gathered.slice(from, from + size);
  const leftMs = leftMsOf(together, plan, nowMs);
  return leftMs === 0 ? undefined : { jobs: together.length, size, leftMs };
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
