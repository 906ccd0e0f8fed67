/**
 * Transactions of the driver, and the marks that are set in them: one small document a mark, in `<collection>.marks`.
 *
 * What always holds: a mark is there if and only if the transaction that set it was committed. An insert that meets a key
 * aborts its transaction for good, so a mark is an upsert by its id: it meets what was committed before the transaction
 * began, and conflicts with what was committed since, or is open, which the driver tells apart by a label.
 *
 * @module
 */
import type { Collection, Db, TransactionOptions } from 'mongodb';
import type { Session } from '../../../foundation/driver-shapes.ts';
import { toError, UnsupportedError } from '../../../foundation/errors.ts';
import type { LedgerTransactions, MarkParams } from '../../transactions.ts';
import type { Commands } from '../server/commands.ts';
import { IndexOnUse } from '../server/index-on-use.ts';
import type { NamedIndex } from '../server/indexes.ts';
import { driverSession } from '../server/server-checks.ts';

/** Takes marks away whose time is over. */
const MARK_INDEX: NamedIndex = {
  name: 'monque_marks',
  key: { expiresAt: 1 },
  expireAfterSeconds: 0,
};

const OPTIONS: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority' },
  readPreference: 'primary',
};

/** What a standalone server says to the first command of a transaction; its code stands for more than that. */
const NO_TRANSACTIONS = /^Transaction numbers are only allowed/;

/** The stored form of a mark. */
export interface MarkDocument {
  readonly _id: Pick<MarkParams, 'kind' | 'name' | 'id'>;
  readonly expiresAt: Date;
  /** How often it was counted at. */
  readonly count?: number;
}

/** What transactions are made from. */
export interface TransactionParts {
  readonly db: Db;
  readonly marks: Collection<MarkDocument>;
  readonly commands: Commands;
  /** False where somebody else makes indexes. */
  readonly mayMake: boolean;
}

/** Runs transactions, and sets marks in them. */
export class MongoTransactions implements LedgerTransactions {
  readonly #parts: TransactionParts;
  readonly #index: IndexOnUse<MarkDocument>;

  constructor(parts: TransactionParts) {
    this.#parts = parts;
    const { marks: collection, commands, mayMake } = parts;
    this.#index = new IndexOnUse({ collection, commands, mayMake, index: MARK_INDEX });
  }

  async run<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#parts.db.client.startSession();
    try {
      return await session.withTransaction(() => work(session), OPTIONS);
    } catch (thrown) {
      const error = toError(thrown);
      if (!NO_TRANSACTIONS.test(saidByServer(error))) throw thrown;
      const message =
        'The MongoDB server has no transactions: it needs a replica set, of one member too';
      throw new UnsupportedError(message, { cause: error });
    } finally {
      await session.endSession();
    }
  }

  async setMark({ session, expiresAt, ...mark }: MarkParams): Promise<boolean> {
    await this.#index.ready();
    const { marks, commands } = this.#parts;
    const { upsertedCount } = await marks.updateOne(
      { _id: idOf(mark) },
      { $setOnInsert: { expiresAt } },
      { ...commands.writeOptions(driverSession(session)), upsert: true },
    );
    return upsertedCount === 1;
  }

  async countAtMark({ session, expiresAt, ...mark }: MarkParams): Promise<void> {
    await this.#index.ready();
    const { marks, commands } = this.#parts;
    await marks.updateOne(
      { _id: idOf(mark) },
      { $inc: { count: 1 }, $set: { expiresAt } },
      { ...commands.writeOptions(driverSession(session)), upsert: true },
    );
  }
}

/** The fields of an id have an order. */
function idOf({ kind, name, id }: MarkDocument['_id']): MarkDocument['_id'] {
  return { kind, name, id };
}

/** The driver takes what a standalone server says for a lack of retries, and keeps it behind its own words. */
function saidByServer(error: Error): string {
  const original: unknown = Reflect.get(error, 'originalError');
  return original instanceof Error ? original.message : error.message;
}
