/**
 * The class users meet: options in, parts wired, verbs delegated.
 *
 * @module
 */
import type { Db, ObjectId } from 'mongodb';
import type { EngineContext } from './engine-context.ts';
import { Enqueuer } from './enqueuer.ts';
import { InvalidArgumentError, JobStateError, toError } from './errors.ts';
import { MonqueEmitter } from './events.ts';
import { Instance } from './instance.ts';
import { DOCUMENT_VERSION, type Job } from './job.ts';
import {
  type EnqueueAnswer,
  isLedgerRepository,
  type LedgerRepository,
} from './ledger/ledger-repository.ts';
import { InMemoryLedgerRepository } from './ledger/memory/in-memory-ledger-repository.ts';
import { MongoLedgerRepository } from './ledger/mongodb/mongo-ledger-repository.ts';
import { LedgerTime } from './ledger-time.ts';
import { JOB_LIFECYCLE } from './lifecycle.ts';
import {
  checkEnqueueEntry,
  checkFunction,
  checkJobName,
  checkWorkerOptions,
  type EnqueueOptions,
  type MonqueOptions,
  type ResolvedOptions,
  resolveEnqueueOptions,
  resolveOptions,
  toObjectId,
  type WorkerOptions,
} from './options.ts';
import { copyPayload } from './payload.ts';
import { type JobHandler, Worker } from './worker.ts';

/** One entry of {@link MonquePublicAPI.enqueueMany}. */
export interface EnqueueEntry<T = unknown> {
  readonly name: string;
  readonly data?: T;
  readonly options?: Omit<EnqueueOptions, 'session'>;
}

/** What happened to one entry of {@link MonquePublicAPI.enqueueMany}. */
export type EnqueueEntryResult<T = unknown> =
  /** The job is stored. */
  | { readonly status: 'enqueued'; readonly job: Job<T> }
  /** Nothing was stored: `job` holds the unique key. */
  | { readonly status: 'existing'; readonly job: Job<T> }
  /** Nothing is known to be stored; `error` says why. */
  | { readonly status: 'failed'; readonly error: Error };

/** What a {@link Monque} can do. */
export interface MonquePublicAPI {
  /** Checks the connection and makes the indexes; done by the first verb that needs it. Idempotent. */
  initialize(): Promise<void>;
  /** Begins to run jobs. Idempotent. */
  start(): Promise<void>;
  /** Stops running jobs; resolves when that is done. Idempotent. */
  stop(): Promise<void>;
  /** Stores a job. */
  enqueue<T>(name: string, data?: T, options?: EnqueueOptions): Promise<Job<T>>;
  /** Stores many jobs and says for each what happened. */
  enqueueMany<T>(entries: readonly EnqueueEntry<T>[]): Promise<EnqueueEntryResult<T>[]>;
  /** Stores a job that is due at once. */
  now<T>(name: string, data?: T): Promise<Job<T>>;
  /** Registers the handler of a job name. */
  worker<T>(name: string, handler: JobHandler<T>, options?: WorkerOptions): this;
  /** The job with this id, or null. */
  getJob<T = unknown>(id: ObjectId | string): Promise<Job<T> | null>;
  /** Cancels a job. */
  cancelJob(id: ObjectId | string): Promise<Job | null>;
  /** Deletes a job. */
  deleteJob(id: ObjectId | string): Promise<boolean>;
}

/**
 * An embeddable job scheduler that keeps its jobs in MongoDB.
 *
 * @example
 * ```ts
 * const monque = new Monque(client.db('shop'));
 * monque.worker('send-email', async (job) => sendEmail(job.data));
 * await monque.start();
 * await monque.enqueue('send-email', { to: 'user@example.com' });
 * ```
 */
export class Monque extends MonqueEmitter implements MonquePublicAPI {
  readonly #ledger: LedgerRepository;
  readonly #options: ResolvedOptions;
  readonly #context: EngineContext;
  readonly #enqueuer: Enqueuer;
  readonly #workers = new Map<string, Worker>();
  #instance: Instance | undefined;
  #lastCall: { readonly verb: 'start' | 'stop'; readonly done: Promise<void> } | undefined;

  /**
   * @param source - the database to keep jobs in, or a ledger of your own
   * @param options - see {@link MonqueOptions}
   * @throws InvalidArgumentError when the source is neither, or an option is wrong. Nothing is connected to yet.
   */
  constructor(source: Db | LedgerRepository, options: MonqueOptions = {}) {
    super();
    checkSource(source);
    const ownLedger = isLedgerRepository(source);
    this.#options = resolveOptions(options, ownLedger);
    this.#ledger = ownLedger ? source : makeMongoLedger(source, this.#options);
    const { clock, random } = this.#options;
    const report = (error: unknown): void => {
      this.emit('job:error', { error: toError(error) });
    };
    this.#context = {
      ledger: this.#ledger,
      ledgerTime: new LedgerTime(this.#ledger, clock, report),
      clock,
      random,
      options: this.#options,
      emit: (name, payload) => {
        this.emit(name, payload as never);
      },
      report,
    };
    this.#enqueuer = new Enqueuer(this.#context, (jobs) => this.#instance?.jobsStored(jobs));
  }

  /** A scheduler that keeps its jobs in this process only: for unit tests and first steps. */
  static inMemory(options: MonqueOptions = {}): Monque {
    const { clock, operationTimeoutMs } = resolveOptions(options, true);
    return new Monque(new InMemoryLedgerRepository({ clock, operationTimeoutMs }), options);
  }

  /**
   * Checks the connection, makes the indexes and reads the ledger's clock. The first verb that needs it does the same.
   *
   * @throws ConnectionError when the ledger cannot be reached, or belongs to another major version of the driver
   */
  async initialize(): Promise<void> {
    await this.#ledger.open();
    await this.#context.ledgerTime.ensureSampled();
  }

  /**
   * Begins to run the jobs of all registered workers. Workers may also be added later.
   *
   * @throws ConnectionError, or UnknownOutcomeError, when the ledger cannot be reached; `start` may be called again
   */
  start(): Promise<void> {
    return this.#inTurn('start', () => this.#startInstance());
  }

  /**
   * Stops claiming, waits up to `shutdownTimeout` for running handlers, then aborts their signals; records how they
   * ended and gives back what never started. Never rejects; concurrent callers share one stop. `enqueue` still works
   * afterwards, and `start` begins anew.
   */
  stop(): Promise<void> {
    return this.#inTurn('stop', () => this.#stopInstance());
  }

  /**
   * Stores a job; resolves when it is durable. With a unique key that is taken, the job that holds it is returned and
   * nothing is stored.
   *
   * @param name - the name of the worker that is to run it, 1 to 256 characters
   * @param data - what the handler works on; copied now, at most `maxPayloadSize` bytes
   * @throws InvalidArgumentError before any I/O, naming what is wrong
   * @throws UnknownOutcomeError when storing was not confirmed within `resendLimit`
   */
  async enqueue<T>(name: string, data?: T, options: EnqueueOptions = {}): Promise<Job<T>> {
    const draft = this.#draft(
      { name: 'name', data: 'data', options: 'options' },
      name,
      data,
      options,
    );
    await this.initialize();
    const [answer] = await this.#enqueuer.enqueue([this.#complete(draft)], options.session);
    const result = toEntryResult<T>(answer as EnqueueAnswer);
    if (result.status === 'failed') throw result.error;
    return result.job;
  }

  /**
   * Stores many jobs with few round trips. All or nothing is not promised: the answer says for each entry, in order,
   * what happened. To store many jobs in one transaction, enqueue each with the session.
   *
   * @throws InvalidArgumentError before any I/O, naming the entry and what is wrong; then nothing is stored
   */
  async enqueueMany<T>(entries: readonly EnqueueEntry<T>[]): Promise<EnqueueEntryResult<T>[]> {
    if (!Array.isArray(entries)) throw new InvalidArgumentError('entries', 'an array', entries);
    const drafts = entries.map((entry, index) => this.#draftEntry(entry, index));
    await this.initialize();
    const jobs = drafts.map((draft) => this.#complete(draft));
    try {
      const answers = await this.#enqueuer.enqueue(jobs);
      return answers.map((answer) => toEntryResult<T>(answer));
    } catch (thrown) {
      const error = toError(thrown);
      return jobs.map(() => ({ status: 'failed', error }));
    }
  }

  /** Stores a job that is due at once: `enqueue` without options. */
  now<T>(name: string, data?: T): Promise<Job<T>> {
    return this.enqueue(name, data);
  }

  /**
   * Registers the handler of a job name, before or after `start`.
   *
   * @throws InvalidArgumentError when the name has a worker already, or something is not of its type
   */
  worker<T>(name: string, handler: JobHandler<T>, options: WorkerOptions = {}): this {
    checkJobName('name', name);
    checkFunction('handler', handler);
    checkWorkerOptions(options);
    if (this.#workers.has(name)) {
      throw new InvalidArgumentError('name', 'a name without a worker', name);
    }
    const concurrency = options.concurrency ?? this.#options.defaultConcurrency;
    this.#workers.set(name, new Worker(name, handler as JobHandler, concurrency));
    this.#instance?.workerAdded();
    return this;
  }

  /**
   * The job with this id as it is now, or null.
   *
   * @throws InvalidArgumentError when the id is neither an ObjectId nor 24 hexadecimal characters
   */
  async getJob<T = unknown>(id: ObjectId | string): Promise<Job<T> | null> {
    const jobId = toObjectId('id', id);
    return (await this.#ledger.getJob({ jobId })) as Job<T> | null;
  }

  /**
   * Cancels a pending job at once. For a job that is processing it is asked for: its handler's signal aborts, wherever
   * it runs, and the job ends as cancelled unless the handler succeeds all the same.
   *
   * @returns the job after the call; null when there is none
   * @throws JobStateError when the job has finished
   */
  async cancelJob(id: ObjectId | string): Promise<Job | null> {
    const jobId = toObjectId('id', id);
    await this.initialize();
    const now = this.#context.ledgerTime.now();
    const { outcome, job } = await this.#ledger.cancel({ jobId, now });
    if (job === null) return null;
    if (outcome === 'refused') throw stateError(job, 'cancel');
    if (outcome === 'cancelled') this.emit('job:cancelled', { job });
    return job;
  }

  /**
   * Deletes a job that is not processing.
   *
   * @returns true when it was deleted, false when there is none
   * @throws JobStateError when the job is processing
   */
  async deleteJob(id: ObjectId | string): Promise<boolean> {
    const jobId = toObjectId('id', id);
    const { outcome, job } = await this.#ledger.remove({ jobId });
    if (job !== null && outcome === 'refused') throw stateError(job, 'remove');
    return outcome === 'removed';
  }

  /** Starts and stops happen in the order of their calls; calls of the same kind in a row are one. */
  #inTurn(verb: 'start' | 'stop', action: () => Promise<void>): Promise<void> {
    if (this.#lastCall?.verb === verb) return this.#lastCall.done;
    const before = this.#lastCall?.done.catch(() => undefined) ?? Promise.resolve();
    const call = { verb, done: before.then(action) };
    this.#lastCall = call;
    call.done.catch(() => {
      // What failed may be tried again.
      if (this.#lastCall === call) this.#lastCall = undefined;
    });
    return call.done;
  }

  async #startInstance(): Promise<void> {
    await this.initialize();
    const instance = new Instance(this.#context, this.#workers);
    await instance.start();
    this.#instance = instance;
  }

  async #stopInstance(): Promise<void> {
    const instance = this.#instance;
    this.#instance = undefined;
    await instance?.stop();
    await this.#context.ledgerTime.idle();
    await this.#ledger.close();
  }

  #draftEntry(entry: EnqueueEntry, index: number): Draft {
    const field = `entries[${index}]`;
    checkEnqueueEntry(field, entry);
    const fields = { name: `${field}.name`, data: `${field}.data`, options: `${field}.options` };
    return this.#draft(fields, entry.name, entry.data, entry.options);
  }

  /** Checks and copies what the caller gave. */
  #draft(
    fields: { readonly name: string; readonly data: string; readonly options: string },
    name: string,
    data: unknown,
    options: EnqueueOptions | undefined,
  ): Draft {
    checkJobName(fields.name, name);
    const { runAt, uniqueKey, priority } = resolveEnqueueOptions(fields.options, options);
    const copy = copyPayload(fields.data, data, this.#options.maxPayloadBytes);
    return {
      name,
      priority,
      ...(copy !== undefined && { data: copy }),
      ...(runAt && { nextRunAt: new Date(runAt.getTime()) }),
      ...(uniqueKey !== undefined && { uniqueKey, uniqueLock: `key:${uniqueKey}` }),
    };
  }

  /** Gives a draft what only the ledger's time can give. */
  #complete(draft: Draft): Job {
    const now = this.#context.ledgerTime.now();
    return {
      _id: this.#options.random.objectId(now.getTime()),
      data: undefined,
      nextRunAt: now,
      ...draft,
      status: JOB_LIFECYCLE.initial,
      failCount: 0,
      fence: 0,
      createdAt: now,
      updatedAt: now,
      documentVersion: DOCUMENT_VERSION,
    };
  }
}

/** What is known of a job before the ledger's time is. */
type Draft = Pick<Job, 'name' | 'priority'> &
  Partial<Pick<Job, 'data' | 'nextRunAt' | 'uniqueKey' | 'uniqueLock'>>;

function makeMongoLedger(db: Db, options: ResolvedOptions): MongoLedgerRepository {
  const { clock, random, operationTimeoutMs, ledger } = options;
  return new MongoLedgerRepository(db, { ...ledger, clock, random, operationTimeoutMs });
}

function toEntryResult<T>(answer: EnqueueAnswer): EnqueueEntryResult<T> {
  if (answer.outcome === 'refused') return { status: 'failed', error: answer.error };
  return { status: answer.outcome, job: answer.job as Job<T> };
}

function stateError(job: Job, verb: 'cancel' | 'remove'): JobStateError {
  return new JobStateError(job._id, job.status, verb, JOB_LIFECYCLE.transitions[verb].from);
}

/** A forgotten connection must not lose jobs, so nothing stands in for a missing source. */
function checkSource(source: unknown): void {
  if (isLedgerRepository(source)) return;
  const methods = source as Record<string, unknown> | null | undefined;
  const has = (name: string): boolean => typeof methods?.[name] === 'function';
  if (has('collection') && has('command')) return;
  throw new InvalidArgumentError(
    'db',
    'a Db of the mongodb driver or a LedgerRepository',
    source,
    sourceHint(has),
  );
}

function sourceHint(has: (name: string) => boolean): string {
  if (has('db') && has('startSession')) return 'this is a MongoClient: pass client.db(name)';
  if (has('model')) return 'this is a Mongoose connection: pass connection.db once it is open';
  if (has('then')) return 'this is a promise: await it first';
  return 'for a scheduler without a database use Monque.inMemory()';
}
