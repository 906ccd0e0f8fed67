/**
 * Records in MongoDB, a document each, on a replica set or a single server.
 *
 * A rule may concern several records (a task starts when others are completed), but a guarded write only one. So all
 * writes of a ledger have one order, which a control document keeps: it holds the number of the last write and the
 * write itself. To write means: see that the last write is applied, decide on what the records then are, replace the
 * last write by the new one (only if it still is the last), and apply it.
 *
 * What always holds:
 * - A write that stands in the control document is decided. Whoever comes next applies it first, so a process that dies
 *   in between leaves nothing half done, and blocks nobody.
 * - A write is applied once: the record carries the number of the last write that was applied to it, and every filter
 *   asks for a lower one. A process that wakes up late changes nothing.
 * - The filter also carries the state and every guard of the row. A document that another program changed meanwhile is
 *   left alone.
 *
 * @module
 */
import { ConnectionError, type Random, systemRandom, UnknownOutcomeError } from '@monque/core';
import {
  rowFilter,
  rowUpdate,
  type TransitionParams,
  type TransitionRow,
} from '@monque/core/ledger';
import type { Collection, Db, Document } from 'mongodb';
import { LedgerBusyError, RecordExistsError, RecordStateError } from '../foundation/errors.ts';
import type { LedgerRecord } from '../record/record.ts';
import {
  type Decide,
  type LedgerView,
  type RecordFilter,
  type RecordQuery,
  RecordStore,
  type RecordWrite,
} from './record-store.ts';
import { Turns } from './turns.ts';

/** The collection of a ledger, unless another one is named. */
export const DEFAULT_RECORD_COLLECTION = 'monque_ledger';

/** What {@link MongoRecordStore} may be given. */
export interface MongoRecordStoreOptions {
  /** One collection a ledger. @default 'monque_ledger' */
  readonly collectionName?: string;
  /** @internal Makes the token of a write. */
  readonly random?: Random;
  /** @internal How often a write is decided because others wrote first. @default 1000 */
  readonly mostRaces?: number;
}

/** No record has this id. */
const CONTROL_ID = '$ledger';
/** Longest an operation may take, in milliseconds. */
const DEADLINE_MS = 30_000;

type StoredRecord = Document & { readonly _id: string };

/** A write as the control document holds it: the row itself, from which filter and update are derived again. */
type StoredWrite =
  | { readonly kind: 'add'; readonly record: LedgerRecord }
  | {
      readonly kind: 'move';
      readonly id: string;
      readonly row: TransitionRow<string>;
      readonly params: TransitionParams;
    };

interface Control {
  readonly _id: string;
  readonly revision: number;
  readonly token: string;
  readonly write?: StoredWrite;
}

/** Keeps records in a collection of MongoDB. */
export class MongoRecordStore extends RecordStore {
  readonly #collection: Collection<StoredRecord>;
  readonly #random: Random;
  readonly #mostRaces: number;
  readonly #turns = new Turns();
  /** The last write that this process has seen applied. */
  #applied = -1;

  constructor(db: Db, options: MongoRecordStoreOptions = {}) {
    super();
    const {
      collectionName = DEFAULT_RECORD_COLLECTION,
      random = systemRandom,
      mostRaces = 1000,
    } = options;
    this.#collection = db.collection<StoredRecord>(collectionName, {
      writeConcern: { w: 'majority' },
      readConcern: { level: 'local' },
      readPreference: 'primary',
      ignoreUndefined: true,
    });
    this.#random = random;
    this.#mostRaces = mostRaces;
  }

  async get(id: string): Promise<LedgerRecord | undefined> {
    const document = await this.#collection.findOne({ _id: id }, { maxTimeMS: DEADLINE_MS });
    return document === null || id === CONTROL_ID ? undefined : fromDocument(document);
  }

  async list({ limit, after, ...filter }: RecordQuery): Promise<readonly LedgerRecord[]> {
    const found = this.#collection
      .find(queryOf(filter, after), { maxTimeMS: DEADLINE_MS })
      .sort({ _id: 1 });
    if (limit !== undefined) found.limit(limit);
    return (await found.toArray()).map(fromDocument);
  }

  /**
   * Writes of one process take turns; those of several meet at the control document.
   *
   * @throws UnknownOutcomeError when the answer to the write was lost: it may have been made or not
   * @throws LedgerBusyError when others wrote first each time
   */
  write(decide: Decide): Promise<LedgerRecord> {
    const mostRaces = this.#mostRaces;
    return this.#turns.take(async () => {
      for (let race = 0; race < mostRaces; race += 1) {
        const control = await this.#settled();
        const write = await decide(this.#view());
        const token = this.#random.token();
        if (!(await this.#claim(control, token, stored(write)))) continue;
        return await this.#finish(control.revision + 1, write);
      }
      throw new LedgerBusyError(`Others wrote to the ledger first, ${mostRaces} times; try again`);
    });
  }

  /** The control document, after the write that it holds was applied. */
  async #settled(): Promise<Control> {
    const found = await this.#collection.findOne({ _id: CONTROL_ID }, { maxTimeMS: DEADLINE_MS });
    if (found === null) return { _id: CONTROL_ID, revision: 0, token: '' };
    const control = found as unknown as Control;
    if (control.write !== undefined && control.revision > this.#applied) {
      await this.#apply(control.revision, control.write);
      this.#applied = control.revision;
    }
    return control;
  }

  /** Puts a write in the place of the last one; false when that is no longer the last one. */
  async #claim(
    { revision, token: last }: Control,
    token: string,
    write: StoredWrite,
  ): Promise<boolean> {
    const next = { revision: revision + 1, token, write };
    try {
      if (revision === 0) {
        await this.#collection.insertOne({ _id: CONTROL_ID, ...next });
        return true;
      }
      const { matchedCount } = await this.#collection.updateOne(
        { _id: CONTROL_ID, revision, token: last },
        { $set: next },
      );
      return matchedCount === 1;
    } catch (error) {
      if (isDuplicate(error)) return false;
      return await this.#claimedAfterAll(token, revision, error);
    }
  }

  /** After an error the write may stand there all the same. */
  async #claimedAfterAll(token: string, revision: number, cause: unknown): Promise<boolean> {
    const found = await this.#collection
      .findOne({ _id: CONTROL_ID }, { maxTimeMS: DEADLINE_MS })
      .catch((error: unknown) => {
        throw new ConnectionError('The ledger could not be reached; the write may have been made', {
          cause: error,
        });
      });
    if (found?.token === token) return true;
    if (Number(found?.revision ?? 0) === revision) throw cause;
    throw new UnknownOutcomeError(
      'The answer to a write was lost, and others wrote since; look at the record',
      { cause },
    );
  }

  async #finish(revision: number, write: RecordWrite): Promise<LedgerRecord> {
    const { id } = write.kind === 'add' ? write.record : write.next;
    await this.#apply(revision, stored(write)).catch((cause: unknown) => {
      const message = `The write to ${id} is decided, and was not confirmed; the next writer applies it`;
      throw new UnknownOutcomeError(message, { cause });
    });
    this.#applied = revision;
    const record = await this.#collection.findOne({ _id: id }, { maxTimeMS: DEADLINE_MS });
    // A document that another program made, removed or changed between the decision and the write.
    if (Number(record?.revision ?? 0) < revision) {
      if (write.kind === 'add') throw new RecordExistsError(id);
      throw new RecordStateError(id, String(record?.status ?? 'gone'), 'the verb', write.row.from);
    }
    return fromDocument(record as StoredRecord);
  }

  /** Applies a write that is decided, unless it was applied. */
  async #apply(revision: number, write: StoredWrite): Promise<void> {
    try {
      if (write.kind === 'add') {
        const { id, ...values } = write.record;
        await this.#collection.insertOne({ ...values, _id: id, revision });
        return;
      }
      const { id, row, params } = write;
      const update = rowUpdate(row, params);
      await this.#collection.updateOne(
        { _id: id, revision: { $lt: revision }, ...rowFilter(row, params) },
        { ...update, $set: { ...update.$set, revision } },
      );
    } catch (error) {
      if (!isDuplicate(error)) throw error;
    }
  }

  #view(): LedgerView {
    return { get: (id) => this.get(id), list: (filter) => this.list(filter) };
  }
}

/** Without what the record will be, which every store makes of the row for itself. */
function stored(write: RecordWrite): StoredWrite {
  if (write.kind === 'add') return write;
  const { kind, id, row, params } = write;
  return { kind, id, row, params };
}

function queryOf({ status, ids, where = {} }: RecordFilter, after: string | undefined): Document {
  const equal = Object.entries(where).map(([field, value]) => [field, { $eq: value }] as const);
  return {
    ...Object.fromEntries(equal),
    ...(status !== undefined && { status: { $in: status } }),
    _id: {
      $ne: CONTROL_ID,
      ...(ids !== undefined && { $in: ids }),
      ...(after !== undefined && { $gt: after }),
    },
  };
}

function fromDocument({ _id, revision: _, ...values }: StoredRecord): LedgerRecord {
  return { ...values, id: _id } as unknown as LedgerRecord;
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 11000;
}
