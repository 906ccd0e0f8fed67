/**
 * What can go wrong with one call of a ledger, and how it is drawn.
 *
 * @module
 */
import type { Random } from '../foundation/random.ts';
import type { LedgerVerb } from '../ledger/ledger-repository.ts';

/** The verbs that faults can be put on: the methods of a ledger, and `hint` for each hint on its way to a watch. */
export type FaultyVerb = LedgerVerb | 'hint';

/** What goes wrong with one call. */
export interface Fault {
  /** Milliseconds the request is on its way; with 0 it arrives at once. */
  readonly delayBeforeMs?: number;
  /** Milliseconds the answer is on its way; with 0 it comes back at once. */
  readonly delayAfterMs?: number;
  /**
   * `before`: the request is lost, nothing happens. `after`: it is carried out and the answer is lost. `partial`: a
   * part of the batch is carried out, then all is lost; like `after` for a call that is no batch. A read or a hint
   * that fails is just lost.
   */
  readonly fail?: 'before' | 'after' | 'partial';
  /** Carries an enqueue or a settle out in two parts, with this many milliseconds between them. */
  readonly splitMs?: number;
  /** Called, and waited for, when the call has arrived, before anything is carried out. */
  readonly onArrival?: () => unknown;
  /** Called, and waited for, when the answer or the failure has come back, before the caller gets it. */
  readonly onReply?: () => unknown;
}

/** One call, as it is shown to who chooses the faults. */
export interface FaultyCall {
  readonly verb: FaultyVerb;
  readonly params: unknown;
}

/** One call as it was carried out; calling the same verbs with the same params in order does the same again. */
export interface CarriedOutCall extends FaultyCall {
  readonly answer: unknown;
}

/** How often which fault befalls a call: fractions of all calls. */
export interface FaultRates {
  /** The request is lost. @default 0 */
  readonly failBefore?: number;
  /** The call is carried out and reported as failed. @default 0 */
  readonly failAfter?: number;
  /** A part of a batch is carried out and all is reported as failed. @default 0 */
  readonly failPartial?: number;
  /** The longest delay of a request and of an answer, in milliseconds; each is drawn again. @default 0 */
  readonly delayMs?: number;
}

/** Draws faults from a seeded source, so that a run can be repeated: `new SeededRandom(7)`. */
export function seededFaults(random: Random, rates: FaultRates): (call: FaultyCall) => Fault {
  const { failBefore = 0, failAfter = 0, failPartial = 0, delayMs = 0 } = rates;
  return () => {
    const delays = {
      delayBeforeMs: random.fraction() * delayMs,
      delayAfterMs: random.fraction() * delayMs,
    };
    const drawn = random.fraction();
    if (drawn < failBefore) return { ...delays, fail: 'before' };
    if (drawn < failBefore + failAfter) return { ...delays, fail: 'after' };
    if (drawn < failBefore + failAfter + failPartial) return { ...delays, fail: 'partial' };
    return delays;
  };
}
