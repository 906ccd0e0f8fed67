/**
 * The module: registers the jobs of the application, starts the scheduler and stops it.
 *
 * What always holds: the hooks that end the application neither throw nor do anything twice, and no connection that the
 * module knows of is closed before the scheduler has stopped.
 *
 * @module
 */
import {
  InvalidArgumentError,
  InvalidCronError,
  Monque,
  MonqueError,
  type WorkerOptions,
} from '@monque/core';
import { Store } from '@tsed/core';
import {
  inject,
  injectable,
  injector,
  logger,
  ProviderType,
  type UseImportTokenProviderOpts,
} from '@tsed/di';
import { doFirst } from './close-order.ts';
import { MONQUE_MODULE_OPTIONS } from './constants.ts';
import { logEvents } from './event-log.ts';
import { type FoundJob, findJobs, keyOf } from './job-discovery.ts';
import { makeHandler } from './job-run.ts';
import { makeModelSchema, toStoredData } from './model-schema.ts';
import type { MonqueModuleOptions, StartHook } from './module-options.ts';
import { findMongooseService, provideMonque, SETUP, type Setup } from './monque-provider.ts';

/** No job has it: to read it shows that the ledger answers. */
const NO_JOB = '000000000000000000000000';

/**
 * Runs the jobs of a Ts.ED application.
 *
 * @example
 * ```ts
 * \@Configuration({
 *   imports: [MonqueModule.forRoot({ connection: () => inject(MongooseService).get() })],
 * })
 * export class Server {}
 * ```
 */
export class MonqueModule {
  readonly #monque = inject<Monque>(Monque);
  readonly #setup = inject<Setup>(SETUP);
  #jobs: readonly FoundJob[] = [];
  #releases: (() => void)[] = [];

  /**
   * The module with its options, for `imports` of `@Configuration` or `@Module`.
   *
   * @param options - where jobs are kept, and how they are run
   */
  static forRoot(options: MonqueModuleOptions): UseImportTokenProviderOpts {
    return { token: MONQUE_MODULE_OPTIONS, use: options };
  }

  /**
   * Registers the jobs, and starts unless that is to happen later.
   *
   * @throws MonqueError with code `INVALID_JOB` when a job is wrong, `MISSING_PACKAGE` when its model needs one
   * @throws ConnectionError when the database cannot be used
   */
  async $onInit(): Promise<void> {
    this.#jobs = findJobs(injector());
    if (this.#setup.idleBecause !== undefined) {
      this.#reportIdle(this.#setup.idleBecause);
      return;
    }
    logEvents(this.#monque, logger());
    await this.#holdConnections();
    for (const job of this.#jobs) await this.#register(job);
    await this.#monque.initialize();
    await this.#startOn('$onInit');
  }

  /** Starts, if that was put off until here. */
  $afterInit(): Promise<void> {
    return this.#startOn('$afterInit');
  }

  /** Starts, if that was put off until here. */
  $onReady(): Promise<void> {
    return this.#startOn('$onReady');
  }

  /** Stops: waits for running jobs, up to `shutdownTimeout`. */
  async $onDestroy(): Promise<void> {
    await this.#monque.stop();
    for (const release of this.#releases.splice(0)) release();
  }

  /** Stops on a signal; `@tsed/terminus` announces it here and nowhere else. */
  $onSignal(): Promise<void> {
    return this.#monque.stop();
  }

  /**
   * The answer for the health checks of `@tsed/terminus`, at `/monque/health`.
   *
   * @returns what is known of the scheduler
   * @throws MonqueError with code `UNHEALTHY` when it does not run, its database does not answer or its lease is lost
   */
  async health(): Promise<{ readonly status: string; readonly [detail: string]: unknown }> {
    const { idleBecause, processJobs } = this.#setup;
    if (idleBecause !== undefined) return { status: 'idle' };
    if (!processJobs) {
      await this.#monque.getJob(NO_JOB);
      return { status: 'producing' };
    }
    const { lastError, ...health } = this.#monque.health();
    if (this.#monque.isHealthy()) return { status: 'running', ...health };
    const why = lastError === undefined ? 'it does not run' : lastError.error.message;
    throw new MonqueError('UNHEALTHY', `Monque is not healthy: ${why}`);
  }

  #reportIdle(reason: string): void {
    if (this.#jobs.length === 0) return;
    const names = this.#jobs.map(({ name }) => name);
    logger().warn({
      event: 'MONQUE_IDLE',
      message: `No jobs are run, since ${reason}`,
      jobs: names,
    });
  }

  async #holdConnections(): Promise<void> {
    const stop = (): Promise<void> => this.#monque.stop();
    const service = await findMongooseService();
    const { mongooseConnection } = this.#setup;
    if (service) this.#releases.push(doFirst(service, 'closeConnections', stop));
    if (mongooseConnection) this.#releases.push(doFirst(mongooseConnection, 'close', stop));
  }

  /** Also where no jobs are run: what is enqueued there is checked against the model or schema all the same. */
  async #register(job: FoundJob): Promise<void> {
    const { name: _, model, ...options } = job.options;
    const schema = model === undefined ? undefined : await makeModelSchema(model, job.name);
    const workerOptions: WorkerOptions = { ...options, ...(schema && { schema }) };
    const handler = makeHandler(injector(), job);
    naming(job, () => this.#monque.worker(job.name, handler, workerOptions));
  }

  async #startOn(hook: StartHook): Promise<void> {
    const { idleBecause, processJobs, startOn } = this.#setup;
    if (idleBecause !== undefined || !processJobs || startOn !== hook) return;
    for (const job of this.#jobs) await this.#schedule(job);
    await this.#monque.start();
  }

  async #schedule(job: FoundJob): Promise<void> {
    for (const cron of job.crons) {
      const { data, ...options } = { ...cron.options, uniqueKey: keyOf(cron) };
      const { model } = job.options;
      const hasModel = model !== undefined && data !== undefined;
      await naming(job, async () => {
        const stored = hasModel ? await toStoredData(model, job.name, data) : data;
        return this.#monque.schedule(cron.pattern, job.name, stored, options);
      });
    }
  }
}

/** Runs what may find fault with the options of a job, and says whose they are. */
function naming<T>(job: FoundJob, run: () => T): T {
  const refuse = (error: unknown): never => {
    const isMisuse = error instanceof InvalidArgumentError || error instanceof InvalidCronError;
    if (!isMisuse) throw error;
    throw new MonqueError('INVALID_JOB', `The job ${job.name} of ${job.where}: ${error.message}`, {
      cause: error,
    });
  };
  try {
    const answer = run();
    return answer instanceof Promise ? (answer.catch(refuse) as T) : answer;
  } catch (error) {
    return refuse(error);
  }
}

provideMonque(MonqueModule);
injectable(MonqueModule).type(ProviderType.MODULE);
// What `@Health('monque')` of @tsed/terminus would do, without the need to have that package.
Store.from(MonqueModule).merge('terminus:health', { health: { name: 'monque' } });
