/**
 * A registered worker: the handler of one job name, what it runs, and how far ahead it should be supplied.
 *
 * @module
 */
import type { ClaimedJob, Job } from './job.ts';

/** What a handler is given beside the job. */
export interface JobContext {
  /** Aborts when the handler's result is no longer wanted: cancelled, claim lost, or the instance stops waiting. */
  readonly signal: AbortSignal;
  /** How many times the job was claimed, ever. An outside system that remembers the highest can refuse a late run. */
  readonly fence: number;
}

/**
 * Runs one job. Returning means success, throwing means failure: the job is tried again until its retries are used
 * up. A job may run more than once, when its instance dies before the end is recorded; so what it does should bear
 * repetition.
 */
export type JobHandler<T = unknown> = (job: Job<T>, context: JobContext) => unknown;

/** The most jobs of one name that are claimed ahead of free slots. */
const MOST_PREFETCH = 500;

const NEWEST_WEIGHT = 0.2;

/** One worker and its jobs in this process. */
export class Worker {
  readonly name: string;
  readonly handler: JobHandler;
  readonly concurrency: number;
  /** Claimed and not started, the most urgent first. */
  readonly buffer: BufferedJob[] = [];
  running = 0;
  #meanRunMs: number | undefined;

  constructor(name: string, handler: JobHandler, concurrency: number) {
    this.name = name;
    this.handler = handler;
    this.concurrency = concurrency;
  }

  get freeSlots(): number {
    return this.concurrency - this.running;
  }

  /** Notes how long a run took. */
  measure(runMs: number): void {
    const meanMs = this.#meanRunMs ?? runMs;
    this.#meanRunMs = meanMs + (runMs - meanMs) * NEWEST_WEIGHT;
  }

  /** Forgets the rate, so that nothing is claimed ahead until a run ends again. */
  distrustRate(): void {
    this.#meanRunMs = undefined;
  }

  /**
   * How many jobs to claim now.
   *
   * @param horizonMs - how long a claim takes to bring new jobs; what the slots can work off in that time is claimed
   * ahead: hundreds of jobs that do nothing, none that take a second
   * @param mayPrefetch - false when so many jobs wait in this process that only idle slots are supplied
   */
  demand(horizonMs: number, mayPrefetch: boolean): number {
    const prefetch = mayPrefetch ? this.#prefetch(horizonMs) : 0;
    if (this.buffer.length > prefetch / 2) return 0;
    return Math.max(0, this.concurrency + prefetch - this.running - this.buffer.length);
  }

  #prefetch(horizonMs: number): number {
    if (this.#meanRunMs === undefined) return 0;
    const runsInHorizon = (this.concurrency * horizonMs) / Math.max(this.#meanRunMs, 0.001);
    return Math.min(MOST_PREFETCH, Math.floor(runsInHorizon));
  }
}

/** A job that waits in this process for a slot. */
export interface BufferedJob {
  readonly job: ClaimedJob;
  /** Monotonic time. */
  readonly sinceMs: number;
}
