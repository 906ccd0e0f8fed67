/**
 * How a run's end is written, and what a write that did not match tells.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { HistoryEntry, Job, StageRecord } from '../job/job.ts';
import type { TransitionParams } from '../job/lifecycle.ts';
import type { ByHand } from './verbs/record-verbs.ts';

/** The verbs with which the holder of a claim ends it. */
export type SettleVerb =
  | 'complete'
  | 'repeat'
  | 'repeatAfterFailure'
  | 'retry'
  | 'snooze'
  | 'block'
  | 'release'
  | 'fail'
  | 'discard'
  | 'cancelled'
  | 'cancelByHandler';

/** How one run ended, to be written under the claim it ran under. */
export interface Settlement {
  readonly verb: SettleVerb;
  readonly jobId: ObjectId;
  readonly claimToken: string;
  /** The fence the job had when this claim was read. */
  readonly fence: number;
  /** The version of the series that was reckoned with; left out for a job that never was part of one. */
  readonly seriesVersion?: number;
  /** For verbs that make the job pending at another time: when it runs again. */
  readonly nextRunAt?: Date;
  /** For repeat and repeatAfterFailure: the time of the plan that the next run stands for. */
  readonly scheduledFor?: Date;
  /** For retry, fail and discard: why. */
  readonly failReason?: string;
  /** For retry and fail: the fail count from which one more failure is the last, `maxRetries - 1`. */
  readonly lastFailCount?: number;
  /** For complete and repeat: what the handler returned. */
  readonly result?: unknown;
  /** With a result: the name of the job, for a codec. */
  readonly name?: string;
  /** For release: the lock of a key that is held until its job starts, which this job did not. */
  readonly startLock?: string;
  /** For the run of a job with stages: the names of those that must be recorded, no other and in this order. */
  readonly stagesBefore?: readonly string[];
  /** For the end of the last stage: the gates that must have been opened. */
  readonly gatesBefore?: readonly string[];
  /** For complete: the record of the last stage. */
  readonly stageRecords?: readonly StageRecord[];
  /** For block: the gate, which must not have been opened. */
  readonly gate?: string;
  /** For block: when the job fails that still waits at the gate. */
  readonly blockedUntil?: Date;
  /** What the handler told of its progress and is not stored yet. */
  readonly progress?: unknown;
  /** Lines that the handler logged and that are not stored yet. */
  readonly logLines?: readonly string[];
  /** What is noted down in the history; nothing by default. */
  readonly record?: Omit<HistoryEntry, 'verb' | 'at'>;
}

/**
 * What became of a settlement.
 *
 * - `settled`: it stands in the ledger, by this write or by an earlier try of the same
 * - `cancelRequested`: nothing was written; somebody asked to cancel, so the claim must end as cancelled
 * - `replanned`: nothing was written; the series was changed meanwhile, so the next run must be reckoned anew
 * - `gateOpen`: nothing was written; the gate was opened meanwhile, so the job need not wait at it
 * - `lost`: nothing was written; the claim was ended by others, or the job was claimed again
 * - `unknown`: nothing was written now; the job went on too far, or is gone, so an earlier try may have landed or not
 * - `refused`: nothing was written; the claim is still held and a guard of the verb said no
 */
export type SettleAnswer =
  | 'settled'
  | 'cancelRequested'
  | 'replanned'
  | 'gateOpen'
  | 'lost'
  | 'unknown'
  | 'refused';

/** The parameters the rows of the lifecycle table refer to. */
export function settlementParams(settlement: Settlement, now: Date): TransitionParams {
  const { verb, jobId: _jobId, fence: _fence, record, ...params } = settlement;
  return {
    now,
    ...params,
    ...(record && { historyEntries: historyEntries(verb, now, record) }),
  };
}

/** What a verb by hand notes down: who asked for it, and why, where that was said. */
export function handRecord({
  by,
  reason,
}: ByHand & Pick<HistoryEntry, 'reason'>): Pick<HistoryEntry, 'by' | 'reason'> {
  return { ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) };
}

/** The entry of a request to cancel, as a parameter of the lifecycle table; none when nothing was said beside it. */
export function requestEntries(
  given: ByHand & Pick<HistoryEntry, 'reason'>,
  at: Date,
): TransitionParams {
  const record = handRecord(given);
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
    const isOpen = stored.gates?.some(({ name }) => name === settlement.gate) ?? false;
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
