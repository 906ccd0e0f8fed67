/**
 * Ending claims, and what a run says while it has one: what the verbs are given and answer.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { Session } from '../../foundation/driver-shapes.ts';
import type { DeadLetterSource, HistoryEntry, StageRecord } from '../../job/job.ts';
import type { Bounded, JobParams } from './call.ts';

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
  | 'bury'
  | 'cancelled'
  | 'cancelByHandler';

/** How one run ended, to be written under the claim it ran under. */
export interface Settlement {
  readonly verb: SettleVerb;
  readonly jobId: ObjectId;
  readonly claimToken: string;
  /** The fence the job had when this claim was read. */
  readonly fence: number;
  /** The version of the series that was computed with; left out for a job that never was part of one. */
  readonly seriesVersion?: number;
  /** For verbs that make the job pending at another time: when it runs again. */
  readonly nextRunAt?: Date;
  /** For repeat and repeatAfterFailure: the time of the plan that the next run stands for. */
  readonly scheduledFor?: Date;
  /** For retry, fail, discard and bury: why. */
  readonly failReason?: string;
  /** For retry and fail: the fail count from which one more failure is the last, `maxRetries - 1`. */
  readonly lastFailCount?: number;
  /** For bury: the name under which the job waits from now on. */
  readonly deadLetter?: string;
  /** For bury: where it failed. */
  readonly source?: DeadLetterSource;
  /** For complete and repeat: what the handler returned. */
  readonly result?: unknown;
  /** With a result: the name that the job was enqueued under, for a codec. */
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
  /** What the handler reported of its progress and is not stored yet. */
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
 * - `replanned`: nothing was written; the series was changed meanwhile, so the next run must be computed again
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

export interface SettleParams extends Bounded {
  readonly settlements: readonly Settlement[];
  readonly now: Date;
}

export interface SettleResult {
  /** One answer a settlement, in order. */
  readonly answers: readonly SettleAnswer[];
}

export interface NoteParams extends JobParams {
  readonly claimToken: string;
  readonly progress?: unknown;
  readonly logLines?: readonly string[];
  readonly now: Date;
}

export interface CompleteInSessionParams extends Bounded {
  readonly settlement: Settlement;
  readonly now: Date;
  /** The user's transaction, in which the claim ends. */
  readonly session: Session;
}
