/**
 * A record of a ledger: its id, its state, its typed fields and what happened to it.
 *
 * @module
 */

/** One thing that happened to a record. */
export interface HistoryEntry {
  /** When, in whole seconds; absent for a line of a file that names no time. */
  readonly at?: Date;
  /** The verb; `log` for a remark, `note` for a line of a file that is neither. */
  readonly verb: string;
  /** The state before; absent when it did not change. */
  readonly from?: string;
  /** The state after; absent when it did not change. */
  readonly to?: string;
  /** Who did it. */
  readonly actor?: string;
  /** The run in which it was done. */
  readonly run?: string;
  /** Why, or what was remarked: one line. */
  readonly reason?: string;
}

/** A record as every store keeps it. */
export interface LedgerRecord<State extends string = string> {
  /** 1 to 100 letters, digits, dots, hyphens and underscores; begins with a letter or a digit. */
  readonly id: string;
  readonly status: State;
  readonly createdAt?: Date;
  /** When it was last changed. */
  readonly updatedAt?: Date;
  /** What happened to it, newest last. */
  readonly history: readonly HistoryEntry[];
  readonly [field: string]: unknown;
}

/** Who changes a record, and why. */
export interface ChangedBy {
  /** Who: 1 to 100 characters without a colon, on one line. */
  readonly actor: string;
  /** Why: kept in the history, on one line. */
  readonly reason?: string;
  /** The run in which it is done, such as `run-001`. */
  readonly run?: string;
}

/** What an id looks like. */
export const ID_PATTERN: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** True when two values of fields are the same: dates by their time, lists and objects by what they hold. */
export function isSameValue(one: unknown, other: unknown): boolean {
  if (one instanceof Date && other instanceof Date) return one.getTime() === other.getTime();
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) {
    return one === other;
  }
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  return (
    Object.keys(one).every((key) => isSameValue(Reflect.get(one, key), Reflect.get(other, key))) &&
    Object.keys(other).every(
      (key) => Reflect.has(one, key) || Reflect.get(other, key) === undefined,
    )
  );
}
