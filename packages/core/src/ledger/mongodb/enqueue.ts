/**
 * How jobs are inserted, and what a key that exists already means.
 *
 * @module
 */
import { type ClientSession, type Collection, type Document, Timestamp } from 'mongodb';
import { MonqueError } from '../../foundation/errors.ts';
import type { Job } from '../../job/job.ts';
import { LOCK_FIELDS, lockOf } from '../../job/unique-locks.ts';
import type { EnqueueAnswer, EnqueueParams, EnqueueResult } from '../ledger-repository.ts';
import { holdersFilter } from './engine-queries.ts';
import { fromDocument, KEPT_FOR } from './job-document.ts';
import { ID_KEY } from './lifecycle-statements.ts';
import type { MongoJobs } from './moves.ts';
import type { Commands, WriteErrorDocument } from './server/commands.ts';
import { DUPLICATE_KEY_CODE } from './server/driver-errors.ts';
import { driverSession } from './server/server-checks.ts';
import type { MongoTransitions } from './transition-log.ts';

/** How often a job is inserted again because the holder of its lock was gone when it was looked for. */
const MOST_HOLDER_RACES = 10;

/** Inserts jobs, in a batch or inside a user's transaction. */
export class MongoEnqueue {
  readonly #collection: Collection<Job>;
  readonly #commands: Commands;
  readonly #log: MongoTransitions | undefined;

  constructor({ collection, commands, log }: MongoJobs) {
    this.#collection = collection;
    this.#commands = commands;
    this.#log = log;
  }

  /**
   * Stores new jobs; one that cannot be stored does not keep the others out. With a session errors are those of the
   * driver.
   */
  async enqueue({ jobs, session }: EnqueueParams): Promise<EnqueueResult> {
    if (session === undefined) return { answers: await this.#insert(jobs) };
    const answers: EnqueueAnswer[] = [];
    for (const together of insertsOf(jobs)) {
      answers.push(...(await this.#storeInSession(together, driverSession(session))));
    }
    return { answers };
  }

  async #insert(jobs: readonly Job[]): Promise<EnqueueAnswer[]> {
    const answers = new Map<Job, EnqueueAnswer>();
    let waiting = jobs;
    for (let race = 0; waiting.length > 0; race += 1) {
      const errors = await this.#commands.insert(waiting.map(toStamp));
      const failed = new Map(errors.map((error) => [error.index, error]));
      const holders = await this.#findHolders(waiting, errors);
      const lockWasFreed: Job[] = [];
      for (const [index, job] of waiting.entries()) {
        const answer = toAnswer(job, failed.get(index), holders.get(lockKey(job)), race);
        if (answer) answers.set(job, answer);
        else lockWasFreed.push(job);
      }
      waiting = lockWasFreed;
    }
    const inOrder = jobs.map((job) => answers.get(job) as EnqueueAnswer);
    await this.#log?.enqueued(inOrder);
    return inOrder;
  }

  /** Who holds the locks that were not free, found for all of them at once. */
  async #findHolders(
    jobs: readonly Job[],
    errors: readonly WriteErrorDocument[],
  ): Promise<Map<string, Job>> {
    const filters = errors.filter(isLockHeld).flatMap(({ index }) => jobs.slice(index, index + 1));
    if (filters.length === 0) return new Map();
    const documents = await this.#collection
      .find(holdersFilter(filters), this.#commands.readOptions())
      .toArray();
    return new Map(documents.map(fromDocument).map((holder) => [lockKey(holder), holder]));
  }

  /**
   * Stores jobs inside the user's transaction, in order. A duplicate key error would abort that transaction, so a job with
   * a lock is alone, and an upsert on exactly the unique key.
   */
  async #storeInSession(jobs: readonly Job[], session: ClientSession): Promise<EnqueueAnswer[]> {
    const options = this.#commands.writeOptions(session);
    const [first] = jobs;
    const lock = first && lockOf(first);
    let answers = jobs.map((job): EnqueueAnswer => ({ outcome: 'enqueued', job }));
    if (first !== undefined && lock !== undefined) {
      const { name, [lock.field]: _, ...rest } = first;
      const stored = await this.#collection.findOneAndUpdate(
        { name, [lock.field]: lock.value },
        isStamped(first) ? stampedUpsert(rest) : { $setOnInsert: rest },
        { ...options, upsert: true, returnDocument: 'after' },
      );
      const answer = answerWithHolder(first, fromDocument(stored as Job));
      if (answer.outcome === 'existing') await this.#keepHolder(answer.job, first, session);
      answers = [answer];
    } else {
      await this.#collection.insertMany(jobs.map(toStamp), options);
    }
    await this.#log?.enqueued(answers, session);
    return answers;
  }

  /**
   * An upsert that finds its key taken writes nothing, so the holder could start, and end, beside the transaction and see
   * nothing of it. Once it is written to, one that started since the transaction began is a conflict, and one that waits
   * starts when the transaction is over. One that runs is left alone: it has started before.
   */
  async #keepHolder({ _id, status }: Job, refused: Job, session: ClientSession): Promise<void> {
    if (status !== 'pending' || !session.inTransaction()) return;
    const options = { ...this.#commands.writeOptions(session), hint: ID_KEY };
    await this.#collection.updateOne({ _id }, { $set: { [KEPT_FOR]: refused._id } }, options);
  }
}

/** The jobs in order, as many together as have no lock. */
function insertsOf(jobs: readonly Job[]): Job[][] {
  const inserts: Job[][] = [];
  let isOpen = false;
  for (const job of jobs) {
    const isLocked = lockOf(job) !== undefined;
    if (isOpen && !isLocked) inserts.at(-1)?.push(job);
    else inserts.push([job]);
    isOpen = !isLocked;
  }
  return inserts;
}

/** In a group a job has its place by its priority. */
function isStamped({ lane, group }: Pick<Job, 'lane' | 'group'>): boolean {
  return lane !== undefined && group === undefined;
}

/** A job that the server gives its place in its lane: it stamps an empty timestamp that is inserted. */
function toStamp(job: Job): Job {
  return isStamped(job) ? { ...job, rank: new Timestamp(0n) } : job;
}

/** An upsert is not stamped, so it takes the time of the server itself; a document that is there stays as it is. */
function stampedUpsert(job: Document): Document[] {
  const isNew = { $eq: [{ $type: '$status' }, 'missing'] };
  const made = { $mergeObjects: [{ $literal: job }, { rank: '$$CLUSTER_TIME' }, '$$ROOT'] };
  return [{ $replaceWith: { $cond: [isNew, made, '$$ROOT'] } }];
}

/** Undefined when the holder of the lock is gone, so that the job may be inserted again. */
function toAnswer(
  job: Job,
  error: WriteErrorDocument | undefined,
  holder: Job | undefined,
  race: number,
): EnqueueAnswer | undefined {
  if (error === undefined || isOwnId(error)) return { outcome: 'enqueued', job };
  if (isLockHeld(error)) {
    if (holder) return answerWithHolder(job, holder);
    if (race < MOST_HOLDER_RACES) return undefined;
  }
  return {
    outcome: 'refused',
    error: new MonqueError('LEDGER_REFUSED', `MongoDB refused the job: ${error.errmsg}`),
  };
}

function lockKey(job: Job): string {
  const lock = lockOf(job);
  return `${lock?.field} ${lock?.value} ${job.name}`;
}

/** The id was made for this job, so who holds it is an earlier try of the same insert. */
function isOwnId(error: WriteErrorDocument): boolean {
  return error.code === DUPLICATE_KEY_CODE && error.keyPattern?._id !== undefined;
}

/** A duplicate in an index of the user's own is a refusal like any other. */
function isLockHeld(error: WriteErrorDocument): boolean {
  const { keyPattern = {} } = error;
  return error.code === DUPLICATE_KEY_CODE && LOCK_FIELDS.some((field) => field in keyPattern);
}

function answerWithHolder(job: Job, holder: Job): EnqueueAnswer {
  // The holder may have been written manually, with an id that is no ObjectId.
  if (job._id.equals(holder._id)) return { outcome: 'enqueued', job };
  return { outcome: 'existing', job: holder };
}
