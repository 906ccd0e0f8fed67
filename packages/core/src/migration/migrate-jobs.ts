/**
 * Moves the jobs of another queue into a ledger, a batch at a time, in the order of their ids.
 *
 * What always holds: the source is only read; a document is stored as a job at most once, however often the migration
 * is run, killed or run twice at a time; and every document that was read is counted once, as stored or as left.
 *
 * @module
 */
import { type Document, ObjectId } from 'mongodb';
import { systemClock } from '../foundation/clock.ts';
import { messageOf, toError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import { BSON_OPTIONS } from '../job/payload.ts';
import { lockOf } from '../job/unique-locks.ts';
import { reading } from '../ledger/mongodb/server/driver-errors.ts';
import { agendaReader } from './agenda-format.ts';
import { type ImportedJob, jobIdOf, toImportedJob } from './imported-job.ts';
import {
  type MigrateJobsOptions,
  type ResolvedMigration,
  resolveMigration,
} from './migration-options.ts';
import { type MigrationReport, ReportCounter } from './migration-report.ts';
import { lockKey, MigrationStore, type StoreAnswer, type StoredJob } from './migration-store.ts';
import { plainReader } from './plain-reader.ts';
import { isLeft, type Left, left, type ReadSource } from './source-job.ts';

/** A document and the id of the job that it becomes. */
interface Candidate {
  readonly document: Document;
  readonly jobId: ObjectId;
}

/** A document with the job that it becomes. */
interface Ready extends Candidate, ImportedJob {
  /** True when a run that was killed stored the job and did not come to its record. */
  readonly isStored: boolean;
}

/**
 * Copies the jobs of a queue into Monque's ledger. Stop the old workers first: what they run meanwhile would run twice.
 *
 * It may be run again at any time: what was stored before is not stored again, what was left is looked at again. Start
 * Monque's workers when it is through: a job that was stored right before a crash, and then run and deleted before the
 * next run, would be stored once more.
 *
 * @returns what was stored and what was left
 * @throws InvalidArgumentError, or InvalidCronError, for options that cannot be used, before anything is read
 * @throws ConnectionError, or UnknownOutcomeError, when the database did not answer; run it again
 */
export async function migrateJobs(options: MigrateJobsOptions): Promise<MigrationReport> {
  return new Migration(resolveMigration(options)).run();
}

class Migration {
  readonly #options: ResolvedMigration;
  readonly #namespace: string;
  readonly #read: ReadSource;
  readonly #store: MigrationStore;
  readonly #counter: ReportCounter;
  /** In a dry run, the locks of the jobs that would be stored by now. */
  readonly #previewedLocks = new Set<string>();

  constructor(options: ResolvedMigration) {
    const { format, source, db, collectionName, dryRun, onLeft } = options;
    this.#options = options;
    this.#namespace = `${source.dbName}.${source.collectionName}`;
    this.#read = format === 'agenda' ? agendaReader(options) : plainReader(format, options);
    this.#store = new MigrationStore(db, collectionName);
    this.#counter = new ReportCounter(dryRun, onLeft);
  }

  async run(): Promise<MigrationReport> {
    const { source, batchSize, dryRun } = this.#options;
    const now = dryRun ? new Date(systemClock.now()) : await this.#store.open();
    const cursor = source.find<Document>(
      {},
      {
        ...BSON_OPTIONS,
        sort: { _id: 1 },
        batchSize,
        readPreference: 'primary',
        readConcern: { level: 'majority' },
      },
    );
    try {
      let batch: Document[];
      do {
        batch = [];
        while (batch.length < batchSize) {
          const document = await reading('migrate', () => cursor.next());
          if (document === null) break;
          batch.push(document);
        }
        await this.#take(batch, now);
      } while (batch.length === batchSize);
    } finally {
      await cursor.close();
    }
    return this.#counter.report();
  }

  async #take(documents: readonly Document[], now: Date): Promise<void> {
    if (documents.length === 0) return;
    const candidates = documents.map((document): Candidate => {
      this.#counter.countRead();
      return { document, jobId: jobIdOf(document._id, this.#namespace) };
    });
    const known = await this.#store.find(candidates.map(({ jobId }) => jobId));
    const ready = candidates.flatMap((candidate) =>
      this.#prepare(candidate, known.get(candidate.jobId.toHexString()), now),
    );
    const standing = ready.filter(({ isStored }) => isStored);
    const stored = await this.#storeReady(ready.filter(({ isStored }) => !isStored));
    if (!this.#options.dryRun) await this.#record([...standing, ...stored], now);
    for (const _ of standing) this.#counter.countStoredBefore();
    for (const { kind, notes } of stored) this.#counter.countStored(kind, notes);
    this.#options.onProgress(this.#counter.report());
  }

  /** The job of a document, unless it is there already or cannot be stored. */
  #prepare(candidate: Candidate, known: StoredJob | undefined, now: Date): Ready[] {
    if (known !== undefined && 'from' in known && known.from === this.#namespace) {
      this.#counter.countStoredBefore();
      return [];
    }
    const { document, jobId } = candidate;
    const made = this.#toJob(document, jobId, now);
    const reason = isLeft(made) ? made : idTakenBy(known, made.job);
    if (reason !== undefined) {
      this.#leave(document, reason);
      return [];
    }
    return [{ ...candidate, ...(made as ImportedJob), isStored: known !== undefined }];
  }

  #toJob(document: Document, jobId: ObjectId, now: Date): ImportedJob | Left {
    try {
      const bornAt = document._id instanceof ObjectId ? document._id.getTimestamp() : now;
      const source = this.#read(document, bornAt);
      return isLeft(source) ? source : toImportedJob(source, jobId, this.#options, now);
    } catch (error) {
      // What cannot be read ends no migration, whatever it is.
      return left('shape', messageOf(toError(error)));
    }
  }

  /** Stores jobs and gives those that are stored now. */
  async #storeReady(ready: readonly Ready[]): Promise<Ready[]> {
    const isPending = ({ job }: Ready): boolean => job.status === 'pending';
    const pending = ready.filter(isPending);
    const finished = ready.filter((item) => !isPending(item));
    const stored: Ready[] = [];
    for (const [items, answers] of [
      [pending, await this.#storePending(pending.map(({ job }) => job))],
      [finished, await this.#storeFinished(finished.map(({ job }) => job))],
    ] as const) {
      for (const [index, item] of items.entries()) {
        const answer = answers[index] as StoreAnswer;
        if (answer.outcome === 'stored') stored.push(item);
        else this.#leave(item.document, left(answer.outcome, answer.detail));
      }
    }
    return stored;
  }

  async #storePending(jobs: readonly Job[]): Promise<StoreAnswer[]> {
    if (!this.#options.dryRun) return this.#store.storePending(jobs);
    const answers = await this.#store.preview(jobs);
    return jobs.map((job, index) => this.#previewLock(job, answers[index] as StoreAnswer));
  }

  /** Of two jobs of the source that want one lock, the first would get it. */
  #previewLock(job: Job, answer: StoreAnswer): StoreAnswer {
    if (answer.outcome !== 'stored' || lockOf(job) === undefined) return answer;
    const key = lockKey(job);
    if (this.#previewedLocks.has(key)) {
      const detail = `The unique key '${job.uniqueKey}' would be held by a job before this one`;
      return { outcome: 'keyTaken', detail };
    }
    this.#previewedLocks.add(key);
    return answer;
  }

  async #storeFinished(jobs: readonly Job[]): Promise<StoreAnswer[]> {
    if (this.#options.dryRun) return jobs.map(() => ({ outcome: 'stored' }));
    return this.#store.storeFinished(jobs);
  }

  #record(stored: readonly Ready[], now: Date): Promise<void> {
    const jobs = stored.map(({ jobId, document }) => ({ jobId, documentId: document._id }));
    return this.#store.record(jobs, this.#namespace, now);
  }

  #leave(document: Document, reason: Left): void {
    this.#counter.countLeft({
      id: document._id,
      name: document.name,
      reason: reason.left,
      detail: reason.detail,
    });
  }
}

/** Who else has the id; a job of the same name is this one, stored by a run that was killed. */
function idTakenBy(known: StoredJob | undefined, job: Job): Left | undefined {
  if (known === undefined) return undefined;
  if ('from' in known) return left('idTaken', `The job came from ${known.from}`);
  if (known.name === job.name) return undefined;
  return left('idTaken', `Job ${job._id.toHexString()} has the name '${known.name}'`);
}
