/**
 * The class users meet: options in, parts wired, verbs delegated. What each verb promises is said in `public-api.ts`.
 *
 * @module
 */
import type { Db } from 'mongodb';
import { type EnqueueEntryResult, Producer, type TypedEntry } from './client/enqueue.ts';
import { type BulkResult, Control, type JobsPage, type QueueStats } from './client/manual-verbs.ts';
import { type GetHistoryOptions, Records } from './client/metadata-and-history.ts';
import { Gates, type OpenGateOptions } from './client/open-gate.ts';
import { type Schedule, Schedules } from './client/schedules.ts';
import { Waiter } from './client/wait-for.ts';
import { MonqueEmitter } from './context/events.ts';
import { type Health, idleHealth } from './context/health.ts';
import { INSTRUMENTATION_CHECKS, type Instrumentation } from './context/instruments.ts';
import { contextOver, type EngineContext, makeContext } from './context/scheduler-context.ts';
import { type AuditOptions, Auditor, type AuditReport } from './diagnosis/auditor.ts';
import { Explainer } from './diagnosis/explainer.ts';
import type { Explanation } from './diagnosis/explanation.ts';
import { type Inspection, Inspector } from './diagnosis/inspector.ts';
import { type MetricsSnapshot, snapshotOf } from './diagnosis/metrics-snapshot.ts';
import { Instance } from './engine/instance.ts';
import { type ReconfigureOptions, Reconfigurer } from './engine/reconfigurer.ts';
import {
  checkFields,
  checkFunction,
  checkJobName,
  DAY_MS,
  integer,
  toObjectId,
} from './foundation/argument-checks.ts';
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
import type { Actor, LedgerRepository, TransitionEntry } from './ledger/ledger-repository.ts';
import { InMemoryLedgerRepository } from './ledger/memory/in-memory-ledger-repository.ts';
import { resolveSource } from './ledger-source.ts';
import { ledgerFor, type MonqueManagement, managementOf } from './management.ts';
import {
  checkWorkerOptions,
  type EnqueueOptions,
  type GetJobsOptions,
  type GetJobsWithCursorOptions,
  type JobsFilter,
  type ScheduleOptions,
  type WorkerOptions,
} from './options/enqueue-options.ts';
import { type MonqueOptions, type ResolvedOptions, resolveOptions } from './options/options.ts';
import type { HandlerReturn, JobId, MonquePublicAPI } from './public-api.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { StagePlan, type StagesDefinition } from './workers/stages.ts';
import { type JobHandler, Worker } from './workers/worker.ts';

const DEFAULT_WAIT_TIMEOUT = 30_000;

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
  /** This one, or the scheduler that this one is of an actor's. */
  readonly #origin: Monque<Types>;
  readonly #ledger: LedgerRepository;
  readonly #options: ResolvedOptions;
  readonly #context: EngineContext;
  readonly #producer: Producer;
  readonly #schedules: Schedules;
  readonly #control: Control;
  readonly #gates: Gates;
  readonly #waiter: Waiter;
  readonly #records: Records;
  readonly #explainer: Explainer;
  readonly #inspector: Inspector;
  readonly #auditor: Auditor;
  readonly #workers: Map<string, Worker>;
  readonly #reconfigurer: Reconfigurer;
  #instance: Instance | undefined;
  #releaseSignals: (() => void) | undefined;
  readonly #turns = new Turns();

  /**
   * @param source - the database to keep jobs in, or a ledger of your own
   * @param options - see {@link MonqueOptions}
   * @throws InvalidArgumentError when the source is neither, or an option is wrong. Nothing is connected to yet.
   */
  constructor(source: Db | LedgerRepository, options?: MonqueOptions);
  /** @internal The scheduler `origin` over a ledger of an actor's, with the events, workers and time of `origin`. */
  constructor(source: LedgerRepository, origin: Monque<Types>);
  constructor(source: Db | LedgerRepository, given: MonqueOptions | Monque<Types> = {}) {
    super();
    if (given instanceof Monque) {
      this.#origin = given;
      this.#context = contextOver(given.#context, source as LedgerRepository);
      this.#workers = given.#workers;
      this.#reconfigurer = given.#reconfigurer;
    } else {
      this.#origin = this;
      this.#context = makeContext(resolveSource(source, given), (name, payload) => {
        this.emit(name, payload as never);
      });
      this.#workers = new Map();
      this.#reconfigurer = new Reconfigurer(this.#context, this.#workers, given);
    }
    this.#options = this.#context.options;
    this.#ledger = this.#context.ledger;
    const origin = this.#origin;
    const onPending = (jobs: readonly Job[]): void => origin.#instance?.jobsStored(jobs);
    this.#producer = new Producer(this.#context, this.#workers, onPending);
    this.#schedules = new Schedules(this.#context, this.#producer, (job) => onPending([job]));
    this.#gates = new Gates(this.#context, this.#workers, (job) => onPending([job]));
    this.#waiter = new Waiter(this.#context);
    this.#records = new Records(this.#context);
    this.#explainer = new Explainer(this.#context, () => origin.#instance);
    this.#inspector = new Inspector(this.#context, () => origin.#instance);
    this.#auditor = new Auditor(this.#context);
    this.#control = new Control(this.#context, {
      onPending: (job) => onPending([job]),
      onCancelRequested: (jobId) => origin.#instance?.cancelRequested(jobId),
      onEnded: (job) => origin.#waiter.ended(job),
      onPausesChanged: () => origin.#instance?.pausesChanged(),
    });
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
    return this.#producer.enqueue(name, data, options);
  }

  now<T>(name: AnyName<Types>, data?: T): Promise<Job<T>>;
  now<Name extends NameOf<Types>>(
    name: Name,
    ...data: DataArgument<DataFor<Types, Name>>
  ): Promise<Job<DataOf<Types, Name>>>;
  async now(name: string, data?: unknown): Promise<Job> {
    return this.#producer.enqueue(name, data, {});
  }

  async enqueueMany<Name extends NameOf<Types> = NameOf<Types>>(
    entries: readonly TypedEntry<Types, Name>[],
  ): Promise<EnqueueEntryResult<DataOf<Types, Name>>[]> {
    const results = await this.#producer.enqueueMany(entries);
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
    return this.#schedules.schedule(cron, name, data, options);
  }

  async unschedule(
    name: NameOf<Types>,
    options: { readonly uniqueKey?: string } = {},
  ): Promise<number> {
    return this.#schedules.unschedule(name, options);
  }

  async getSchedules(filter: { readonly name?: NameOf<Types> } = {}): Promise<Schedule[]> {
    checkFields('filter', filter, { name: checkJobName });
    return this.#schedules.list(filter.name);
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
    const isStaged = typeof handler === 'object' && handler !== null;
    if (!isStaged) checkFunction('handler', handler);
    const work = isStaged ? new StagePlan(handler) : (handler as JobHandler);
    checkWorkerOptions(options);
    if (this.#workers.has(name)) {
      throw new InvalidArgumentError('name', 'a name without a worker', name);
    }
    this.#workers.set(name, new Worker(name, work, options, this.#options));
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

  async getHistory(id: JobId, options: GetHistoryOptions = {}): Promise<TransitionEntry[]> {
    return this.#records.getHistory(id, options);
  }

  async setMetadata(id: JobId, changes: MetadataChanges): Promise<Job | null> {
    return this.#records.setMetadata(id, changes);
  }

  async cancelJob(id: JobId, options: { readonly reason?: string } = {}): Promise<Job | null> {
    return this.#control.cancelJob(id, options);
  }

  async retryJob(id: JobId): Promise<Job | null> {
    return this.#control.retryJob(id);
  }

  async rescheduleJob(id: JobId, runAt: Date): Promise<Job | null> {
    return this.#control.rescheduleJob(id, runAt);
  }

  async openGate(id: JobId, gate: string, options: OpenGateOptions): Promise<Job | null> {
    return this.#gates.open(id, gate, options);
  }

  async deleteJob(id: JobId): Promise<boolean> {
    return this.#control.deleteJob(id);
  }

  async cancelJobs(filter: JobsFilter): Promise<BulkResult> {
    return this.#control.cancelJobs(filter);
  }

  async retryJobs(filter: JobsFilter): Promise<BulkResult> {
    return this.#control.retryJobs(filter);
  }

  async deleteJobs(filter: JobsFilter): Promise<BulkResult> {
    return this.#control.deleteJobs(filter);
  }

  async getQueueStats(filter: { readonly name?: NameOf<Types> } = {}): Promise<QueueStats> {
    return this.#control.getQueueStats(filter);
  }

  async pause(name: NameOf<Types>): Promise<void> {
    return this.#control.setPaused(name, true);
  }

  async resume(name: NameOf<Types>): Promise<void> {
    return this.#control.setPaused(name, false);
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

  as(actor: Actor): MonqueManagement<Types> {
    return managementOf(new Monque<Types>(ledgerFor(this.#context, actor), this));
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
    return this.#explainer.explain(id);
  }

  inspect(): Promise<Inspection> {
    return this.#inspector.inspect();
  }

  async audit(options: AuditOptions = {}): Promise<AuditReport> {
    return this.#auditor.audit(options);
  }

  metrics(): MetricsSnapshot {
    return snapshotOf(this.#context, this.health());
  }

  instrument(instrumentation: Instrumentation): () => void {
    checkFields('instrumentation', instrumentation, INSTRUMENTATION_CHECKS);
    return this.#context.instruments.add(instrumentation);
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
    this.#releaseSignals?.();
    await this.#context.ledgerTime.idle();
    await this.#ledger.close();
  }
}
