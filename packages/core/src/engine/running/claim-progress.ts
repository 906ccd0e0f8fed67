/**
 * How far a claimed job is in this process.
 *
 * @module
 */
import type { Gathering } from './batch-choice.ts';
import type { Executor } from './executor.ts';

/** Its handler runs, it or its batch waits, or its end is about to be recorded. */
export type ClaimProgress = 'running' | 'waiting' | 'ending' | Gathering;

/** How far a claim is; undefined when it is not here. */
export function claimProgressOf(
  executor: Executor,
  jobId: string,
  claimToken: string,
): ClaimProgress | undefined {
  if (!executor.holds(jobId, claimToken)) return undefined;
  if (executor.running().some(({ _id }) => _id.toHexString() === jobId)) return 'running';
  if (!executor.has(jobId)) return 'ending';
  return executor.gatheringOf(jobId) ?? 'waiting';
}
