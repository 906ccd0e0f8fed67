/**
 * Records in the memory of one process.
 *
 * @module
 */
import { RecordExistsError } from '../foundation/errors.ts';
import type { LedgerRecord } from '../record/record.ts';
import {
  type Decide,
  type RecordQuery,
  RecordStore,
  selectRecords,
  viewOf,
} from './record-store.ts';
import { Turns } from './turns.ts';

/** Keeps records in memory: for tests, first steps, and ledgers that end with their process. */
export class MemoryRecordStore extends RecordStore {
  readonly #records = new Map<string, LedgerRecord>();
  readonly #turns = new Turns();

  async get(id: string): Promise<LedgerRecord | undefined> {
    return copy(this.#records.get(id));
  }

  async list(query: RecordQuery): Promise<readonly LedgerRecord[]> {
    return structuredClone(selectRecords(this.#records.values(), query));
  }

  write(decide: Decide): Promise<LedgerRecord> {
    return this.#turns.take(async () => {
      const write = await decide(viewOf(this.#records));
      const next = write.kind === 'add' ? write.record : write.next;
      if (write.kind === 'add' && this.#records.has(next.id)) throw new RecordExistsError(next.id);
      this.#records.set(next.id, structuredClone(next));
      return structuredClone(next);
    });
  }
}

function copy(record: LedgerRecord | undefined): LedgerRecord | undefined {
  return record && structuredClone(record);
}
