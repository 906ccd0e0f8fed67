/**
 * What a ledger announces to those who watch it.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';

/** News from a ledger that is watched. A hint may be missing or come twice; polling stands behind it. */
export type LedgerHint =
  /** A job became pending; without a name where only its id is known, without a time where it is due at once. */
  | { readonly kind: 'due'; readonly name?: string; readonly dueAt?: Date }
  /** A name was paused or resumed. */
  | { readonly kind: 'pausesChanged' }
  /** What a limit allows was changed, or an instance gave some of its share back, or wants more. */
  | { readonly kind: 'limitsChanged' }
  /** Somebody asked to cancel a job that is processing. */
  | { readonly kind: 'cancelRequested'; readonly jobId: ObjectId }
  /** Hints flow from here on; what came before may have been missed. */
  | { readonly kind: 'opened' }
  /** No hints until the next `opened`. */
  | { readonly kind: 'interrupted'; readonly error: Error }
  /** The ledger's clock may be another one now, as after a failover. */
  | { readonly kind: 'clockChanged' };

/** A watch that was set up. */
export interface LedgerWatch {
  /** Undefined when hints will flow; else why this ledger cannot give any. */
  readonly unsupported?: string;
  /**
   * Present where hints are costly: puts them to rest, or calls for them again, which `opened` then answers. Hints of
   * the clock come all the same.
   */
  rest?(isResting: boolean): void;
  close(): Promise<void>;
}
