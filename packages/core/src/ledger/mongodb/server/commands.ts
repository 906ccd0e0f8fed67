/**
 * How a command is sent: with every concern and option stated, whatever the user's `Db` is set to, and without the
 * driver's own retries, which would cover only some of the writes in flight.
 *
 * @module
 */
import type {
  AggregateOptions,
  ClientSession,
  Db,
  Document,
  FindOptions,
  WithId,
  WriteConcernSettings,
} from 'mongodb';
import { BSON_OPTIONS } from '../../../job/payload.ts';
import type { DeleteStatement } from '../engine-queries.ts';
import type { UpdateStatement } from '../lifecycle-statements.ts';
import { isTooLarge, isTransient, isUnwritable } from './driver-errors.ts';

/** Acknowledgement of writes: by the majority of the replica set, or by the primary alone. */
export type WriteConcernOption = 'majority' | 1;

/** The most statements in one update command. */
const MOST_STATEMENTS = 1_000;

/** More documents than any read of the engine asks for, so that one reply brings them all. */
const MOST_A_REPLY = 10_000;

/** Codes of updates that a number or a list was expected for, and that found something else. */
const UNFIT_FIELD_CODES: ReadonlySet<unknown> = new Set([
  2, // BadValue
  14, // TypeMismatch
]);

/** A write that waits like any other, and finds nothing to change. */
const NO_CHANGE = { q: { _id: { $in: [] } }, u: { $unset: { _: '' } }, multi: true };

/** Sends the commands of one collection. */
export class Commands {
  readonly #db: Db;
  readonly #collectionName: string;
  readonly #maxTimeMs: number;
  readonly #writeConcern: WriteConcernSettings;

  constructor(db: Db, collectionName: string, writeConcern: WriteConcernOption, maxTimeMs: number) {
    this.#db = db;
    this.#collectionName = collectionName;
    this.#writeConcern = { w: writeConcern };
    this.#maxTimeMs = maxTimeMs;
  }

  /** Options of a read on the primary, in as few replies as their size allows. */
  readOptions(readConcern: 'local' | 'majority' = 'local'): FindOptions {
    return { ...this.#readConcerns(readConcern), batchSize: MOST_A_REPLY };
  }

  /**
   * A read on the primary as one command with one reply, which is decoded in one go: half of what a cursor costs a
   * document. What does not go in 16 MB is left out.
   */
  async findInOneReply(filter: Document, query: Document): Promise<WithId<Document>[]> {
    const { readConcern, maxTimeMS, readPreference, ...bson } = this.#readConcerns('local');
    const { cursor } = await this.#db.command(
      {
        ...{ find: this.#collectionName, filter, ...query },
        ...{ batchSize: MOST_A_REPLY, singleBatch: true, readConcern, maxTimeMS },
      },
      { ...bson, readPreference },
    );
    return cursor.firstBatch;
  }

  /** Options of a read inside a transaction of the user's, which states its own concerns; else those of any read. */
  readOptionsIn(session: ClientSession | undefined): FindOptions {
    if (session?.inTransaction()) return { ...BSON_OPTIONS, session };
    return { ...this.readOptions(), ...(session && { session }) };
  }

  /** Options of a read that is made of stages. */
  aggregateOptions(): AggregateOptions {
    return { ...this.#readConcerns('local'), cursor: { batchSize: MOST_A_REPLY } };
  }

  /** Options of a single-document write, which the driver may send once more. */
  writeOptions(session?: ClientSession): Document {
    if (session?.inTransaction()) return { ...BSON_OPTIONS, session };
    return {
      ...BSON_OPTIONS,
      ...(session && { session }),
      writeConcern: this.#writeConcern,
      maxTimeMS: this.#maxTimeMs,
    };
  }

  /** Inserts documents in any order and gives the errors of single ones. */
  async insert(documents: readonly Document[]): Promise<WriteErrorDocument[]> {
    try {
      const reply = await this.#send({
        insert: this.#collectionName,
        documents,
        ordered: false,
      });
      return refusals(reply);
    } catch (error) {
      if (!isUnfit(error, documents)) throw error;
      return documents.length === 1
        ? [{ index: 0, errmsg: error.message }]
        : this.#insertInHalves(documents);
    }
  }

  /** A command that is too large, or that could not be written down, was not executed at all. */
  async #insertInHalves(documents: readonly Document[]): Promise<WriteErrorDocument[]> {
    const middle = Math.ceil(documents.length / 2);
    const first = await this.insert(documents.slice(0, middle));
    const second = await this.insert(documents.slice(middle));
    return [...first, ...second.map((error) => ({ ...error, index: error.index + middle }))];
  }

  /** Runs statements in any order. What the server refuses for one document does not keep the others back. */
  async update(statements: readonly UpdateStatement[]): Promise<UpdateCounts> {
    const counts = { matched: 0, refused: 0 };
    for (let start = 0; start < statements.length; start += MOST_STATEMENTS) {
      const { matched, refused } = await this.#updateSome(
        statements.slice(start, start + MOST_STATEMENTS),
      );
      counts.matched += matched;
      counts.refused += refused;
    }
    return counts;
  }

  /**
   * Changes the one document of a statement and gives it as it is then; null when none matches. What the server refuses
   * for the document is undefined: nothing was changed.
   */
  async updateOne({
    q,
    u,
    hint,
  }: Omit<UpdateStatement, 'multi'>): Promise<WithId<Document> | null | undefined> {
    try {
      const change = { query: q, update: u, new: true, hint };
      return (await this.#send({ findAndModify: this.#collectionName, ...change })).value;
    } catch (error) {
      if (isTransient(error) || !(error instanceof Error && 'code' in error)) throw error;
      return undefined;
    }
  }

  async #updateSome(statements: readonly UpdateStatement[]): Promise<UpdateCounts> {
    const updates = statements.map(({ q, u, multi, hint }) => ({ q, u, multi, hint }));
    try {
      const reply = await this.#send({ update: this.#collectionName, updates, ordered: false });
      const errors = refusals(reply);
      const again = errors.flatMap(({ index, code }) =>
        statements.slice(index, index + 1).flatMap((statement) => triesOfOne(statement, code)),
      );
      return {
        matched: reply.n + (await this.update(again)).matched,
        refused: errors.length,
      };
    } catch (error) {
      if (!isUnfit(error, updates)) throw error;
      return statements.length === 1
        ? { matched: 0, refused: 1 }
        : this.#updateInHalves(statements);
    }
  }

  /** A command that is too large, or that could not be written down, was not executed at all. */
  async #updateInHalves(statements: readonly UpdateStatement[]): Promise<UpdateCounts> {
    const middle = Math.ceil(statements.length / 2);
    const first = await this.#updateSome(statements.slice(0, middle));
    const second = await this.#updateSome(statements.slice(middle));
    return {
      matched: first.matched + second.matched,
      refused: first.refused + second.refused,
    };
  }

  /** Changes documents, makes those that are missing, and gives the errors of single ones. */
  async upsert(
    statements: readonly Pick<UpdateStatement, 'q' | 'u'>[],
  ): Promise<WriteErrorDocument[]> {
    const updates = statements.map(({ q, u }) => ({ q, u, upsert: true }));
    return refusals(await this.#send({ update: this.#collectionName, updates, ordered: false }));
  }

  /** Deletes what matches the statements, and gives the number of documents. */
  async remove(deletes: readonly DeleteStatement[]): Promise<number> {
    if (deletes.length === 0) return 0;
    const reply = await this.#send({ delete: this.#collectionName, deletes, ordered: false });
    refusals(reply);
    return reply.n;
  }

  /**
   * Resolves when the majority has confirmed all that the primary wrote so far. It may have more than that: a primary
   * that was just elected, or whose members lag behind, shows such writes to no majority read.
   */
  async confirmPast(): Promise<void> {
    await this.#send({ update: this.#collectionName, updates: [NO_CHANGE] }, { w: 'majority' });
  }

  #readConcerns(level: 'local' | 'majority') {
    return {
      ...BSON_OPTIONS,
      readPreference: 'primary',
      readConcern: { level },
      maxTimeMS: this.#maxTimeMs,
    } as const;
  }

  #send(
    command: Document,
    writeConcern: WriteConcernSettings = this.#writeConcern,
  ): Promise<Document> {
    return this.#db.command(
      { ...command, writeConcern, maxTimeMS: this.#maxTimeMs },
      { ...BSON_OPTIONS, readPreference: 'primary' },
    );
  }
}

/**
 * True when a command was not executed since of its parts one is to blame: it is too large, or has a value that BSON
 * cannot hold. The driver says so before it sends anything; what it says of the connection is no such error.
 */
function isUnfit(error: unknown, parts: readonly Document[]): error is Error {
  if (isTooLarge(error)) return true;
  return error instanceof Error && !isTransient(error) && parts.some(isUnwritable);
}

/** What became of the statements of an update. */
export interface UpdateCounts {
  /** Documents that are known to have matched. */
  readonly matched: number;
  /** Statements that ended with an error; some of their documents may have matched all the same. */
  readonly refused: number;
}

/** One document's error in the reply of an insert. */
export interface WriteErrorDocument {
  readonly index: number;
  readonly code?: number;
  readonly errmsg: string;
  /** For a duplicate key: the key of the index. */
  readonly keyPattern?: Document;
}

/** The errors of single documents. A router reports there as well that it did not reach the server. */
function refusals(reply: Document): WriteErrorDocument[] {
  const errors: WriteErrorDocument[] = reply.writeErrors ?? [];
  const transient = errors.map(asError).find(isTransient);
  if (transient) throw transient;
  return errors;
}

function asError({ errmsg, code }: WriteErrorDocument): Error {
  return Object.assign(new Error(errmsg), { code });
}

/**
 * How a statement that was refused is tried again. It ended at the first document that was refused, so the others get
 * their turn one by one; and a document in which a field is not what it should be gets that field made again.
 */
function triesOfOne(
  { coerced, ...statement }: UpdateStatement,
  code: number | undefined,
): UpdateStatement[] {
  const ids: readonly unknown[] | undefined = statement.q._id.$in;
  if (ids) {
    const rest = { ...statement, ...(coerced && { coerced }) };
    return ids.map((_id) => ({ ...rest, q: { ...statement.q, _id } }));
  }
  return coerced && UNFIT_FIELD_CODES.has(code) ? [{ ...statement, u: coerced() }] : [];
}
