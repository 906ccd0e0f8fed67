/**
 * The contract of a ledger: the record of all jobs, and the only thing that changes their state.
 *
 * What each verb promises stands in {@link LedgerVerbs}. The base class checks and bounds every call; an implementation
 * writes the verbs and only stores.
 *
 * @module
 */
import { GuardedCalls, LEDGER_BRAND, type LedgerRepositoryOptions } from './guarded-calls.ts';
import type { LedgerTransactions } from './transactions.ts';
import type { LedgerHint, LedgerWatch } from './verbs/params-and-answers.ts';
import {
  LEDGER_VERBS,
  type LedgerVerb,
  type LedgerVerbs,
  type ParamsOf,
} from './verbs/verb-table.ts';
import { type Actor, boundTo, checkActor } from './views/actor-view.ts';

export {
  DEFAULT_OPERATION_TIMEOUT,
  type LedgerMetrics,
  type LedgerRepositoryOptions,
} from './guarded-calls.ts';
export type { LedgerHealth } from './ledger-calls.ts';
export { SUSPECT_RESCUE_COUNT } from './suspects.ts';
export type { LedgerTransactions, MarkParams } from './transactions.ts';
export { MOST_NAMES_A_CLAIM } from './verb-checks.ts';
export { gathered } from './verbs/around.ts';
export type * from './verbs/params-and-answers.ts';
export type {
  AnswerOf,
  ClaimVerbs,
  ClockVerbs,
  CountVerbs,
  JobVerbs,
  LeaseVerbs,
  LedgerVerb,
  LedgerVerbs,
  LimitVerbs,
  ParamsOf,
} from './verbs/verb-table.ts';
export type { Access, AccessQuestion, Actor } from './views/actor-view.ts';

/** The class of a store that has a method for each verb, which {@link LedgerRepository} gives it. */
const StoreWithVerbs = GuardedCalls as abstract new (
  options?: LedgerRepositoryOptions,
) => GuardedCalls & LedgerVerbs;

/**
 * Base class of all ledgers, with a method for each verb of {@link LedgerVerbs}. Every verb opens the ledger when it is
 * not open yet.
 *
 * Errors of every verb: `UnknownOutcomeError` when a write was sent and not answered; `ConnectionError` when the
 * ledger could not be reached or did not answer a read; anything else is final.
 */
export abstract class LedgerRepository extends StoreWithVerbs {
  static {
    for (const verb of LEDGER_VERBS) LedgerRepository.#define(verb);
  }

  static #define<V extends LedgerVerb>(verb: V): void {
    const value = function (this: LedgerRepository, params = {} as ParamsOf<V>) {
      return this.call(verb, params);
    };
    const method = { value, writable: true, configurable: true };
    Object.defineProperty(LedgerRepository.prototype, verb, method);
  }

  /**
   * This ledger as an actor may use it: the hook `access.may` is asked before each verb, and what is done manually bears
   * the id of the actor in the history. A view of a view asks for both actors, and the first is the one that stands in
   * the history.
   *
   * @throws InvalidArgumentError when it is no actor; the verbs throw AccessDeniedError
   */
  as(actor: Actor): LedgerRepository {
    return boundTo(this, checkActor('actor', actor), this.access);
  }

  /** What a ledger that has transactions can do in them; undefined for one that has none. */
  get transactions(): LedgerTransactions | undefined {
    return undefined;
  }

  /** Sends hints to the listener until the watch is closed. The listener must not throw. */
  async watch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch> {
    await this.open();
    return this.performWatch(listener);
  }
}

/** True for a ledger of this or another copy of this package. */
export function isLedgerRepository(value: unknown): value is LedgerRepository {
  return (
    typeof value === 'object' && value !== null && 'brand' in value && value.brand === LEDGER_BRAND
  );
}
