/**
 * A registered worker: the handler of one job name, what it runs, and how far ahead it should be supplied.
 *
 * @module
 */
import { InvalidArgumentError } from '../foundation/errors.ts';
import type { StandardSchema } from '../foundation/standard-schema.ts';
import type { BackoffPlan, ClaimedJob } from '../job/job.ts';
import type { GroupSettings } from '../ledger/ledger-repository.ts';
import { resolveWorkerGroups } from '../options/group-options.ts';
import { ownLimitKey, type ResolvedLimit, resolveLimit } from '../options/limit-options.ts';
import type { ResolvedOptions } from '../options/resolve-options.ts';
import type { BackoffFunction, WorkerOptions } from '../options/worker-options.ts';
import { BatchPlan } from './batches.ts';
import type { Work } from './work.ts';

/** The most jobs of one name that are claimed ahead of free slots. */
const MOST_PREFETCH = 2_000;

const NEWEST_WEIGHT = 0.2;

/** How failed runs of a worker are tried again. */
export interface RetryPolicy {
  readonly maxRetries: number;
  readonly backoff: BackoffPlan | BackoffFunction;
  readonly maxBackoffDelayMs: number;
  /** The name under which jobs wait that have failed for good. */
  readonly deadLetter?: string;
}

/** What holds for a worker that does not say otherwise, as it is at the time. */
type WorkerDefaults = Pick<
  ResolvedOptions,
  'defaultConcurrency' | 'maxRetries' | 'baseRetryIntervalMs' | 'maxBackoffDelayMs' | 'retryJitter'
>;

/** One worker and its jobs in this process. */
export class Worker {
  readonly name: string;
  readonly handler: Work;
  /** Milliseconds a run may take, unless a job says otherwise. */
  readonly timeoutMs: number | undefined;
  readonly schema: StandardSchema | undefined;
  /** The keys of all limits that its jobs count under. */
  readonly limitKeys: readonly string[];
  /** The limit that it has for itself. */
  readonly ownLimit: (ResolvedLimit & { readonly key: string }) | undefined;
  /** What becomes of an order when a job of it has failed; absent for a worker that runs no jobs with one. */
  readonly order: 'next' | 'halt' | undefined;
  /** What each group may do; absent for a worker that runs no jobs with one. */
  readonly groups: GroupSettings | undefined;
  /** How long a job may have been due before it goes ahead of more urgent ones. */
  readonly patienceMs: number | undefined;
  /** Claimed and not started, the most urgent first. */
  readonly buffer: BufferedJob[] = [];
  /** The slots that are taken: by one run each, or by a batch of them. */
  running = 0;
  readonly #defaults: WorkerDefaults;
  #options: WorkerOptions;
  #concurrency: number;
  #retry: RetryPolicy;
  #meanRunMs: number | undefined;

  /** @throws InvalidArgumentError when its dead letters would go to itself */
  constructor(name: string, handler: Work, options: WorkerOptions, defaults: WorkerDefaults) {
    if (options.deadLetter === name) {
      throw new InvalidArgumentError('options.deadLetter', 'another name than its own', name);
    }
    this.name = name;
    this.handler = handler;
    this.#options = options;
    this.#defaults = defaults;
    this.#concurrency = concurrencyOf(options, defaults);
    this.#retry = retryOf(options, defaults);
    this.timeoutMs = options.timeout;
    this.schema = options.schema;
    const { limits = [], limit } = options;
    this.ownLimit = limit && { key: ownLimitKey(name), ...resolveLimit(limit) };
    this.limitKeys = [...limits, ...(this.ownLimit ? [this.ownLimit.key] : [])];
    this.groups = options.groups && resolveWorkerGroups(options.groups);
    this.patienceMs = options.patience;
    this.order = options.order && (options.order.whenFailed ?? 'next');
  }

  /** Takes over what has changed: options of its own that are given, and the defaults of the scheduler. */
  reconfigure(changes: Pick<WorkerOptions, 'concurrency'> = {}): void {
    const { concurrency = this.#options.concurrency } = changes;
    this.#options = { ...this.#options, ...(concurrency !== undefined && { concurrency }) };
    this.#concurrency = concurrencyOf(this.#options, this.#defaults);
    this.#retry = retryOf(this.#options, this.#defaults);
  }

  get concurrency(): number {
    return this.#concurrency;
  }

  /** How failed runs are tried again, unless a job says otherwise. */
  get retry(): RetryPolicy {
    return this.#retry;
  }

  get freeSlots(): number {
    return this.concurrency - this.running;
  }

  /** How many jobs one slot takes, at most. */
  get jobsASlot(): number {
    return this.handler instanceof BatchPlan ? this.handler.size : 1;
  }

  /** How many slots the buffered jobs want. */
  get bufferedSlots(): number {
    const slotsOf = (jobs: number): number => Math.ceil(jobs / this.jobsASlot);
    if (!this.isByGroup) return slotsOf(this.buffer.length);
    return [...this.#byGroup().values()].reduce((sum, jobs) => sum + slotsOf(jobs), 0);
  }

  /** How many jobs each batch lacks that gathers by group, by its group; undefined for those without one. */
  lacking(): ReadonlyMap<string | undefined, number> {
    if (!this.isByGroup || this.freeSlots <= 0) return new Map();
    const size = this.jobsASlot;
    const missing = (jobs: number): number => Math.ceil(jobs / size) * size - jobs;
    const counts = [...this.#byGroup()].map(([group, jobs]) => [group, missing(jobs)] as const);
    return new Map(counts.filter(([, lacks]) => lacks > 0));
  }

  /** How many jobs the batch lacks that gathers, of a worker whose batches have jobs of any group. */
  get missing(): number {
    const over = this.isByGroup || this.freeSlots <= 0 ? 0 : this.buffer.length % this.jobsASlot;
    return over === 0 ? 0 : this.jobsASlot - over;
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
   * @param prefetch - how many of them ahead of free slots
   */
  demand(prefetch: number): number {
    // A batch that is not full goes on gathering.
    const gathers = this.freeSlots > 0 && this.jobsASlot > 1;
    return this.buffer.length > prefetch / 2 && !gathers ? 0 : this.places(prefetch);
  }

  /**
   * For how many more jobs there is a place here; a batch by group has one for jobs of its group alone.
   *
   * @param prefetch - how many of them ahead of free slots
   */
  places(prefetch: number): number {
    const taken = this.isByGroup ? this.bufferedSlots * this.jobsASlot : this.buffer.length;
    return Math.max(0, this.freeSlots * this.jobsASlot + prefetch - taken);
  }

  /** True when one slot takes jobs of one group alone. */
  get isByGroup(): boolean {
    return this.handler instanceof BatchPlan && this.handler.by === 'group';
  }

  /** How many buffered jobs there are of each group; undefined for those without one. */
  #byGroup(): ReadonlyMap<string | undefined, number> {
    const counts = new Map<string | undefined, number>();
    for (const { job } of this.buffer) counts.set(job.group, (counts.get(job.group) ?? 0) + 1);
    return counts;
  }

  /**
   * How many jobs to claim ahead of free slots: hundreds of jobs that do nothing, none that take a second.
   *
   * @param horizonMs - how long a claim takes to bring new jobs; what the slots can work off in that time
   */
  prefetch(horizonMs: number): number {
    if (this.#meanRunMs === undefined) return 0;
    const runsInHorizon = (this.concurrency * horizonMs) / Math.max(this.#meanRunMs, 0.001);
    return Math.min(MOST_PREFETCH, Math.floor(runsInHorizon) * this.jobsASlot);
  }
}

function concurrencyOf({ concurrency }: WorkerOptions, defaults: WorkerDefaults): number {
  return concurrency ?? defaults.defaultConcurrency;
}

function retryOf(options: WorkerOptions, defaults: WorkerDefaults): RetryPolicy {
  const { baseRetryIntervalMs: delay, retryJitter: jitter } = defaults;
  return {
    maxRetries: options.maxRetries ?? defaults.maxRetries,
    backoff: options.backoff ?? { type: 'exponential', delay, jitter },
    maxBackoffDelayMs: defaults.maxBackoffDelayMs,
    ...(options.deadLetter !== undefined && { deadLetter: options.deadLetter }),
  };
}

/** A job that waits in this process for a slot. */
export interface BufferedJob {
  readonly job: ClaimedJob;
  /** Names its claim. */
  readonly key: string;
  /** Monotonic time. */
  readonly sinceMs: number;
}
