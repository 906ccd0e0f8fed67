/**
 * What a migration writes: jobs through the ledger, finished jobs beside it, and for each a record of where it came
 * from, in `<collection>.migrated`.
 *
 * What always holds: a job is stored before its record is. After a crash in between, the job is found by its id, in the
 * archive too, and only the record is made up for; and once there is a record the job is never stored again, also when
 * it was run and pruned long since.
 *
 * @module
 */
import type { Db, Document, ObjectId } from 'mongodb';
import type { Job } from '../job/job.ts';
import { lockOf } from '../job/unique-locks.ts';
import type { EnqueueAnswer } from '../ledger/ledger-repository.ts';
import { holdersFilter } from '../ledger/mongodb/engine-queries.ts';
import { MongoLedgerRepository } from '../ledger/mongodb/mongo-ledger-repository.ts';
import { Commands } from '../ledger/mongodb/server/commands.ts';
import { DUPLICATE_KEY_CODE, reading, writing } from '../ledger/mongodb/server/driver-errors.ts';

/** Nobody waits for a migration, and its inserts are large. */
const OPERATION_TIMEOUT_MS = 60_000;

/** Where a job came from. Its id is that of the job. */
interface MigrationRecord {
  readonly _id: ObjectId;
  /** The database and the collection of the source. */
  readonly from: string;
  readonly documentId: unknown;
  readonly migratedAt: Date;
}

/** What has the id of a job that is to be stored: where that came from, or the name of a job without a record. */
export type StoredJob = { readonly from: string } | { readonly name: unknown };

/** What became of a job that was to be stored. */
export type StoreAnswer =
  | { readonly outcome: 'stored' }
  | { readonly outcome: 'keyTaken' | 'refused'; readonly detail: string };

/** Reads and writes the collections of the target. */
export class MigrationStore {
  readonly #db: Db;
  readonly #collectionName: string;
  readonly #ledger: MongoLedgerRepository;
  readonly #jobs: Commands;
  readonly #records: Commands;
  readonly #recordsName: string;

  constructor(db: Db, collectionName: string) {
    const commandsOf = (name: string): Commands =>
      new Commands(db, name, 'majority', OPERATION_TIMEOUT_MS);
    this.#db = db;
    this.#collectionName = collectionName;
    this.#recordsName = `${collectionName}.migrated`;
    this.#ledger = new MongoLedgerRepository(db, {
      collectionName,
      operationTimeoutMs: OPERATION_TIMEOUT_MS,
    });
    this.#jobs = commandsOf(collectionName);
    this.#records = commandsOf(this.#recordsName);
  }

  /** Makes the ledger ready, and gives its time. */
  open(): Promise<Date> {
    return this.#ledger.readTime();
  }

  /** What stands in the target under these ids. */
  async find(ids: readonly ObjectId[]): Promise<ReadonlyMap<string, StoredJob>> {
    const found = new Map<string, StoredJob>();
    for (const { _id, from } of await this.#readByIds(this.#recordsName, ids, { from: 1 })) {
      found.set(String(_id), { from });
    }
    const others = ids.filter((id) => !found.has(id.toHexString()));
    for (const name of [this.#collectionName, `${this.#collectionName}.archive`]) {
      for (const job of await this.#readByIds(name, others, { name: 1 })) {
        found.set(String(job._id), { name: job.name });
      }
    }
    return found;
  }

  /** Stores pending jobs through the ledger. */
  async storePending(jobs: readonly Job[]): Promise<StoreAnswer[]> {
    if (jobs.length === 0) return [];
    const { answers } = await this.#ledger.enqueue({ jobs });
    return answers.map(toStoreAnswer);
  }

  /**
   * Stores finished jobs, which no verb of the ledger makes. They hold no lock, no claim and no due time that counts,
   * so nothing but their id can stand against them.
   */
  async storeFinished(jobs: readonly Job[]): Promise<StoreAnswer[]> {
    if (jobs.length === 0) return [];
    const errors = await writing('migrate', () => this.#jobs.insert(jobs));
    const refused = new Map(
      errors
        .filter(({ code, keyPattern }) => code !== DUPLICATE_KEY_CODE || !keyPattern?._id)
        .map(({ index, errmsg }) => [index, errmsg]),
    );
    return jobs.map((_, index) => {
      const detail = refused.get(index);
      return detail === undefined ? { outcome: 'stored' } : { outcome: 'refused', detail };
    });
  }

  /** What {@link storePending} would answer, without writing. */
  async preview(jobs: readonly Job[]): Promise<StoreAnswer[]> {
    const holders = await this.#findHolders(jobs.filter((job) => lockOf(job) !== undefined));
    return jobs.map((job) => {
      const holder = holders.get(lockKey(job));
      return holder === undefined || job._id.equals(holder._id)
        ? { outcome: 'stored' }
        : { outcome: 'keyTaken', detail: heldBy(holder) };
    });
  }

  /** Notes down that these jobs are stored. */
  async record(
    jobs: readonly { readonly jobId: ObjectId; readonly documentId: unknown }[],
    from: string,
    migratedAt: Date,
  ): Promise<void> {
    if (jobs.length === 0) return;
    const records = jobs.map(
      ({ jobId, documentId }): MigrationRecord => ({ _id: jobId, from, documentId, migratedAt }),
    );
    // A record that is there already was written by another run at the same time.
    await writing('migrate', () => this.#records.insert(records));
  }

  async #readByIds(
    name: string,
    ids: readonly ObjectId[],
    projection: Document,
  ): Promise<Document[]> {
    if (ids.length === 0) return [];
    return reading('migrate', () =>
      this.#db
        .collection(name)
        .find({ _id: { $in: [...ids] } }, { ...this.#jobs.readOptions(), projection })
        .toArray(),
    );
  }

  async #findHolders(jobs: readonly Job[]): Promise<ReadonlyMap<string, Job>> {
    if (jobs.length === 0) return new Map();
    const holders = await reading('migrate', () =>
      this.#db
        .collection<Job>(this.#collectionName)
        .find(holdersFilter(jobs), this.#jobs.readOptions())
        .toArray(),
    );
    return new Map(holders.map((holder) => [lockKey(holder), holder]));
  }
}

function toStoreAnswer(answer: EnqueueAnswer): StoreAnswer {
  switch (answer.outcome) {
    case 'enqueued':
      return { outcome: 'stored' };
    case 'existing':
      return { outcome: 'keyTaken', detail: heldBy(answer.job) };
    case 'refused':
      return { outcome: 'refused', detail: answer.error.message };
  }
}

function heldBy(holder: Job): string {
  return `The unique key '${holder.uniqueKey}' is held by job ${String(holder._id)}`;
}

/** What two jobs of one name cannot both hold. */
export function lockKey(job: Job): string {
  const lock = lockOf(job);
  return `${lock?.field} ${lock?.value} ${job.name}`;
}
