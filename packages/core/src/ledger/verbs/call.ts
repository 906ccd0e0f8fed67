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

/** Who asked for a verb by hand; it stands in the history as `by`. */
export interface ByHand {
  /** The actor, where the ledger is used as one. */
  readonly by?: string;
}

export interface JobParams extends Bounded, ByHand {
  readonly jobId: ObjectId;
}

export interface InstanceParams extends Bounded {
  readonly instanceId: string;
}
