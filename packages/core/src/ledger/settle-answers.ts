/**
 * How a run's end is written, and what a write that did not match means.
 *
 * @module
 */
import type { HistoryEntry, Job } from '../job/job.ts';
import type { TransitionParams } from '../job/lifecycle.ts';
import { storedRecords } from '../job/stored-lists.ts';
import type { ManualAct } from './verbs/call.ts';
import type { SettleAnswer, Settlement } from './verbs/settle.ts';

/** The parameters the rows of the lifecycle table refer to. */
export function settlementParams(settlement: Settlement, now: Date): TransitionParams {
  const { verb, jobId: _jobId, fence: _fence, record, ...params } = settlement;
  return {
    now,
    ...params,
    ...(record && { historyEntries: historyEntries(verb, now, record) }),
  };
}

/** What a manual verb notes down: who asked for it, and why, where that was said. */
export function manualRecord({ by, reason }: ManualAct): Pick<HistoryEntry, 'by' | 'reason'> {
  return { ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) };
}

/** The entry of a request to cancel, as a parameter of the lifecycle table; none when nothing was said beside it. */
export function requestEntries(given: ManualAct, at: Date): TransitionParams {
  const record = manualRecord(given);
  const isNoted = Object.keys(record).length > 0;
  return isNoted ? { historyEntries: historyEntries('requestCancel', at, record) } : {};
}

/** The one new entry of a history, as a parameter of the lifecycle table. */
export function historyEntries(
  verb: string,
  at: Date,
  record: Omit<HistoryEntry, 'verb' | 'at'>,
): readonly HistoryEntry[] {
  return [{ verb, at, ...record }];
}

/** What a job must show so that {@link answerUnmatched} can judge it. */
export type SettledFields = Pick<
  Job,
  'status' | 'fence' | 'lastToken' | 'claimToken' | 'cancelRequestedAt' | 'seriesVersion' | 'gates'
>;

/** Says what a settlement that matched no job means, from the job as it was read afterwards. */
export function answerUnmatched(
  settlement: Settlement,
  stored: SettledFields | null,
): SettleAnswer {
  if (stored === null) return 'unknown';
  if (stored.lastToken === settlement.claimToken) return 'settled';
  if (stored.claimToken === settlement.claimToken) {
    if (stored.seriesVersion !== settlement.seriesVersion) return 'replanned';
    if (stored.cancelRequestedAt !== undefined) return 'cancelRequested';
    const isOpen = storedRecords(stored.gates).some(({ name }) => name === settlement.gate);
    return isOpen ? 'gateOpen' : 'refused';
  }
  if (stored.fence === settlement.fence) return 'lost';
  // A claim keeps lastToken: had an earlier try of ours landed, the next claim would still show it.
  const claimedNext = stored.fence === settlement.fence + 1 && stored.status === 'processing';
  return claimedNext ? 'lost' : 'unknown';
}

/** Why a job failed that was rescued up to the limit. */
export function rescueFailReason(rescueLimit: number): string {
  return `The instance that ran it died ${rescueLimit} times`;
}
