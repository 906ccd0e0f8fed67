/**
 * What a ledger can do that has transactions, beside its verbs.
 *
 * @module
 */
import type { Session } from '../foundation/driver-shapes.ts';

/** Which mark is meant: one of a kind, of an inbox or an outbox, by its id. */
export interface MarkParams {
  readonly kind: 'inbox' | 'outbox' | 'order';
  /** The name of the inbox or the outbox. */
  readonly name: string;
  readonly id: string;
  /** By the ledger's clock; from then on the mark may be forgotten. */
  readonly expiresAt: Date;
  /** Its transaction is on. */
  readonly session: Session;
}

/** Transactions of a ledger. Errors are those of the driver, as `withTransaction` needs them. */
export interface LedgerTransactions {
  /**
   * Calls `work` in a transaction: committed when it resolves, aborted when it rejects. Where transactions can conflict
   * it is called again after a conflict.
   *
   * @returns what `work` returned
   * @throws UnsupportedError when the server has no transactions
   */
  run<T>(work: (session: Session) => Promise<T>): Promise<T>;

  /**
   * Sets a mark; false when it was set before. Of two transactions that set one at the same time, one fails with an error
   * that lets it be tried again.
   */
  setMark(params: MarkParams): Promise<boolean>;

  /** Counts at a mark, so that of two transactions that do so at the same time, one fails and is tried again. */
  countAtMark(params: MarkParams): Promise<void>;
}
