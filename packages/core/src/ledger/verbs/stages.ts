/**
 * What the verbs of stages and gates are given and what they answer.
 *
 * @module
 */
import type { GateRecord, Job, StageRecord } from '../../job/job.ts';
import type { Bounded, JobParams, ManualAct } from './call.ts';

export interface CheckpointParams extends JobParams {
  readonly claimToken: string;
  /** The stage that is finished. A resend carries the same time. */
  readonly record: StageRecord;
  /** The name of the job, for a codec. */
  readonly name?: string;
  /** The names of the stages before it: just these must be recorded, in this order. */
  readonly stagesBefore: readonly string[];
  /** The gates before it: all of them must have been opened. */
  readonly gatesBefore: readonly string[];
  readonly now: Date;
}

export interface CheckpointResult {
  /**
   * `recorded`: it stands in the ledger, by this call or by an earlier try of the same; `refused`: other stages are
   * recorded than it was said, or a gate before it is closed; `lost`: the claim does not stand any more.
   */
  readonly outcome: 'recorded' | 'refused' | 'lost';
  /** True when somebody asked to cancel the job. */
  readonly isCancelRequested: boolean;
  /** The names of the gates that were opened so far. */
  readonly openGates: readonly string[];
}

export interface OpenGateParams extends JobParams, ManualAct {
  /** The gate with the evidence. Who is bound to the ledger as an actor takes the place of its `by`. */
  readonly record: GateRecord;
  /** The name of the job, for a codec. */
  readonly name?: string;
  readonly now: Date;
}

export interface OpenGateResult {
  /**
   * `unblocked`: the job waited at this gate and is pending; `opened`: the job has not come to the gate; `open`: the
   * gate was opened before, and nothing was written; `refused`: the job is finished; `missing`: there is none.
   */
  readonly outcome: 'unblocked' | 'opened' | 'open' | 'refused' | 'missing';
  /** The job after the call; null when it is missing. */
  readonly job: Job | null;
}

export interface ExpireGatesParams extends Bounded {
  readonly now: Date;
  /** How many jobs to look at in one call. */
  readonly limit: number;
}

export interface ExpireGatesResult {
  /** How many jobs failed since the gate that they waited at was not opened in time. */
  readonly failed: number;
  /** Those of them that hold their orders up by that; absent when there is none. */
  readonly halted?: readonly Job[];
  /** How many jobs of series went on with their next run instead. */
  readonly pending: number;
}
