/**
 * Where the records of a ledger are kept. A store keeps and finds; what is allowed the ledger decides, with what the
 * store shows it, and the store applies the decision only to what was shown.
 *
 * @module
 */
import type { TransitionParams, TransitionRow } from '@monque/core/ledger';
import type { LedgerRecord } from '../record/record.ts';

/** Which records are meant. */
export interface RecordFilter {
  /** Only records in one of these states. */
  readonly status?: readonly string[];
  /** Only these records. */
  readonly ids?: readonly string[];
  /** Only records in which these fields have just these values: texts, numbers or booleans. */
  readonly where?: Readonly<Record<string, string | number | boolean>>;
}

/** Which records are meant, and how many. */
export interface RecordQuery extends RecordFilter {
  /** At most so many, in the order of their ids. */
  readonly limit?: number;
  /** Only records whose id comes after this one. */
  readonly after?: string;
}

/** What the records were when a decision was made. */
export interface LedgerView {
  /** The record with this id, or undefined. */
  get(id: string): Promise<LedgerRecord | undefined>;
  /** All records that fit, in the order of their ids. */
  list(filter: RecordFilter): Promise<readonly LedgerRecord[]>;
}

/** One write: a record that is added, or a verb on one that is there. */
export type RecordWrite =
  | { readonly kind: 'add'; readonly record: LedgerRecord }
  | {
      readonly kind: 'move';
      readonly id: string;
      /** The row of the verb, with what the ledger writes for every verb. */
      readonly row: TransitionRow<string>;
      readonly params: TransitionParams;
      /** What the row makes of the record that was shown. */
      readonly next: LedgerRecord;
    };

/** Decides on a write; throws to write nothing. It may be asked again when others wrote meanwhile. */
export type Decide = (view: LedgerView) => Promise<RecordWrite>;

/**
 * Where the records of a ledger are kept.
 *
 * Every write is decided on what all writes before it left, whoever made them, and is either made as a whole or not
 * at all, whenever the process ends.
 */
export abstract class RecordStore {
  /** The record with this id, or undefined. */
  abstract get(id: string): Promise<LedgerRecord | undefined>;
  /** The records that fit, in the order of their ids. */
  abstract list(query: RecordQuery): Promise<readonly LedgerRecord[]>;
  /** Makes the write that is decided on, and gives the record after it. */
  abstract write(decide: Decide): Promise<LedgerRecord>;
}

/** The records that fit a query, of some in any order. */
export function selectRecords(
  records: Iterable<LedgerRecord>,
  { status, ids, where = {}, limit, after }: RecordQuery,
): LedgerRecord[] {
  const wanted = Object.entries(where);
  const fitting = [...records].filter(
    (record) =>
      (status === undefined || status.includes(record.status)) &&
      (ids === undefined || ids.includes(record.id)) &&
      (after === undefined || record.id > after) &&
      wanted.every(([field, value]) => record[field] === value),
  );
  return fitting.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit);
}

/** A view of records that are all at hand. */
export function viewOf(records: ReadonlyMap<string, LedgerRecord>): LedgerView {
  return {
    get: async (id) => records.get(id),
    list: async (filter) => selectRecords(records.values(), filter),
  };
}
