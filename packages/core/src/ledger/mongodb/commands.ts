/**
 * How a command is sent: with every concern and option stated, whatever the user's `Db` is set to, and without the
 * driver's own retries, which would cover only some of the writes in flight.
 *
 * @module
 */
import type { ClientSession, Db, Document, FindOptions, WriteConcernSettings } from 'mongodb';
import { BSON_OPTIONS } from '../../payload.ts';
import { isTooLarge, isTransient } from './driver-errors.ts';
import type { UpdateStatement } from './queries.ts';

/** Acknowledgement of writes: by the majority of the replica set, or by the primary alone. */
export type WriteConcernOption = 'majority' | 1;

/** The most statements in one update command. */
const MOST_STATEMENTS = 1_000;

/** More documents than any read of the engine asks for, so that one reply brings them all. */
const MOST_A_REPLY = 10_000;

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
    return {
      ...BSON_OPTIONS,
      readPreference: 'primary',
      readConcern: { level: readConcern },
      maxTimeMS: this.#maxTimeMs,
      batchSize: MOST_A_REPLY,
    };
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
      if (!isTooLarge(error)) throw error;
      return documents.length === 1
        ? [{ index: 0, errmsg: error.message }]
        : this.#insertInHalves(documents);
    }
  }

  /** A command that is too large was not executed at all. */
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
      const updates = statements.slice(start, start + MOST_STATEMENTS);
      const reply = await this.#send({ update: this.#collectionName, updates, ordered: false });
      counts.matched += reply.n;
      const refused = new Set(refusals(reply).map(({ index }) => index));
      counts.refused += refused.size;
      const singly = updates.filter((_, index) => refused.has(index)).flatMap(statementsOfOne);
      counts.matched += (await this.update(singly)).matched;
    }
    return counts;
  }

  /**
   * Resolves when the majority has confirmed all that the primary wrote so far. It may have more than that: a primary
   * that was just elected, or whose members lag behind, shows such writes to no majority read.
   */
  async confirmPast(): Promise<void> {
    await this.#send({ update: this.#collectionName, updates: [NO_CHANGE] }, { w: 'majority' });
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

/** A statement ends at the first document that is refused; one by one the others get their turn. */
function statementsOfOne(statement: UpdateStatement): UpdateStatement[] {
  const ids: readonly unknown[] = statement.q._id.$in ?? [];
  return ids.map((_id) => ({ ...statement, q: { ...statement.q, _id } }));
}
