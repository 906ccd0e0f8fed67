/**
 * A unit of work: one transaction for jobs, messages and the user's own writes; and the inbox, which does the work of a
 * message once.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import { type Check, checkFunction, text } from '../foundation/argument-checks.ts';
import type { Session } from '../foundation/driver-shapes.ts';
import { UnsupportedError } from '../foundation/errors.ts';
import type { LedgerTransactions } from '../ledger/ledger-repository.ts';
import {
  checkInboxOptions,
  checkStarted,
  DEFAULT_KEEP_FOR,
  type InboxOptions,
} from '../options/transaction-options.ts';

const LONGEST_NAME = 256;
const LONGEST_ID = 512;

/** Checks the name of an inbox. */
const checkInboxName = text(LONGEST_NAME);

/** Checks the id of a message. */
const checkMessageId: Check = text(LONGEST_ID);

/** What the parts here need of a scheduler. */
export type TransactionContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'options' | 'ready'>;

/** The transactions of the ledger. @throws UnsupportedError when it has none */
export function transactionsOf({ ledger }: TransactionContext): LedgerTransactions {
  const { transactions } = ledger;
  if (transactions !== undefined) return transactions;
  throw new UnsupportedError(
    'This ledger has no transactions; use MongoDB, or in a unit test makeTestMonque()',
  );
}

/** Calls `work` in a transaction of the ledger's. */
export async function runTransaction<T, S extends Session>(
  context: TransactionContext,
  work: (session: S) => Promise<T>,
): Promise<T> {
  checkFunction('work', work);
  const transactions = transactionsOf(context);
  // What is made with the first call cannot be made in a transaction.
  await context.ready();
  return transactions.run((session) => work(session as S));
}

/**
 * Remembers which messages were worked on, in the transaction of the work itself, so that a message that comes twice has
 * its effects once.
 */
export class Inbox {
  readonly #context: TransactionContext;
  readonly #name: string;
  readonly #keepFor: number;

  /** @param name - whose messages: 1 to 256 characters; each name remembers for itself */
  constructor(context: TransactionContext, name: string, options: InboxOptions = {}) {
    checkInboxName('name', name);
    checkInboxOptions(options);
    this.#context = context;
    this.#name = name;
    this.#keepFor = options.keepFor ?? DEFAULT_KEEP_FOR;
  }

  /**
   * Does the work of a message if nobody has: `work` is to write with `session`. What it throws is thrown on, so that the
   * transaction is aborted and the message not remembered.
   *
   * @param id - of the message, 1 to 512 characters
   * @param session - with a started transaction
   * @returns false when it was done before; then `work` is not called
   * @throws UnsupportedError when the ledger has no transactions
   */
  async once(id: string, session: Session, work: () => unknown): Promise<boolean> {
    checkMessageId('id', id);
    checkStarted('session', session);
    checkFunction('work', work);
    const isNew = await setMark(this.#context, {
      ...{ kind: 'inbox', name: this.#name, id, keepFor: this.#keepFor, session },
    });
    if (isNew) await work();
    return isNew;
  }
}

/** Which id is remembered of whom, and for how long. */
export interface Mark {
  readonly kind: 'inbox' | 'outbox';
  readonly name: string;
  readonly id: string;
  readonly keepFor: number;
  readonly session: Session;
}

/** Remembers an id, by the ledger's clock; false when it was remembered before. */
export async function setMark(
  context: TransactionContext,
  { keepFor, ...mark }: Mark,
): Promise<boolean> {
  const transactions = transactionsOf(context);
  await context.ready();
  return transactions.setMark({ ...mark, expiresAt: after(context, keepFor) });
}

/** The time so many milliseconds from now, by the ledger's clock. */
export function after({ ledgerTime }: TransactionContext, ms: number): Date {
  return new Date(ledgerTime.now().getTime() + ms);
}
