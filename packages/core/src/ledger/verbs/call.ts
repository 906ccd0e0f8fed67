/**
 * What every verb of a ledger may be given, whatever it does.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';

/** A bound on the time of one call, for calls that need another than the ledger's own. */
export interface Bounded {
  /** Milliseconds until the call counts as unanswered. */
  readonly deadlineMs?: number;
}

/** Who asked for a manual verb, and why; both stand in the history of the job where the verb is noted there. */
export interface ManualAct {
  /** The actor, where the ledger is used as one. */
  readonly by?: string;
  readonly reason?: string;
}

export interface JobParams extends Bounded, ManualAct {
  readonly jobId: ObjectId;
}

export interface InstanceParams extends Bounded {
  readonly instanceId: string;
}
