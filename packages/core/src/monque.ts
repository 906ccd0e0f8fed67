/**
 * The class users meet: options in, parts wired, verbs delegated. What each verb promises is said in `public-api.ts`.
 *
 * @module
 */

import type { ClientSession } from 'mongodb';
import { clientOf } from './actor-client.ts';
import type { MonqueManagement } from './actor-verbs.ts';
import { type DefinedJob, Definitions, type JobDefinition } from './client/definitions.ts';
import type { TypedEntry } from './client/enqueue.ts';
import type { EnqueueEntryResult } from './client/entry-result.ts';
import { Outbox } from './client/outbox.ts';
import { type Ping, type PingOptions, pingLedger } from './client/ping.ts';
import { Inbox, runTransaction } from './client/transactions.ts';
import { Waiter } from './client/wait-for.ts';
import type { MonqueEventMap } from './context/events.ts';
import type { Health } from './context/health.ts';
import { INSTRUMENTATION_CHECKS, type Instrumentation } from './context/instruments.ts';
import { isNoticed, Notices } from './context/notices.ts';
import { releaseChildren } from './context/release-children.ts';
import { type EngineContext, makeContext } from './context/scheduler-context.ts';
import { type MetricsSnapshot, snapshotOf } from './diagnosis/metrics-snapshot.ts';
import { idleHealth } from './engine/idle-health.ts';
import { Instance } from './engine/instance.ts';
import { type ReconfigureOptions, Reconfigurer } from './engine/reconfigurer.ts';
import { checkFields, checkJobName } from './foundation/argument-checks.ts';
import type { Database, Session } from './foundation/driver-shapes.ts';
import { InvalidArgumentError } from './foundation/errors.ts';
import { Turns } from './foundation/start-stop.ts';
import type { Interval } from './job/interval-plan.ts';
import type { Job } from './job/job.ts';
import type {
  DataOf,
  JobArguments,
  JobOf,
  JobTypes,
  NameOf,
  UntypedJobs,
} from './job/typed-jobs.ts';
import { JobsClient, type SharedParts } from './jobs-client.ts';
import type { Actor, LedgerRepository } from './ledger/ledger-repository.ts';
import { inMemorySource, resolveSource } from './ledger-source.ts';
import type { EnqueueOptions } from './options/enqueue-options.ts';
import type { MonqueOptions } from './options/options.ts';
import type { OutboxOptions } from './options/outbox-options.ts';
import type { ResolvedOptions } from './options/resolve-options.ts';
import type { ScheduleOptions } from './options/schedule-options.ts';
import type { EnqueueManyOptions, InboxOptions } from './options/transaction-options.ts';
import type { WorkerOptions } from './options/worker-options.ts';
import type { HandlerOf, MonquePublicAPI } from './public-api.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { TypedVerbs } from './typed-verbs.ts';
import { type GivenWork, workOf } from './workers/work.ts';
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
  extends TypedVerbs<Types>
  implements MonquePublicAPI<Types>
{
  readonly #options: ResolvedOptions;
  readonly #context: EngineContext;
  readonly #shared: SharedParts;
  /** The verbs on jobs, whatever the types of their data are. */
  protected readonly jobs: JobsClient;
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
  constructor(source: Database | LedgerRepository, options: MonqueOptions = {}) {
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
    const definitions = new Definitions();
    const release = async (tokens: readonly string[]): Promise<void> => {
      try {
        const names = await releaseChildren(this.#context, tokens);
        this.#instance?.released(names);
      } catch (error) {
        this.#context.report(error);
        this.#instance?.lookAtFlows();
      }
    };
    this.#shared = { workers: this.#workers, waiter: this.#waiter, definitions, instance, release };
    this.jobs = new JobsClient(this.#context, this.#shared);
  }

  /** A scheduler that keeps its jobs in this process only: for unit tests and first steps. */
  static inMemory<Types extends JobTypes = UntypedJobs>(
    options: MonqueOptions = {},
  ): Monque<Types> {
    return new Monque<Types>(...inMemorySource(options));
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

  enqueue<Data, Name extends NameOf<Types> = NameOf<Types>>(
    name: Name,
    ...data: JobArguments<Types, Name, Data, [options?: EnqueueOptions]>
  ): Promise<JobOf<Types, Name, Data>>;
  async enqueue(name: string, data?: unknown, options: EnqueueOptions = {}): Promise<Job> {
    const job = await this.jobs.enqueue(name, data, options);
    this.#noticeEnqueue(name);
    return job;
  }

  now<Data, Name extends NameOf<Types> = NameOf<Types>>(
    name: Name,
    ...data: JobArguments<Types, Name, Data>
  ): Promise<JobOf<Types, Name, Data>>;
  async now(name: string, data?: unknown): Promise<Job> {
    const job = await this.jobs.now(name, data);
    this.#noticeEnqueue(name);
    return job;
  }

  async enqueueMany<Name extends NameOf<Types> = NameOf<Types>>(
    entries: readonly TypedEntry<Types, Name>[],
    options: EnqueueManyOptions = {},
  ): Promise<EnqueueEntryResult<DataOf<Types, Name>>[]> {
    const results = await this.jobs.enqueueMany(entries, options);
    for (const { name } of entries) this.#noticeEnqueue(name);
    return results as EnqueueEntryResult<DataOf<Types, Name>>[];
  }

  schedule<Data, Name extends NameOf<Types> = NameOf<Types>>(
    cron: string | Interval,
    name: Name,
    ...data: JobArguments<Types, Name, Data, [options?: ScheduleOptions]>
  ): Promise<JobOf<Types, Name, Data>>;
  async schedule(
    cron: string | Interval,
    name: string,
    data?: unknown,
    options: ScheduleOptions = {},
  ): Promise<Job> {
    const job = await this.jobs.schedule(cron, name, data, options);
    this.#noticeEnqueue(name);
    return job;
  }

  worker<Data, Name extends NameOf<Types> = NameOf<Types>>(
    name: Name,
    handler: HandlerOf<Types, Name, Data>,
    options?: WorkerOptions,
  ): this;
  worker(name: string, handler: GivenWork, options: WorkerOptions = {}): this {
    checkJobName('name', name);
    const work = workOf(handler, options);
    if (this.#workers.has(name)) {
      throw new InvalidArgumentError('name', 'a name without a worker', name);
    }
    this.#workers.set(
      name,
      new Worker(name, work, this.#shared.definitions.optionsFor(name, options), this.#options),
    );
    this.#notices.workerAdded(this.#options.clock.monotonic());
    this.#instance?.workerAdded();
    return this;
  }

  define<I, O>(name: NameOf<Types>, definition: JobDefinition<I, O>): DefinedJob<I, O> {
    return this.#shared.definitions.define(name, definition, this as unknown as Monque);
  }

  as(actor: Actor): MonqueManagement<Types> {
    // Its verbs are those of jobs of any types.
    return clientOf(this.#context, this.#shared, actor) as never;
  }

  reconfigure(options: ReconfigureOptions<NameOf<Types>>): void {
    const names = this.#reconfigurer.reconfigure(options);
    this.#instance?.reconfigured(names);
  }

  transaction<T, S extends Session = ClientSession>(work: (session: S) => Promise<T>): Promise<T> {
    return runTransaction(this.#context, work);
  }

  inbox(name: string, options: InboxOptions = {}): Inbox {
    return new Inbox(this.#context, name, options);
  }

  outbox<T = unknown>(name: string, options: OutboxOptions<T> = {}): Outbox<T> {
    const outbox = new Outbox<T>(this.#context, name, options, (...given) =>
      this.jobs.enqueue(...given),
    );
    const { work } = outbox;
    if (work) (this as unknown as Monque).worker(name, work.handler, work.options);
    return outbox;
  }

  ping(options: PingOptions = {}): Promise<Ping> {
    return pingLedger(this.#context, options);
  }

  isHealthy(): boolean {
    return this.#instance?.isHealthy() ?? false;
  }

  health(): Health {
    const running = this.#instance !== undefined;
    return { ...(this.#instance?.health() ?? idleHealth(this.#context)), running };
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
    this.#notices.unheard(name, payload, this.listenerCount('job:error') > 0);
  }

  #noticeEnqueue(name: string): void {
    const facts = { isRunning: this.#instance !== undefined, workers: this.#workers };
    this.#notices.enqueued({ name, ...facts, nowMs: this.#options.clock.monotonic() });
  }

  async #startInstance(): Promise<void> {
    await this.initialize();
    const instance = new Instance(this.#context, this.#workers, {
      onSettled: (job) => this.#waiter.ended(job),
      addToFlow: (job, jobs) => this.jobs.flows.add(job, jobs),
      onSuperseded: (job) => this.jobs.cancelSuperseded(job),
    });
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
    await this.#context.throughput?.finish();
    await this.#context.ledgerTime.idle();
    await this.#context.ledger.close();
  }
}
