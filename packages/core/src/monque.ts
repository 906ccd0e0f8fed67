/**
 * The class users meet: options in, parts wired, verbs delegated. What each verb promises is said in `public-api.ts`.
 *
 * @module
 */
import type { Db } from 'mongodb';
import {
  checkFields,
  checkFunction,
  checkJobName,
  DAY_MS,
  integer,
  text,
  toObjectId,
} from './checks.ts';
import { type BulkResult, Control, type JobsPage, type QueueStats } from './control.ts';
import { type EngineContext, makeContext } from './engine-context.ts';
import { InvalidArgumentError } from './errors.ts';
import { MonqueEmitter } from './events.ts';
import type { Health } from './health.ts';
import { Instance } from './instance.ts';
import { INSTRUMENTATION_CHECKS, type Instrumentation } from './instruments.ts';
import type { Job } from './job.ts';
import {
  checkWorkerOptions,
  type EnqueueOptions,
  type GetJobsOptions,
  type GetJobsWithCursorOptions,
  type JobsFilter,
  LONGEST_UNIQUE_KEY,
  type ScheduleOptions,
  type WorkerOptions,
} from './job-options.ts';
import type {
  AnyName,
  DataArgument,
  DataFor,
  DataOf,
  JobTypes,
  NameOf,
  OfNames,
  ResultOf,
  UntypedJobs,
} from './job-types.ts';
import type { LedgerRepository } from './ledger/ledger-repository.ts';
import { InMemoryLedgerRepository } from './ledger/memory/in-memory-ledger-repository.ts';
import { type MetricsSnapshot, snapshotOf } from './metrics-snapshot.ts';
import { type MonqueOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { type EnqueueEntryResult, Producer, type TypedEntry } from './producer.ts';
import type { HandlerReturn, JobId, MonquePublicAPI } from './public-api.ts';
import { type Schedule, Schedules } from './schedules.ts';
import { stopOnSignals } from './signals.ts';
import { resolveSource } from './source.ts';
import { Turns } from './turns.ts';
import { Waiter } from './waiter.ts';
import { type JobHandler, Worker } from './worker.ts';

const DEFAULT_WAIT_TIMEOUT = 30_000;
const LONGEST_REASON = 1_000;

/**
 * An embeddable job scheduler that keeps its jobs in MongoDB.
 *
 * @typeParam Types - the names of the jobs with the types of their data and results; without it any name goes
 * @example
 * ```ts
 * const monque = new Monque(client.db('shop'));
 * monque.worker('send-email', async (job) => sendEmail(job.data));
 * await monque.start();
 * await monque.enqueue('send-email', { to: 'user@example.com' });
 * ```
 */
export class Monque<Types extends JobTypes = UntypedJobs>
  extends MonqueEmitter
  implements MonquePublicAPI<Types>
{
  readonly #ledger: LedgerRepository;
  readonly #options: ResolvedOptions;
  readonly #context: EngineContext;
  readonly #producer: Producer;
  readonly #schedules: Schedules;
  readonly #control: Control;
  readonly #waiter: Waiter;
  readonly #workers = new Map<string, Worker>();
  readonly #initialize = (): Promise<void> => this.initialize();
  #instance: Instance | undefined;
  #releaseSignals: (() => void) | undefined;
  readonly #turns = new Turns();

  /**
   * @param source - the database to keep jobs in, or a ledger of your own
   * @param options - see {@link MonqueOptions}
   * @throws InvalidArgumentError when the source is neither, or an option is wrong. Nothing is connected to yet.
   */
  constructor(source: Db | LedgerRepository, options: MonqueOptions = {}) {
    super();
    const resolved = resolveSource(source, options);
    this.#options = resolved.options;
    this.#ledger = resolved.ledger;
    this.#context = makeContext(resolved, (name, payload) => {
      this.emit(name, payload as never);
    });
    const onPending = (jobs: readonly Job[]): void => this.#instance?.jobsStored(jobs);
    this.#producer = new Producer(this.#context, this.#workers, onPending);
    this.#schedules = new Schedules(this.#context, this.#producer, (job) => onPending([job]));
    this.#waiter = new Waiter(this.#context);
    this.#control = new Control(this.#context, {
      onPending: (job) => onPending([job]),
      onCancelRequested: (jobId) => this.#instance?.cancelRequested(jobId),
      onEnded: (job) => this.#waiter.ended(job),
    });
  }

  /** A scheduler that keeps its jobs in this process only: for unit tests and first steps. */
  static inMemory<Types extends JobTypes = UntypedJobs>(
    options: MonqueOptions = {},
  ): Monque<Types> {
    const { clock, operationTimeoutMs } = resolveOptions(options, true);
    return new Monque<Types>(new InMemoryLedgerRepository({ clock, operationTimeoutMs }), options);
  }

  async initialize(): Promise<void> {
    await this.#ledger.open();
    await this.#context.ledgerTime.ensureSampled();
  }

  start(): Promise<void> {
    return this.#turns.take('start', () => this.#startInstance());
  }

  stop(): Promise<void> {
    return this.#turns.take('stop', () => this.#stopInstance());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  enqueue<T>(name: AnyName<Types>, data?: T, options?: EnqueueOptions): Promise<Job<T>>;
  enqueue<Name extends NameOf<Types>>(
    name: Name,
    ...data: DataArgument<DataFor<Types, Name>, [options?: EnqueueOptions]>
  ): Promise<Job<DataOf<Types, Name>>>;
  async enqueue(name: string, data?: unknown, options: EnqueueOptions = {}): Promise<Job> {
    return this.#producer.enqueue(name, data, options, this.#initialize);
  }

  now<T>(name: AnyName<Types>, data?: T): Promise<Job<T>>;
  now<Name extends NameOf<Types>>(
    name: Name,
    ...data: DataArgument<DataFor<Types, Name>>
  ): Promise<Job<DataOf<Types, Name>>>;
  async now(name: string, data?: unknown): Promise<Job> {
    return this.#producer.enqueue(name, data, {}, this.#initialize);
  }

  async enqueueMany<Name extends NameOf<Types> = NameOf<Types>>(
    entries: readonly TypedEntry<Types, Name>[],
  ): Promise<EnqueueEntryResult<DataOf<Types, Name>>[]> {
    const results = await this.#producer.enqueueMany(entries, this.#initialize);
    return results as EnqueueEntryResult<DataOf<Types, Name>>[];
  }

  schedule<T>(
    cron: string,
    name: AnyName<Types>,
    data?: T,
    options?: ScheduleOptions,
  ): Promise<Job<T>>;
  schedule<Name extends NameOf<Types>>(
    cron: string,
    name: Name,
    ...data: DataArgument<DataFor<Types, Name>, [options?: ScheduleOptions]>
  ): Promise<Job<DataOf<Types, Name>>>;
  async schedule(
    cron: string,
    name: string,
    data?: unknown,
    options: ScheduleOptions = {},
  ): Promise<Job> {
    return this.#schedules.schedule(cron, name, data, options, this.#initialize);
  }

  async unschedule(
    name: NameOf<Types>,
    options: { readonly uniqueKey?: string } = {},
  ): Promise<number> {
    checkJobName('name', name);
    checkFields('options', options, { uniqueKey: text(LONGEST_UNIQUE_KEY) });
    await this.initialize();
    return this.#schedules.unschedule(name, options.uniqueKey);
  }

  async getSchedules(filter: { readonly name?: NameOf<Types> } = {}): Promise<Schedule[]> {
    checkFields('filter', filter, { name: checkJobName });
    return this.#schedules.list(filter.name);
  }

  worker<T>(name: AnyName<Types>, handler: JobHandler<T>, options?: WorkerOptions): this;
  worker<Name extends NameOf<Types>>(
    name: Name,
    handler: JobHandler<DataOf<Types, Name>, HandlerReturn<Types, Name>>,
    options?: WorkerOptions,
  ): this;
  worker(name: string, handler: JobHandler<never>, options: WorkerOptions = {}): this {
    checkJobName('name', name);
    checkFunction('handler', handler);
    checkWorkerOptions(options);
    if (this.#workers.has(name)) {
      throw new InvalidArgumentError('name', 'a name without a worker', name);
    }
    this.#workers.set(
      name,
      new Worker(name, handler as JobHandler<unknown>, options, this.#options),
    );
    this.#instance?.workerAdded();
    return this;
  }

  async getJob<T = unknown>(id: JobId): Promise<Job<T> | null> {
    return (await this.#control.getJob(id)) as Job<T> | null;
  }

  async getJobs<Name extends NameOf<Types> = NameOf<Types>>(
    options: OfNames<GetJobsOptions, Name> = {},
  ): Promise<Job<DataOf<Types, Name>>[]> {
    return (await this.#control.getJobs(options)) as Job<DataOf<Types, Name>>[];
  }

  async getJobsWithCursor<Name extends NameOf<Types> = NameOf<Types>>(
    options: OfNames<GetJobsWithCursorOptions, Name> = {},
  ): Promise<JobsPage<DataOf<Types, Name>>> {
    return (await this.#control.getJobsWithCursor(options)) as JobsPage<DataOf<Types, Name>>;
  }

  async cancelJob(id: JobId, options: { readonly reason?: string } = {}): Promise<Job | null> {
    checkFields('options', options, { reason: text(LONGEST_REASON) });
    toObjectId('id', id);
    await this.initialize();
    return this.#control.cancelJob(id, options.reason);
  }

  async retryJob(id: JobId): Promise<Job | null> {
    toObjectId('id', id);
    await this.initialize();
    return this.#control.retryJob(id);
  }

  async rescheduleJob(id: JobId, runAt: Date): Promise<Job | null> {
    toObjectId('id', id);
    await this.initialize();
    return this.#control.rescheduleJob(id, runAt);
  }

  async deleteJob(id: JobId): Promise<boolean> {
    return this.#control.deleteJob(id);
  }

  async cancelJobs(filter: JobsFilter): Promise<BulkResult> {
    return this.#control.cancelJobs(filter, this.#initialize);
  }

  async retryJobs(filter: JobsFilter): Promise<BulkResult> {
    return this.#control.retryJobs(filter, this.#initialize);
  }

  async deleteJobs(filter: JobsFilter): Promise<BulkResult> {
    return this.#control.deleteJobs(filter, this.#initialize);
  }

  async getQueueStats(filter: { readonly name?: NameOf<Types> } = {}): Promise<QueueStats> {
    checkFields('filter', filter, { name: checkJobName });
    await this.initialize();
    return this.#control.getQueueStats(filter.name);
  }

  pause(name: NameOf<Types>): Promise<void> {
    return this.#setPaused(name, true);
  }

  resume(name: NameOf<Types>): Promise<void> {
    return this.#setPaused(name, false);
  }

  async waitFor<Name extends NameOf<Types> = NameOf<Types>>(
    id: JobId | Job<DataOf<Types, Name>>,
    options: { readonly timeout?: number } = {},
  ): Promise<ResultOf<Types, Name>> {
    const given = typeof id === 'object' && id !== null && '_id' in id ? id._id : id;
    const jobId = toObjectId('id', given);
    checkFields('options', options, { timeout: integer(0, DAY_MS) });
    const { timeout = DEFAULT_WAIT_TIMEOUT } = options;
    return (await this.#waiter.wait(jobId, timeout)) as ResultOf<Types, Name>;
  }

  isHealthy(): boolean {
    return this.#instance?.isHealthy() ?? false;
  }

  health(): Health {
    const running = this.#instance !== undefined;
    return { ...(this.#instance?.health() ?? this.#idleHealth()), running };
  }

  metrics(): MetricsSnapshot {
    return snapshotOf(this.#context, this.health());
  }

  instrument(instrumentation: Instrumentation): () => void {
    checkFields('instrumentation', instrumentation, INSTRUMENTATION_CHECKS);
    return this.#context.instruments.add(instrumentation);
  }

  #idleHealth(): Omit<Health, 'running'> {
    return {
      connected: false,
      hints: 'polling',
      ...this.#context.health.read(),
      runningJobs: 0,
      bufferedJobs: 0,
      unsettledJobs: 0,
      pausedNames: [],
      alerts: [],
      ledger: this.#ledger.health(),
    };
  }

  async #setPaused(name: string, paused: boolean): Promise<void> {
    checkJobName('name', name);
    await this.initialize();
    await this.#ledger.setPaused({ name, paused, now: this.#context.ledgerTime.now() });
    this.#instance?.pausesChanged();
  }

  async #startInstance(): Promise<void> {
    await this.initialize();
    const instance = new Instance(this.#context, this.#workers, (job) => this.#waiter.ended(job));
    await instance.start();
    this.#instance = instance;
    this.#releaseSignals = stopOnSignals(this.#options.signals, () => this.stop());
  }

  async #stopInstance(): Promise<void> {
    const instance = this.#instance;
    this.#instance = undefined;
    await instance?.stop();
    this.#releaseSignals?.();
    await this.#context.ledgerTime.idle();
    await this.#ledger.close();
  }
}
