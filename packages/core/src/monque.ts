/**
 * The class users meet: options in, parts wired, verbs delegated. What each verb promises is said in `public-api.ts`.
 *
 * @module
 */
import type { Db } from 'mongodb';
import type { BulkResult } from './client/bulk-verbs.ts';
import type { EnqueueEntryResult, TypedEntry } from './client/enqueue.ts';
import type { JobsPage } from './client/listing.ts';
import type { GetHistoryOptions } from './client/metadata-and-history.ts';
import type { OpenGateOptions } from './client/open-gate.ts';
import type { OrderInfo, OrdersOptions } from './client/orders.ts';
import type { QueueStats } from './client/queue-stats.ts';
import type { Schedule, UnscheduleOptions } from './client/schedules.ts';
import { Waiter, type WaitForOptions } from './client/wait-for.ts';
import { MonqueEmitter, type MonqueEventMap } from './context/events.ts';
import type { Health } from './context/health.ts';
import { INSTRUMENTATION_CHECKS, type Instrumentation } from './context/instruments.ts';
import { isNoticed, Notices } from './context/notices.ts';
import { type EngineContext, makeContext } from './context/scheduler-context.ts';
import type { AuditOptions, AuditReport } from './diagnosis/auditor.ts';
import type { Explanation } from './diagnosis/explanation.ts';
import type { Inspection } from './diagnosis/inspector.ts';
import { type MetricsSnapshot, snapshotOf } from './diagnosis/metrics-snapshot.ts';
import { idleHealth } from './engine/idle-health.ts';
import { Instance } from './engine/instance.ts';
import { type ReconfigureOptions, Reconfigurer } from './engine/reconfigurer.ts';
import { checkFields, checkJobName } from './foundation/argument-checks.ts';
import { InvalidArgumentError } from './foundation/errors.ts';
import { Turns } from './foundation/start-stop.ts';
import type { Job } from './job/job.ts';
import type { MetadataChanges } from './job/metadata.ts';
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
} from './job/typed-jobs.ts';
import { clientOf, JobsClient, type SharedParts } from './jobs-client.ts';
import type { Actor, LedgerRepository, TransitionEntry } from './ledger/ledger-repository.ts';
import { InMemoryLedgerRepository } from './ledger/memory/in-memory-ledger-repository.ts';
import type { LedgerVerb } from './ledger/verbs/verb-table.ts';
import { resolveSource } from './ledger-source.ts';
import type { JobId, MonqueManagement } from './management.ts';
import type { EnqueueOptions } from './options/enqueue-options.ts';
import type {
  GetJobsOptions,
  GetJobsWithCursorOptions,
  JobsFilter,
} from './options/list-options.ts';
import type { ManualVerbOptions } from './options/manual-verb-options.ts';
import type { MonqueOptions } from './options/options.ts';
import { type ResolvedOptions, resolveOptions } from './options/resolve-options.ts';
import type { ScheduleOptions } from './options/schedule-options.ts';
import { checkWorkerOptions, type WorkerOptions } from './options/worker-options.ts';
import type { HandlerReturn, MonquePublicAPI } from './public-api.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import type { JobHandler } from './workers/handler.ts';
import { type StagesDefinition, workOf } from './workers/stages.ts';
import { Worker } from './workers/worker.ts';

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
  readonly #options: ResolvedOptions;
  readonly #context: EngineContext;
  readonly #shared: SharedParts;
  readonly #jobs: JobsClient;
  readonly #waiter: Waiter;
  readonly #workers = new Map<string, Worker>();
  readonly #reconfigurer: Reconfigurer;
  #instance: Instance | undefined;
  #releaseSignals: (() => void) | undefined;
  readonly #turns = new Turns();
  readonly #notices: Notices;

  /**
   * @param source - the database to keep jobs in, or a ledger of your own
   * @param options - see {@link MonqueOptions}
   * @throws InvalidArgumentError when the source is neither, or an option is wrong. Nothing is connected to yet.
   */
  constructor(source: Db | LedgerRepository, options: MonqueOptions = {}) {
    super();
    this.#context = makeContext(resolveSource(source, options), {
      emit: (name, payload) => this.emit(name, payload as never),
      isHeard: (name) => isNoticed(name) || this.listenerCount(name) > 0,
    });
    this.#options = this.#context.options;
    this.#notices = new Notices(() => this.#options.logger === undefined);
    this.#waiter = new Waiter(this.#context);
    this.#reconfigurer = new Reconfigurer(this.#context, this.#workers, options);
    const instance = (): Instance | undefined => this.#instance;
    this.#shared = { workers: this.#workers, waiter: this.#waiter, instance };
    this.#jobs = new JobsClient(this.#context, this.#shared);
  }

  /** A scheduler that keeps its jobs in this process only: for unit tests and first steps. */
  static inMemory<Types extends JobTypes = UntypedJobs>(
    options: MonqueOptions = {},
  ): Monque<Types> {
    const { clock, operationTimeoutMs, ledger } = resolveOptions(options);
    const { transitionLog, invariants } = ledger;
    const own = { clock, operationTimeoutMs, transitionLog, invariants };
    const inMemory = new InMemoryLedgerRepository(own);
    const { transitionLog: _, invariants: __, ...others } = options;
    return new Monque<Types>(inMemory, others);
  }

  initialize(): Promise<void> {
    return this.#context.ready();
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
    const job = await this.#jobs.enqueue(name, data, options);
    this.#noticeEnqueue(name);
    return job;
  }

  now<T>(name: AnyName<Types>, data?: T): Promise<Job<T>>;
  now<Name extends NameOf<Types>>(
    name: Name,
    ...data: DataArgument<DataFor<Types, Name>>
  ): Promise<Job<DataOf<Types, Name>>>;
  async now(name: string, data?: unknown): Promise<Job> {
    const job = await this.#jobs.now(name, data);
    this.#noticeEnqueue(name);
    return job;
  }

  async enqueueMany<Name extends NameOf<Types> = NameOf<Types>>(
    entries: readonly TypedEntry<Types, Name>[],
  ): Promise<EnqueueEntryResult<DataOf<Types, Name>>[]> {
    const results = await this.#jobs.enqueueMany(entries);
    for (const { name } of entries) this.#noticeEnqueue(name);
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
    const job = await this.#jobs.schedule(cron, name, data, options);
    this.#noticeEnqueue(name);
    return job;
  }

  async unschedule(name: NameOf<Types>, options: UnscheduleOptions = {}): Promise<number> {
    return this.#jobs.unschedule(name, options);
  }

  async getSchedules(filter: { readonly name?: NameOf<Types> } = {}): Promise<Schedule[]> {
    return this.#jobs.getSchedules(filter);
  }

  worker<T>(
    name: AnyName<Types>,
    handler: JobHandler<T> | StagesDefinition<T>,
    options?: WorkerOptions,
  ): this;
  worker<Name extends NameOf<Types>>(
    name: Name,
    handler:
      | JobHandler<DataOf<Types, Name>, HandlerReturn<Types, Name>>
      | StagesDefinition<DataOf<Types, Name>>,
    options?: WorkerOptions,
  ): this;
  worker(
    name: string,
    handler: JobHandler<never> | StagesDefinition<never>,
    options: WorkerOptions = {},
  ): this {
    checkJobName('name', name);
    const work = workOf(handler, options);
    checkWorkerOptions(options);
    if (this.#workers.has(name)) {
      throw new InvalidArgumentError('name', 'a name without a worker', name);
    }
    this.#workers.set(name, new Worker(name, work, options, this.#options));
    this.#notices.workerAdded(this.#options.clock.monotonic());
    this.#instance?.workerAdded();
    return this;
  }

  async getJob<T = unknown>(id: JobId): Promise<Job<T> | null> {
    return this.#jobs.getJob<T>(id);
  }

  async getJobs<Name extends NameOf<Types> = NameOf<Types>>(
    options: OfNames<GetJobsOptions, Name> = {},
  ): Promise<Job<DataOf<Types, Name>>[]> {
    return (await this.#jobs.getJobs(options)) as Job<DataOf<Types, Name>>[];
  }

  async getJobsWithCursor<Name extends NameOf<Types> = NameOf<Types>>(
    options: OfNames<GetJobsWithCursorOptions, Name> = {},
  ): Promise<JobsPage<DataOf<Types, Name>>> {
    return (await this.#jobs.getJobsWithCursor(options)) as JobsPage<DataOf<Types, Name>>;
  }

  async getHistory(id: JobId, options: GetHistoryOptions = {}): Promise<TransitionEntry[]> {
    return this.#jobs.getHistory(id, options);
  }

  async setMetadata(
    id: JobId,
    changes: MetadataChanges,
    options: ManualVerbOptions = {},
  ): Promise<Job | null> {
    return this.#jobs.setMetadata(id, changes, options);
  }

  async cancelJob(id: JobId, options: ManualVerbOptions = {}): Promise<Job | null> {
    return this.#jobs.cancelJob(id, options);
  }

  async retryJob(id: JobId, options: ManualVerbOptions = {}): Promise<Job | null> {
    return this.#jobs.retryJob(id, options);
  }

  async rescheduleJob(
    id: JobId,
    runAt: Date,
    options: ManualVerbOptions = {},
  ): Promise<Job | null> {
    return this.#jobs.rescheduleJob(id, runAt, options);
  }

  async openGate(id: JobId, gate: string, options: OpenGateOptions): Promise<Job | null> {
    return this.#jobs.openGate(id, gate, options);
  }

  async deleteJob(id: JobId, options: ManualVerbOptions = {}): Promise<boolean> {
    return this.#jobs.deleteJob(id, options);
  }

  async cancelJobs(filter: JobsFilter, options: ManualVerbOptions = {}): Promise<BulkResult> {
    return this.#jobs.cancelJobs(filter, options);
  }

  async retryJobs(filter: JobsFilter, options: ManualVerbOptions = {}): Promise<BulkResult> {
    return this.#jobs.retryJobs(filter, options);
  }

  async deleteJobs(filter: JobsFilter, options: ManualVerbOptions = {}): Promise<BulkResult> {
    return this.#jobs.deleteJobs(filter, options);
  }

  async getQueueStats(filter: { readonly name?: NameOf<Types> } = {}): Promise<QueueStats> {
    return this.#jobs.getQueueStats(filter);
  }

  async orders(name: NameOf<Types>, options: OrdersOptions = {}): Promise<OrderInfo[]> {
    return this.#jobs.orders(name, options);
  }

  async pause(name: NameOf<Types>, options: ManualVerbOptions = {}): Promise<void> {
    return this.#jobs.pause(name, options);
  }

  async resume(name: NameOf<Types>, options: ManualVerbOptions = {}): Promise<void> {
    return this.#jobs.resume(name, options);
  }

  async waitFor<Name extends NameOf<Types> = NameOf<Types>>(
    id: JobId | Job<DataOf<Types, Name>>,
    options: WaitForOptions = {},
  ): Promise<ResultOf<Types, Name>> {
    return (await this.#jobs.waitFor(id, options)) as ResultOf<Types, Name>;
  }

  can(verb: LedgerVerb, name?: NameOf<Types>): Promise<boolean> {
    return this.#jobs.can(verb, name);
  }

  as(actor: Actor): MonqueManagement<Types> {
    return clientOf(this.#context, this.#shared, actor) as MonqueManagement<Types>;
  }

  reconfigure(options: ReconfigureOptions<NameOf<Types>>): void {
    const names = this.#reconfigurer.reconfigure(options);
    this.#instance?.reconfigured(names);
  }

  isHealthy(): boolean {
    return this.#instance?.isHealthy() ?? false;
  }

  health(): Health {
    const running = this.#instance !== undefined;
    return { ...(this.#instance?.health() ?? idleHealth(this.#context)), running };
  }

  explain(id: JobId): Promise<Explanation> {
    return this.#jobs.explain(id);
  }

  inspect(): Promise<Inspection> {
    return this.#jobs.inspect();
  }

  async audit(options: AuditOptions = {}): Promise<AuditReport> {
    return this.#jobs.audit(options);
  }

  metrics(): MetricsSnapshot {
    return snapshotOf(this.#context, this.health());
  }

  instrument(instrumentation: Instrumentation): () => void {
    checkFields('instrumentation', instrumentation, INSTRUMENTATION_CHECKS);
    return this.#context.instruments.add(instrumentation);
  }

  protected override unheard<Name extends keyof MonqueEventMap>(
    name: Name,
    payload: MonqueEventMap[Name][0],
  ): void {
    // Whoever listens for errors hears of an outage too.
    const isHeard = name === 'connection:lost' && this.listenerCount('job:error') > 0;
    if (!isHeard) this.#notices.unheard(name, payload);
  }

  #noticeEnqueue(name: string): void {
    const nowMs = this.#options.clock.monotonic();
    const isRunning = this.#instance !== undefined;
    this.#notices.enqueued({ name, workers: this.#workers, isRunning, nowMs });
  }

  async #startInstance(): Promise<void> {
    await this.initialize();
    const instance = new Instance(this.#context, this.#workers, (job) => this.#waiter.ended(job));
    const { version } = this.#reconfigurer;
    await instance.start();
    this.#instance = instance;
    if (this.#reconfigurer.version !== version) instance.reconfigured(['jobRetention']);
    this.#releaseSignals = stopOnSignals(this.#options, () => this.stop());
  }

  async #stopInstance(): Promise<void> {
    const instance = this.#instance;
    this.#instance = undefined;
    await instance?.stop();
    this.#waiter.stop();
    this.#releaseSignals?.();
    await this.#context.ledgerTime.idle();
    await this.#context.ledger.close();
  }
}
