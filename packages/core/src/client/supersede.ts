/**
 * What an enqueue does that supersedes: the job before it in its order is asked to cancel.
 *
 * What always holds: the job that waits says so itself, so that whoever sweeps orders asks where this process does not
 * come to it; it may be done again, since a job that was asked is not asked twice; and a job never cancels itself.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import type { Job } from '../job/job.ts';
import { JobStateError } from '../job/job-errors.ts';
import { startLock } from '../job/unique-locks.ts';
import type { SupersededJob } from '../ledger/ledger-repository.ts';
import type { Supersede } from '../options/enqueue-options.ts';
import type { ManualVerbs } from './manual-verbs.ts';

/** The fields of a job that waits until the one before it has ended. */
export function supersedingFields(uniqueKey: string, supersede: Supersede): Partial<Job> {
  const by = supersedesBy(supersede);
  return {
    uniqueKey,
    uniqueHold: 'untilStarted',
    ...by,
    startLock: startLock({ uniqueKey, ...by }),
  };
}

/** What it says of the one before it, for whoever comes to it. */
export function supersedesBy({ running = 'cancel' }: Supersede): Required<Pick<Job, 'supersedes'>> {
  return { supersedes: running };
}

/**
 * Asks the job that a new one stands behind to cancel, unless it is left to finish. The new one is stored, and others
 * ask where this fails; so that is reported, and no error of the enqueue.
 */
export async function cancelSuperseded(
  context: Pick<EngineContext, 'ledger' | 'report' | 'emit' | 'metrics'>,
  verbs: Pick<ManualVerbs, 'cancelJob'>,
  job: Job,
  { running = 'cancel' }: Supersede,
): Promise<void> {
  if (running === 'finish') return;
  try {
    await cancelAhead(context, verbs, job);
  } catch (error) {
    context.report(error);
  }
}

async function cancelAhead(
  context: Pick<EngineContext, 'ledger' | 'emit' | 'metrics'>,
  verbs: Pick<ManualVerbs, 'cancelJob'>,
  { _id, name, lane }: Job,
): Promise<void> {
  // What supersedes stands in the lane of its key.
  const ahead = await context.ledger.findAhead({ name, lane: lane as string });
  if (ahead === null || ahead.jobId.equals(_id)) return;
  await cancelOne(context, verbs, { jobId: ahead.jobId, by: _id });
}

/** Asks one job to cancel for another, which may be done again. */
export async function cancelOne(
  { emit, metrics }: Pick<EngineContext, 'emit' | 'metrics'>,
  verbs: Pick<ManualVerbs, 'cancelJob'>,
  { jobId, by }: SupersededJob,
): Promise<void> {
  try {
    const reason = `Superseded by job ${by.toHexString()}`;
    const job = await verbs.cancelJob(jobId, { reason });
    // It has left meanwhile.
    if (job === null) return;
    metrics.count('superseded', { name: job.name });
    emit('job:superseded', { job, by });
  } catch (error) {
    // It has ended meanwhile.
    if (!(error instanceof JobStateError)) throw error;
  }
}
