/**
 * How jobs are inserted, and what a key that exists already means.
 *
 * @module
 */
import type { ClientSession, Collection } from 'mongodb';
import { MonqueError } from '../../errors.ts';
import type { Job } from '../../job.ts';
import type { EnqueueAnswer } from '../ledger-repository.ts';
import type { Commands, WriteErrorDocument } from './commands.ts';
import { DUPLICATE_KEY_CODE } from './driver-errors.ts';
import { fromDocument } from './job-document.ts';
import { holderFilter } from './queries.ts';

/** How often a job is inserted anew because the holder of its lock was gone when it was looked for. */
const MOST_HOLDER_RACES = 10;

/** Inserts jobs, in a batch or inside a user's transaction. */
export class MongoEnqueue {
  readonly #collection: Collection<Job>;
  readonly #commands: Commands;

  constructor(collection: Collection<Job>, commands: Commands) {
    this.#collection = collection;
    this.#commands = commands;
  }

  /** Inserts a batch; a job that cannot be stored does not keep the others out. */
  async batch(jobs: readonly Job[]): Promise<EnqueueAnswer[]> {
    const answers = new Map<Job, EnqueueAnswer>();
    let waiting = jobs;
    for (let race = 0; waiting.length > 0; race += 1) {
      const errors = await this.#commands.insert(waiting);
      const failed = new Map(errors.map((error) => [error.index, error]));
      const lockWasFreed: Job[] = [];
      for (const [index, job] of waiting.entries()) {
        const answer = await this.#answer(job, failed.get(index), race);
        if (answer) answers.set(job, answer);
        else lockWasFreed.push(job);
      }
      waiting = lockWasFreed;
    }
    return jobs.map((job) => answers.get(job) as EnqueueAnswer);
  }

  /** Undefined when the holder of the lock is gone, so that the job may be inserted again. */
  async #answer(
    job: Job,
    error: WriteErrorDocument | undefined,
    race: number,
  ): Promise<EnqueueAnswer | undefined> {
    if (error === undefined || isOwnId(error)) return { outcome: 'enqueued', job };
    if (isLockHeld(error)) {
      const holder = await this.#collection.findOne(
        holderFilter(job),
        this.#commands.readOptions(),
      );
      if (holder) return answerWithHolder(job, fromDocument(holder));
      if (race < MOST_HOLDER_RACES) return undefined;
    }
    return {
      outcome: 'refused',
      error: new MonqueError('LEDGER_REFUSED', `MongoDB refused the job: ${error.errmsg}`),
    };
  }

  /**
   * Inserts inside the user's transaction. A duplicate key error would abort that transaction, so a job with a lock
   * is an upsert on exactly the unique key.
   */
  async inSession(job: Job, session: ClientSession): Promise<EnqueueAnswer> {
    const options = this.#commands.writeOptions(session);
    if (job.uniqueLock === undefined) {
      await this.#collection.insertOne(job, options);
      return { outcome: 'enqueued', job };
    }
    const { name, uniqueLock, ...rest } = job;
    const stored = await this.#collection.findOneAndUpdate(
      { name, uniqueLock },
      { $setOnInsert: rest },
      { ...options, upsert: true, returnDocument: 'after' },
    );
    return answerWithHolder(job, fromDocument(stored as Job));
  }
}

/** The id was made for this job, so who holds it is an earlier try of the same insert. */
function isOwnId(error: WriteErrorDocument): boolean {
  return error.code === DUPLICATE_KEY_CODE && error.keyPattern?._id !== undefined;
}

/** A duplicate in an index of the user's own is a refusal like any other. */
function isLockHeld(error: WriteErrorDocument): boolean {
  return error.code === DUPLICATE_KEY_CODE && error.keyPattern?.uniqueLock !== undefined;
}

function answerWithHolder(job: Job, holder: Job): EnqueueAnswer {
  if (holder._id.equals(job._id)) return { outcome: 'enqueued', job };
  return { outcome: 'existing', job: holder };
}
