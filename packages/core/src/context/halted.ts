/**
 * Reports a job that holds its order up.
 *
 * @module
 */
import type { Job } from '../job/job.ts';
import type { EngineContext } from './scheduler-context.ts';

/** A job has failed for good, and holds the order that it stands in up. Others hold nothing up, and are not reported. */
export function emitHalted(
  { emit, metrics }: Pick<EngineContext, 'emit' | 'metrics'>,
  job: Job,
): void {
  const { name, order } = job;
  if (order === undefined) return;
  metrics.count('halted', { name });
  emit('order:halted', { job, order });
}
