/**
 * Runs that their handlers complete in transactions of their own.
 *
 * @module
 */

import type { EngineContext } from '../../context/scheduler-context.ts';
import type { Session } from '../../foundation/driver-shapes.ts';
import type { ClaimedJob, Job } from '../../job/job.ts';
import { JobStateError } from '../../job/job-errors.ts';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import { storedHistory } from '../../job/stored-lists.ts';
import type { Settlement } from '../../ledger/verbs/settle.ts';
import type { EndedRun } from './ended-run.ts';
import { settlementOf } from './settlement-of-run.ts';

/** How often the plan of a series may change under one `complete`. */
const MOST_ATTEMPTS_TO_COMPLETE = 5;

const CLAIM_LOST = 'the claim of this run does not stand any more';

/**
 * Writes the end of a run in the transaction of its handler.
 *
 * @throws JobStateError when the claim does not stand any more
 */
export async function completeInSession(
  { ledger, ledgerTime }: Pick<EngineContext, 'ledger' | 'ledgerTime'>,
  ended: EndedRun,
  session: Session,
): Promise<void> {
  const { _id: jobId, claimToken } = ended.job;
  let current: Job | null = ended.job;
  // The series may have been changed since the claim; then its next run is computed again.
  for (let attempt = 1; current?.claimToken === claimToken; attempt += 1) {
    const now = ledgerTime.now();
    const settlement = settlementOf(ended, now, { current });
    if (await ledger.completeInSession({ settlement, now, session })) return;
    if (attempt === MOST_ATTEMPTS_TO_COMPLETE) break;
    current = await ledger.getJob({ jobId });
  }
  const { from } = JOB_LIFECYCLE.transitions.complete;
  const status = current?.status ?? 'gone';
  throw new JobStateError({ _id: jobId, status }, 'complete', from, CLAIM_LOST);
}

/**
 * Whether this end of a run was written, and not, before it, the transaction of the handler committed: a failure leaves
 * an entry in the history, a committed transaction none. Never rejects.
 */
export async function isRecorded(
  { ledger, report }: Pick<EngineContext, 'ledger' | 'report'>,
  { _id: jobId, startedAt }: ClaimedJob,
  { verb }: Settlement,
): Promise<boolean> {
  try {
    const job = await ledger.getJob({ jobId });
    const startedMs = Number(startedAt);
    const ofThisRun = job && storedHistory(job).filter(({ at }) => at.getTime() >= startedMs);
    return ofThisRun?.some((entry) => entry.verb === verb) === true;
  } catch (error) {
    report(error);
    return true;
  }
}
