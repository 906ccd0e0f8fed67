/**
 * Rules of a ledger beyond the table of its states: what must hold for a write, of the record and of all others.
 *
 * @module
 */
import type { RuleBreach } from '../foundation/errors.ts';
import type { LedgerView } from '../store/record-store.ts';
import type { ChangedBy, LedgerRecord } from './record.ts';

/** What a rule may look at. The records are as all writes before this one left them. */
export interface RuleContext<State extends string = string> {
  readonly verb: string;
  /** The record before the write; for `add`, what is added. */
  readonly record: LedgerRecord<State>;
  /** What the verb was given. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly by: ChangedBy;
  readonly view: LedgerView;
}

/** What must hold for some verbs. */
export interface LedgerRule<State extends string = string> {
  /** The name that errors carry. */
  readonly name: string;
  /** The verbs it binds; `add` is one. */
  readonly verbs: readonly string[];
  /** Undefined when the rule holds; otherwise what is wrong. */
  check(context: RuleContext<State>): RuleBreach | undefined | Promise<RuleBreach | undefined>;
}
