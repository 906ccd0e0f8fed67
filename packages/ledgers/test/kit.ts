/**
 * What the tests of ledgers share: stores of every kind, records in any state, and a clock that stands still.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@monque/core/testing';
import {
  CoordinationFormat,
  CoordinationLedger,
  type Decide,
  type LedgerFormat,
  type LedgerRecord,
  MarkdownRecordStore,
  MemoryRecordStore,
  type RecordQuery,
  RecordStore,
  VerificationFormat,
  VerificationLedger,
} from '../src/index.ts';

export const START: Date = new Date(Date.UTC(2026, 2, 1, 9, 30));

/** A clock that stands still until it is moved. */
export function clockAt(start: Date = START): ManualClock {
  return new ManualClock({ start });
}

/** Stores of one kind. Several stores over the same records are as several processes. */
export interface StoreKind {
  readonly name: string;
  /** A store without records, and a function that opens another one on the same records. */
  make(format: LedgerFormat): Promise<() => RecordStore>;
  /** The ids in the order in which the records were last written; undefined: the order of decisions is that order. */
  readonly lastWrites?: (store: RecordStore) => Promise<readonly string[]>;
  close(): Promise<void>;
}

export function memoryStores(): StoreKind {
  return {
    name: 'in memory',
    async make() {
      const store = new MemoryRecordStore();
      return () => store;
    },
    close: async () => undefined,
  };
}

export function markdownStores(): StoreKind {
  const folders: string[] = [];
  return {
    name: 'in a Markdown file',
    async make(format) {
      const folder = await mkdtemp(join(tmpdir(), 'ledger-'));
      folders.push(folder);
      const path = join(folder, 'ledger.md');
      await new MarkdownRecordStore(path, format).init();
      return () => new MarkdownRecordStore(path, format);
    },
    async close() {
      for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
    },
  };
}

/** Puts a record into a store as it is. */
export async function put(store: RecordStore, record: LedgerRecord): Promise<LedgerRecord> {
  return await store.write(async () => ({ kind: 'add', record }));
}

/** A record with its empty fields, in a state. */
export function stepIn(status: string, id = 'S01', fields: object = {}): LedgerRecord {
  return {
    ...{ id, status, title: `Step ${id}`, createdAt: START, updatedAt: START, history: [] },
    ...{ scope: [], summary: [], tests: [], edgeCases: [], concerns: [], stillNeeded: [] },
    ...{ verifications: [], runId: 'run-001' },
    invariants: [{ text: 'It holds', check: { command: 'true' } }],
    ...fields,
  };
}

/** The same for a task: everything ticked and approved, by Ann and reviewed by Bob. */
export function taskIn(status: string, id = 'TASK-1', fields: object = {}): LedgerRecord {
  return {
    ...{ id, status, title: `Task ${id}`, createdAt: START, updatedAt: START, history: [] },
    ...{ priority: 'normal', assignee: 'Ann', reviewer: 'Bob', dependsOn: [], requirements: [] },
    acceptanceCriteria: [{ text: 'It works', done: true }],
    definitionOfDone: [{ text: 'It is merged', done: true }],
    ...{ approvedBy: 'Bob', approvedAt: START },
    ...fields,
  };
}

export function stepsOn(store: RecordStore, clock: ManualClock = clockAt()): VerificationLedger {
  return new VerificationLedger({ store, clock });
}

export function tasksOn(store: RecordStore, clock: ManualClock = clockAt()): CoordinationLedger {
  return new CoordinationLedger({ store, clock });
}

export const STEP_FORMAT: LedgerFormat = new VerificationFormat();
export const TASK_FORMAT: LedgerFormat = new CoordinationFormat({ clock: clockAt() });

/** Keeps the order in which writes were decided. */
export class RecordingStore extends RecordStore {
  readonly #store: RecordStore;
  readonly #order: string[];

  constructor(store: RecordStore, order: string[]) {
    super();
    this.#store = store;
    this.#order = order;
  }

  get(id: string): Promise<LedgerRecord | undefined> {
    return this.#store.get(id);
  }

  list(query: RecordQuery): Promise<readonly LedgerRecord[]> {
    return this.#store.list(query);
  }

  write(decide: Decide): Promise<LedgerRecord> {
    return this.#store.write(async (view) => {
      const write = await decide(view);
      this.#order.push(write.kind === 'add' ? write.record.id : write.id);
      return write;
    });
  }
}

/** Calls all at once, and gives what succeeded and what failed. */
export async function atOnce<T>(
  calls: readonly (() => Promise<T>)[],
): Promise<{ readonly done: readonly T[]; readonly refused: readonly Error[] }> {
  const settled = await Promise.allSettled(calls.map((call) => call()));
  return {
    done: settled.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : [])),
    refused: settled.flatMap((end) => (end.status === 'rejected' ? [end.reason as Error] : [])),
  };
}

/** So many numbers from 0. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
