/**
 * A scheduler for the unit tests of an application: in memory, on a clock that only the test moves, so that nothing
 * is waited for.
 *
 * @module
 */
import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import { systemClock } from '../foundation/clock.ts';
import { MonqueError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import type {
  DataArgument,
  DataFor,
  DataOf,
  JobTypes,
  NameOf,
  UntypedJobs,
} from '../job/typed-jobs.ts';
import { Monque } from '../monque.ts';
import type { MonqueOptions } from '../options/options.ts';
import { ManualClock } from './manual-clock.ts';

/** How long, in real time, handlers may take before a test is told that they do not end, in milliseconds. */
const LONGEST_WAIT_MS = 5_000;

/** How often one job may run while the clock stands still. */
const MOST_RUNS_OF_A_JOB = 500;

/** A part that data must have, or a function that says whether it fits. */
export type DataMatch<T> = T | Partial<T> | ((data: T) => boolean);

/** What a test works with. */
export interface TestMonque<Types extends JobTypes = UntypedJobs> {
  /** The scheduler. Hand it to the code under test, and register workers as the application does. */
  readonly monque: Monque<Types>;
  /** Stands still until `advance` moves it. */
  readonly clock: ManualClock;
  /**
   * Runs all jobs that are due, and those that become due by that, until none is left; jobs of names without a worker
   * stay. Time stands still, so a retry waits for `advance`.
   *
   * @returns how many runs there were
   * @throws MonqueError with code `STUCK` when a handler does not end within 5 seconds of real time, or when a job
   * runs more than 500 times while time stands still
   */
  drain(): Promise<number>;
  /** Moves the clock and runs what becomes due on the way. @returns how many runs there were */
  advance(ms: number): Promise<number>;
  /**
   * Enqueues a job and runs it now, with everything else that is due, and again if a retry is due at once.
   *
   * @returns the job after its last run, with its `status` and `result`
   * @throws what the handler threw in that run
   * @throws MonqueError with code `NOT_RUN` when the name has no worker, or is paused
   */
  runJob<Name extends NameOf<Types>>(
    name: Name,
    ...data: DataArgument<DataFor<Types, Name>>
  ): Promise<Job<DataOf<Types, Name>>>;
  /**
   * Asserts that a job of this name was enqueued, whatever became of it since, whose data matches.
   *
   * @param match - a part the data must have, however deep, or a function; any data when left out
   * @returns the first such job
   * @throws AssertionError that shows the data of the jobs of that name
   */
  assertEnqueued<Name extends NameOf<Types>>(
    name: Name,
    match?: DataMatch<DataOf<Types, Name>>,
  ): Promise<Job<DataOf<Types, Name>>>;
  /** Asserts that no such job was enqueued. @throws AssertionError */
  assertNotEnqueued<Name extends NameOf<Types>>(
    name: Name,
    match?: DataMatch<DataOf<Types, Name>>,
  ): Promise<void>;
  /** Stops the scheduler. Only needed when a handler may still run. */
  stop(): Promise<void>;
}

/** Makes a scheduler for one test. It starts with the first call that runs jobs. */
export function makeTestMonque<Types extends JobTypes = UntypedJobs>(
  options: Omit<MonqueOptions, 'clock'> = {},
): TestMonque<Types> {
  const scheduler = new TestScheduler<Types>(options);
  // Bound, so that a test may take them apart.
  return {
    monque: scheduler.monque,
    clock: scheduler.clock,
    drain: () => scheduler.drain(),
    advance: (ms) => scheduler.advance(ms),
    runJob: (name, ...data) => scheduler.runJob(name, ...data),
    assertEnqueued: (name, match) => scheduler.assertEnqueued(name, match),
    assertNotEnqueued: (name, match) => scheduler.assertNotEnqueued(name, match),
    stop: () => scheduler.monque.stop(),
  };
}

class TestScheduler<Types extends JobTypes> {
  readonly clock: ManualClock = new ManualClock();
  readonly monque: Monque<Types>;
  readonly #failures = new Map<string, Error>();
  readonly #runsByJob = new Map<string, number>();
  #runsAtMs = 0;
  #runs = 0;
  #endless: MonqueError | undefined;

  constructor(options: Omit<MonqueOptions, 'clock'>) {
    // What is enqueued waits for a drain.
    const own = { clock: this.clock, claimOnEnqueue: false };
    this.monque = Monque.inMemory<Types>({ ...options, ...own });
    this.monque.on('job:start', ({ job }) => {
      this.#runs += 1;
      this.#failures.delete(job._id.toHexString());
      this.#countRun(job);
    });
    this.monque.on('job:fail', ({ job, error }) => {
      this.#failures.set(job._id.toHexString(), error);
    });
  }

  async drain(): Promise<number> {
    const before = this.#runs;
    await this.monque.start();
    let runs: number;
    do {
      runs = this.#runs;
      await this.clock.settle();
      await this.#waitForHandlers();
      await this.#checkEndless();
    } while (this.#runs > runs);
    return this.#runs - before;
  }

  async advance(ms: number): Promise<number> {
    const before = this.#runs;
    await this.drain();
    await this.clock.advance(ms);
    await this.drain();
    return this.#runs - before;
  }

  async runJob<Name extends NameOf<Types>>(
    name: Name,
    ...[data]: DataArgument<DataFor<Types, Name>>
  ): Promise<Job<DataOf<Types, Name>>> {
    const untyped = this.monque as unknown as Monque;
    const { _id } = await untyped.enqueue(name, data);
    await this.drain();
    const error = this.#failures.get(_id.toHexString());
    if (error !== undefined) throw error;
    const job = (await untyped.getJob(_id)) as Job<DataOf<Types, Name>>;
    if (job.fence === 0) throw notRun(name);
    return job;
  }

  async assertEnqueued<Name extends NameOf<Types>>(
    name: Name,
    match?: DataMatch<DataOf<Types, Name>>,
  ): Promise<Job<DataOf<Types, Name>>> {
    const jobs = await this.#jobsOf(name);
    const found = jobs.find(({ data }) => fits(data, match));
    if (found !== undefined) return found;
    throw new AssertionError({
      message: `Expected a job ${name} whose data matches, got ${jobs.length} of that name`,
      actual: jobs.map(({ data }) => data),
      expected: match,
      operator: 'assertEnqueued',
    });
  }

  async assertNotEnqueued<Name extends NameOf<Types>>(
    name: Name,
    match?: DataMatch<DataOf<Types, Name>>,
  ): Promise<void> {
    const found = (await this.#jobsOf(name)).filter(({ data }) => fits(data, match));
    if (found.length === 0) return;
    throw new AssertionError({
      message: `Expected no job ${name} whose data matches, got ${found.length}`,
      actual: found.map(({ data }) => data),
      expected: [],
      operator: 'assertNotEnqueued',
    });
  }

  async #jobsOf<Name extends NameOf<Types>>(name: Name): Promise<Job<DataOf<Types, Name>>[]> {
    const page = await this.monque.getJobsWithCursor<Name>({ name, limit: 10_000 });
    return [...page.jobs];
  }

  #countRun({ _id, name }: Job): void {
    const nowMs = this.clock.monotonic();
    if (nowMs !== this.#runsAtMs) {
      this.#runsAtMs = nowMs;
      this.#runsByJob.clear();
    }
    const id = _id.toHexString();
    const runs = (this.#runsByJob.get(id) ?? 0) + 1;
    this.#runsByJob.set(id, runs);
    if (runs <= MOST_RUNS_OF_A_JOB) return;
    this.#endless ??= endless(name, id);
    // Else moving the clock would not come to its end either.
    void this.monque.stop();
  }

  async #checkEndless(): Promise<void> {
    const error = this.#endless;
    if (error === undefined) return;
    this.#endless = undefined;
    await this.monque.stop();
    this.#runsByJob.clear();
    throw error;
  }

  /** Handlers may do real work, which takes real time while the clock stands still. */
  async #waitForHandlers(): Promise<void> {
    const startedMs = systemClock.monotonic();
    for (;;) {
      const { runningJobs, bufferedJobs, unsettledJobs } = this.monque.health();
      if (runningJobs + bufferedJobs + unsettledJobs === 0 || this.#endless) return;
      if (systemClock.monotonic() - startedMs > LONGEST_WAIT_MS) {
        throw new MonqueError(
          'STUCK',
          `${runningJobs} handlers did not end; does one wait for a time that only advance() brings?`,
        );
      }
      await this.clock.settle();
    }
  }
}

function notRun(name: string): MonqueError {
  return new MonqueError(
    'NOT_RUN',
    `Job '${name}' was enqueued and not run: its name is paused, or has no worker; register one with monque.worker before`,
  );
}

function endless(name: string, id: string): MonqueError {
  return new MonqueError(
    'STUCK',
    `Job '${name}' (${id}) ran more than ${MOST_RUNS_OF_A_JOB} times while the clock stood still; snooze or retry it by a time longer than 0`,
  );
}

function fits<T>(data: T, match: DataMatch<T> | undefined): boolean {
  if (match === undefined) return true;
  return typeof match === 'function' ? (match as (data: T) => boolean)(data) : has(data, match);
}

/** True when a value has all that is expected of it; a list has to have the same length. */
function has(actual: unknown, expected: unknown): boolean {
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return (
      actual.length === expected.length && expected.every((item, index) => has(actual[index], item))
    );
  }
  if (!isRecord(actual) || !isRecord(expected)) return isDeepStrictEqual(actual, expected);
  return Object.entries(expected).every(([key, value]) => has(actual[key], value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return Object.getPrototypeOf(value) === Object.prototype;
}
