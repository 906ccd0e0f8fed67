/**
 * What each method of a scheduler promises: those that run it; those on jobs are in `actor-verbs.ts`.
 *
 * @module
 */
import type { ClientSession } from 'mongodb';
import type { MonqueManagement } from './actor-verbs.ts';
import type { DefinedJob, JobDefinition } from './client/definitions.ts';
import type { Outbox } from './client/outbox.ts';
import type { Ping, PingOptions } from './client/ping.ts';
import type { Inbox } from './client/transactions.ts';
import type { Health } from './context/health.ts';
import type { Instrumentation } from './context/instruments.ts';
import type { MetricsSnapshot } from './diagnosis/metrics-snapshot.ts';
import type { ReconfigureOptions } from './engine/reconfigurer.ts';
import type { Session } from './foundation/driver-shapes.ts';
import type { DataOf, JobTypes, NameOf, ResultOf, UntypedJobs } from './job/typed-jobs.ts';
import type { Actor } from './ledger/ledger-repository.ts';
import type { OutboxOptions } from './options/outbox-options.ts';
import type { InboxOptions } from './options/transaction-options.ts';
import type { WorkerOptions } from './options/worker-options.ts';
import type { BatchDefinition } from './workers/batches.ts';
import type { JobHandler } from './workers/handler.ts';
import type { HandlerOutcome } from './workers/handler-outcome.ts';
import type { StagesDefinition } from './workers/stages.ts';

/**
 * What a {@link Monque} can do. Every call that is given something checks it first and throws an
 * `InvalidArgumentError`, which names the field, before anything is sent. Every call that reaches the ledger may throw
 * a `ConnectionError`, and one that writes an `UnknownOutcomeError` when its answer was lost.
 *
 * @typeParam Types - the names of the jobs with the types of their data and results; without it any name goes
 */
export interface MonquePublicAPI<Types extends JobTypes = UntypedJobs>
  extends MonqueManagement<Types> {
  /**
   * Checks the connection, makes the indexes and reads the ledger's clock. The first call that needs it does the same.
   * Idempotent.
   */
  initialize(): Promise<void>;

  /**
   * Begins to run the jobs of all registered workers. Workers may also be added later. Idempotent; after an error it
   * may be called again.
   */
  start(): Promise<void>;

  /**
   * Stops claiming, waits up to `shutdownTimeout` for running handlers, then aborts their signals and reports them in
   * `job:error` with a `ShutdownTimeoutError`; records how they ended and gives back what never started. Never rejects;
   * concurrent callers share one stop. `enqueue` still works afterwards, and `start` begins again.
   */
  stop(): Promise<void>;

  /** `stop`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;

  /**
   * Registers the handler of a job name, before or after `start`: a function, stages that are recorded one by one,
   * with gates between them where wanted, or a function that is given several jobs at once.
   *
   * @throws InvalidArgumentError also when the name has a worker already
   */
  worker<Data, Name extends NameOf<Types> = NameOf<Types>>(
    name: Name,
    handler: HandlerOf<Types, Name, Data>,
    options?: WorkerOptions,
  ): this;

  /**
   * Declares a job by its name and the schema of its data, for processes that enqueue and those that work alike: here its
   * data is checked when it is enqueued, and by its worker, which is registered after this.
   *
   * @returns the job, with the types that the schema takes and makes
   * @throws InvalidArgumentError naming what is wrong; also when the name was declared with another schema
   */
  define<Input, Output>(
    name: NameOf<Types>,
    definition: JobDefinition<Input, Output>,
  ): DefinedJob<Input, Output>;

  /**
   * A unit of work: calls `work` in a transaction, whose session it hands on to enqueues, to outboxes and inboxes, and to
   * the writes of your own. Committed when `work` resolves, aborted when it rejects; after a conflict `work` is called
   * again, so it does nothing else that lasts. What is done in it goes one after the other.
   *
   * @typeParam S - the type of the session, where that is not of the `mongodb` beside this package
   * @returns what `work` returned
   * @throws what `work` and the driver throw; UnsupportedError when the ledger or its server has no transactions
   */
  transaction<T, S extends Session = ClientSession>(work: (session: S) => Promise<T>): Promise<T>;

  /**
   * The inbox of this name, which does the work of a message once: `inbox(name).once(id, session, work)`.
   *
   * @param name - 1 to 256 characters; each name remembers for itself
   * @throws InvalidArgumentError naming what is wrong
   */
  inbox(name: string, options?: InboxOptions): Inbox;

  /**
   * The outbox of this name: messages that are added in a transaction are sent by `publish` if and when it commits, those
   * of a key one after the other, each at least once. They are jobs of this name with an order, so what is done with jobs
   * can be done with them; with `publish` this registers their worker.
   *
   * @throws InvalidArgumentError naming what is wrong; also when the name has a worker already
   */
  outbox<T = unknown>(name: string, options?: OutboxOptions<T>): Outbox<T>;

  /**
   * This scheduler as an actor may use it: the hook `access.may` is asked before each verb of the ledger, and what is
   * done manually bears the id of the actor in the history. It shares the workers, the events and the connection.
   *
   * @throws InvalidArgumentError when it is no actor; the verbs throw AccessDeniedError
   */
  as(actor: Actor): MonqueManagement<Types>;

  /**
   * Changes options while the scheduler runs, or before it does: all that are given, or none. In force when it returns;
   * of an option that is given twice the last call holds. An option that is left out stays as it is.
   *
   * @throws InvalidArgumentError naming the option that is wrong, or cannot change; then nothing has changed
   */
  reconfigure(options: ReconfigureOptions<NameOf<Types>>): void;

  /**
   * Asks the ledger whether it answers: the health of a process that only enqueues. An outage that it finds, and its end,
   * fire `connection:lost` and `connection:restored`. Rejects only for wrong options.
   */
  ping(options?: PingOptions): Promise<Ping>;

  /** True when this scheduler was started, its ledger answers, and it holds its lease. */
  isHealthy(): boolean;

  /** How this scheduler is, from what it knows; nothing is asked of the ledger. */
  health(): Health;

  /** What this scheduler has counted and measured since it was made; nothing is asked of the ledger. */
  metrics(): MetricsSnapshot;

  /**
   * Adds a tracer or an observer of metrics. `@monque/core/opentelemetry` has one for OpenTelemetry.
   *
   * @returns takes it away again
   */
  instrument(instrumentation: Instrumentation): () => void;
}

/** What a worker of a name runs. Without types, a handler of data of any type. */
export type HandlerOf<
  Types extends JobTypes,
  Name extends NameOf<Types>,
  Data,
> = string extends keyof Types
  ? JobHandler<Data> | StagesDefinition<Data> | BatchDefinition<Data>
  :
      | JobHandler<DataOf<Types, Name>, HandlerReturn<Types, Name>>
      | StagesDefinition<DataOf<Types, Name>>
      | BatchDefinition<DataOf<Types, Name>, BatchReturn<Types, Name>>;

/** What a handler of a name may return: the declared result, a promise of it, or an outcome. */
export type HandlerReturn<Types extends JobTypes, Name extends NameOf<Types>> =
  | ResultOf<Types, Name>
  | HandlerOutcome
  | Promise<ResultOf<Types, Name> | HandlerOutcome>;

/** What the handler of a batch may return: nothing, or the result or the outcome of each job by its position. */
export type BatchReturn<Types extends JobTypes, Name extends NameOf<Types>> =
  | BatchResults<ResultOf<Types, Name>>
  | Promise<BatchResults<ResultOf<Types, Name>>>;

/** The results or outcomes of the jobs of a batch by their positions, or nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is one of them.
export type BatchResults<Result> = void | readonly (Result | HandlerOutcome | Error)[];
