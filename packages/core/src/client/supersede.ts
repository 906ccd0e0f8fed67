/**
 * What an enqueue does that supersedes: the job before it in its order is asked to cancel.
 *
 * What always holds: it may be done again, since a job that was asked is not asked twice; and a job never cancels
 * itself.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import type { Job } from '../job/job.ts';
import { JobStateError } from '../job/job-errors.ts';
import type { Supersede } from '../options/enqueue-options.ts';
import type { ManualVerbs } from './manual-verbs.ts';

/** Asks the job that a new one stands behind to cancel, unless it is left to finish. */
export async function cancelSuperseded(
  { ledger, emit, metrics }: Pick<EngineContext, 'ledger' | 'emit' | 'metrics'>,
  verbs: Pick<ManualVerbs, 'cancelJob'>,
  { _id, name, lane }: Job,
  { running = 'cancel' }: Supersede,
): Promise<void> {
  if (running === 'finish' || lane === undefined) return;
  const ahead = await ledger.findAhead({ name, lane });
  if (ahead === null || ahead.jobId.equals(_id)) return;
  try {
    const reason = `Superseded by job ${_id.toHexString()}`;
    const job = await verbs.cancelJob(ahead.jobId, { reason });
    // It has left meanwhile.
    if (job === null) return;
    metrics.count('superseded', 1, name);
    emit('job:superseded', { job, by: _id });
  } catch (error) {
    // It has ended meanwhile.
    if (!(error instanceof JobStateError)) throw error;
  }
}
