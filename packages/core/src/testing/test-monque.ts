/**
 * A scheduler for the unit tests of an application: in memory, on a clock that only the test moves, so that nothing
 * is waited for.
 *
 * @module
 */
import { AssertionError } from 'node:assert';
import { inspect, isDeepStrictEqual } from 'node:util';
import { DAY_MS } from '../foundation/argument-checks.ts';
import { areTimersFaked, hostClock } from '../foundation/clock.ts';
import { MonqueError, UnsupportedError } from '../foundation/errors.ts';
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
import type { ManualClock } from './manual-clock.ts';
import { TestClock } from './test-clock.ts';
import { TestLedger } from './test-ledger.ts';

/**
 * How long, in real time, handlers may take before a test is told that they do not end, in milliseconds: less than the
 * 5 seconds after which test runners end a test.
 */
const LONGEST_WAIT_MS = 3_000;

/** How long handlers that may do real work are waited for before time is moved on, in milliseconds of real time. */
const REAL_WORK_MS = 250;

/** The same, while somebody waits for the clock. */
const AWAITING_MS = 20;

/** By how much a stop moves the clock at a time when handlers do not end, in milliseconds. */
const STOP_STEP_MS = 60_000;

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
   * @throws MonqueError with code `STUCK` when a handler does not end within 3 seconds of real time, or waits for a time
   * that only `advance` brings, or when a job runs more than 500 times while time stands still
   */
  drain(): Promise<number>;
  /**
   * Moves the clock and runs what is due and becomes due on the way. A handler that waits for a time of `clock` beyond
   * it goes on in a later `advance`.
   *
   * @returns how many runs there were
   * @throws MonqueError with code `STUCK`, as `drain`, where no handler waits for the clock
   */
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
  /** Stops the scheduler; moves the clock when handlers do not end. Only needed when a handler may still run. */
  stop(): Promise<void>;
}

/**
 * Makes a scheduler for one test. It starts with the first call that runs jobs.
 *
 * @throws MonqueError with code `UNSUPPORTED` when the timers of the process were replaced before this module was loaded
 */
export function makeTestMonque<Types extends JobTypes = UntypedJobs>(
  options: Omit<MonqueOptions, 'clock'> = {},
): TestMonque<Types> {
  if (areTimersFaked) throw fakeTimers();
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

/** A scheduler whose `stop` moves its clock when handlers do not end, since nobody else would. */
class StoppableMonque<Types extends JobTypes> extends Monque<Types> {
  readonly #clock: TestClock;

  constructor(ledger: TestLedger, clock: TestClock, options: MonqueOptions) {
    super(ledger, { ...options, clock: clock.ofEngine });
    this.#clock = clock;
  }

  override async stop(): Promise<void> {
    let isOver = false;
    const stopped = super.stop().finally(() => {
      isOver = true;
    });
    const sinceMs = hostClock.monotonic();
    while (!isOver) {
      await this.#clock.settle();
      const waitedMs = hostClock.monotonic() - sinceMs;
      if (!isOver && waitedMs > REAL_WORK_MS) await this.#clock.advance(STOP_STEP_MS);
    }
    return stopped;
  }
}

class TestScheduler<Types extends JobTypes> {
  readonly clock: TestClock = new TestClock();
  readonly monque: Monque<Types>;
  readonly #ledger: TestLedger;
  readonly #failures = new Map<string, Error>();
  readonly #runsByJob = new Map<string, number>();
  #runsAtMs = 0;
  #runs = 0;
  #endless: MonqueError | undefined;
  /** So many handlers were waited for long enough, when so many timers of handlers had fired. */
  #waiting = { handlers: 0, wakings: 0 };

  constructor({ transitionLog = false, invariants, ...options }: Omit<MonqueOptions, 'clock'>) {
    const { clock } = this;
    this.#ledger = new TestLedger({ clock, transitionLog, ...(invariants && { invariants }) });
    // Nothing wakes but what the test does; and what handlers throw is the test's to see.
    const quiet = { pollInterval: DAY_MS, leaseDuration: DAY_MS, logger: false } as const;
    const own = { ...quiet, ...options, claimOnEnqueue: false };
    this.monque = new StoppableMonque<Types>(this.#ledger, clock, own);
    this.monque.instrument({
      running: (job) => {
        this.#runs += 1;
        this.#failures.delete(job._id.toHexString());
        this.#countRun(job);
        return {
          ended: ({ error }) => {
            if (error !== undefined) this.#failures.set(job._id.toHexString(), error);
          },
        };
      },
    });
  }

  drain(): Promise<number> {
    return this.#counted(() => this.#drain());
  }

  advance(ms: number): Promise<number> {
    return this.#counted(async () => {
      this.#waiting = { handlers: 0, wakings: this.clock.wakings };
      this.clock.onSettled = () => this.#waitForRealWork();
      try {
        await this.clock.settle();
        await this.clock.advance(ms);
        await this.#settleAll();
      } finally {
        this.clock.onSettled = undefined;
      }
      if (this.clock.awaitedTimers === 0) await this.#drain();
    });
  }

  /** Lets jobs run while `run` does its part; gives how many runs there were. */
  async #counted(run: () => Promise<void>): Promise<number> {
    const before = this.#runs;
    await this.monque.start();
    this.#ledger.letRun();
    try {
      await run();
      this.#checkEndless();
    } finally {
      this.#ledger.holdBack();
    }
    return this.#runs - before;
  }

  async #drain(): Promise<void> {
    await this.#settleAll(() => this.#waitForHandlers());
  }

  /** Until one more look finds nothing to run. */
  async #settleAll(wait: () => Promise<void> = async () => undefined): Promise<void> {
    let runs: number;
    do {
      runs = this.#runs;
      await this.clock.settle();
      await wait();
    } while (this.#runs > runs && this.#endless === undefined);
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
      message: `Expected a job ${name} with ${shown(match)}, got ${jobs.length} of that name${list(jobs)}`,
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
      message: `Expected no job ${name} with ${shown(match)}, got ${found.length}${list(found)}`,
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
    this.#ledger.holdAllBack();
  }

  #checkEndless(): void {
    const error = this.#endless;
    if (error === undefined) return;
    this.#endless = undefined;
    this.#runsByJob.clear();
    throw error;
  }

  #unfinished(): number {
    const { runningJobs, bufferedJobs, unsettledJobs } = this.monque.health();
    return runningJobs + bufferedJobs + unsettledJobs;
  }

  /** Handlers may do real work, which takes real time while the clock stands still. */
  async #waitForHandlers(): Promise<void> {
    const startedMs = hostClock.monotonic();
    while (this.#unfinished() > 0 && this.#endless === undefined) {
      const waitedMs = hostClock.monotonic() - startedMs;
      const isAwaiting = this.clock.awaitedTimers > 0;
      if (waitedMs > (isAwaiting ? REAL_WORK_MS : LONGEST_WAIT_MS)) {
        throw stuck(this.monque.health().runningJobs, isAwaiting);
      }
      await this.clock.settle();
    }
  }

  /** On the way of an advance: who waits for the clock is not waited for again, until the clock has woken somebody. */
  async #waitForRealWork(): Promise<void> {
    const { wakings } = this.clock;
    if (wakings !== this.#waiting.wakings) this.#waiting = { handlers: 0, wakings };
    const startedMs = hostClock.monotonic();
    while (this.#unfinished() > this.#waiting.handlers && this.#endless === undefined) {
      const mostMs = this.clock.awaitedTimers > 0 ? AWAITING_MS : REAL_WORK_MS;
      if (hostClock.monotonic() - startedMs > mostMs) {
        this.#waiting = { handlers: this.#unfinished(), wakings };
        return;
      }
      await new Promise<void>((resolve) => hostClock.setImmediate(resolve));
    }
    this.#waiting = { handlers: Math.min(this.#waiting.handlers, this.#unfinished()), wakings };
  }
}

function stuck(runningJobs: number, isAwaiting: boolean): MonqueError {
  return new MonqueError(
    'STUCK',
    isAwaiting
      ? `${runningJobs} handlers wait for a time that only advance() brings; enqueue the job and call advance()`
      : `${runningJobs} handlers did not end within ${LONGEST_WAIT_MS} ms of real time`,
  );
}

function fakeTimers(): UnsupportedError {
  return new UnsupportedError(
    'The timers of this process were replaced by fake ones before @monque/core/testing was loaded; import it before, or fake timers within the test',
  );
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

/** How many jobs a failed assertion shows. */
const MOST_SHOWN = 10;

function shown(match: unknown): string {
  if (match === undefined) return 'any data';
  return typeof match === 'function' ? 'data that the function takes' : `data ${inspect(match)}`;
}

function list(jobs: readonly Job[]): string {
  if (jobs.length === 0) return '';
  const lines = jobs.slice(0, MOST_SHOWN).map(({ data }) => inspect(data, { depth: 6 }));
  const more = jobs.length > MOST_SHOWN ? [`and ${jobs.length - MOST_SHOWN} more`] : [];
  return `:\n  ${[...lines, ...more].join('\n  ')}`;
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
