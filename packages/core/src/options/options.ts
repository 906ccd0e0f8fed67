/**
 * The options: what may be given, what holds when nothing is given, and how wrong values are refused.
 *
 * @module
 */
import {
  type Check,
  checkCollectionName,
  checkFields,
  DAY_MS,
  fields,
  hasMethods,
  integer,
  numberFrom,
  oneOf,
  YEAR_MS,
} from '../foundation/argument-checks.ts';
import { type Clock, systemClock } from '../foundation/clock.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import { type Random, systemRandom } from '../foundation/random.ts';
import type { Codec } from '../job/codec.ts';
import type { JobStatus } from '../job/job.ts';
import { LARGEST_PAYLOAD_BYTES } from '../job/payload.ts';
import { type Access, DEFAULT_OPERATION_TIMEOUT } from '../ledger/ledger-repository.ts';
import { DEFAULT_COLLECTION_NAME } from '../ledger/mongodb/mongo-ledger-repository.ts';
import type { WriteConcernOption } from '../ledger/mongodb/server/commands.ts';
import { checkInvariantOptions, type InvariantOptions } from '../ledger/rules/rules.ts';
import type { Logger } from '../telemetry/log.ts';
import {
  type AlertOptions,
  checkAlerts,
  type ResolvedAlerts,
  resolveAlerts,
} from './alert-options.ts';

/** Milliseconds between polls for due jobs. */
export const DEFAULT_POLL_INTERVAL = 1_000;
/** Handlers of one worker that run at once. */
export const DEFAULT_CONCURRENCY = 5;
/** Failures after which a job has failed for good. */
export const DEFAULT_MAX_RETRIES = 10;
/** Milliseconds; the delay before a retry is this times two to the power of the failures so far. */
export const DEFAULT_BASE_RETRY_INTERVAL = 1_000;
/** Milliseconds no retry delay exceeds: 24 hours. */
export const DEFAULT_MAX_BACKOFF_DELAY = 86_400_000;
/** Milliseconds `stop()` waits for running handlers. */
export const DEFAULT_SHUTDOWN_TIMEOUT = 30_000;
/** Milliseconds without proof of life after which an instance may be declared dead. */
export const DEFAULT_LEASE_DURATION = 30_000;
/** Rescues after which a job has failed for good. */
export const DEFAULT_RESCUE_LIMIT = 5;
/** Milliseconds during which an insert without a clean answer is sent again: 10 minutes. */
export const DEFAULT_RESEND_LIMIT = 600_000;
/** The most bytes of BSON the `data` of a job may take: 1 MiB. */
export const DEFAULT_MAX_PAYLOAD_SIZE = 1_048_576;

/** Milliseconds after which a job that another tool left processing, without a lease, is given back: 30 minutes. */
export const DEFAULT_LOCK_TIMEOUT = 1_800_000;
/** Milliseconds for which a job is kept after it finished, by the state it finished in. */
export const DEFAULT_JOB_RETENTION: Required<Omit<JobRetention, 'archive'>> = Object.freeze({
  /** One day. */
  completed: DAY_MS,
  /** Seven days. */
  failed: 7 * DAY_MS,
  /** One day. */
  cancelled: DAY_MS,
});

/** How long finished jobs are kept. */
export interface JobRetention {
  /** Milliseconds, or `false` to keep them for ever. @default 86400000 (1 day) */
  readonly completed?: number | false;
  /** Milliseconds, or `false` to keep them for ever. @default 604800000 (7 days) */
  readonly failed?: number | false;
  /** Milliseconds, or `false` to keep them for ever. @default 86400000 (1 day) */
  readonly cancelled?: number | false;
  /** Move them to the collection `<collectionName>.archive` instead of deleting them. @default false */
  readonly archive?: boolean;
}

/** Options of a {@link Monque}. All are optional. */
export interface MonqueOptions {
  /** The collection of the jobs; leases are kept in `<collectionName>.instances`. @default 'monque_jobs' */
  readonly collectionName?: string;
  /**
   * Who confirms a write: the majority of the replica set, or the primary alone. With 1 a failover may undo
   * enqueues, claims and results that were acknowledged.
   *
   * @default 'majority'
   */
  readonly writeConcern?: WriteConcernOption;
  /** Expect the indexes to exist instead of making them. @default false */
  readonly skipIndexCreation?: boolean;
  /**
   * Make two more indexes, for lists of jobs by name and state in large collections. They cost each job about as much
   * as the indexes that the scheduler needs itself.
   *
   * @default false
   */
  readonly listingIndexes?: boolean;
  /**
   * Keep every transition of every job in the collection `<collectionName>.transitions`, for `getHistory`. Each batch
   * costs one more insert. Nothing is ever removed from it; a TTL index of your own on `at` can do that.
   *
   * @default false
   */
  readonly transitionLog?: boolean;
  /** Milliseconds between polls, from 10. Jobs are mostly found sooner, by hints. @default 1000 */
  readonly pollInterval?: number;
  /** Handlers of one worker that run at once in this process, from 1. @default 5 */
  readonly defaultConcurrency?: number;
  /** Handlers of all workers together that run at once in this process, from 1. @default no bound but theirs */
  readonly instanceConcurrency?: number;
  /** Failures after which a job has failed for good, from 1. @default 10 */
  readonly maxRetries?: number;
  /** Milliseconds: a job that failed n times runs again after 2^n times this. From 1. @default 1000 */
  readonly baseRetryInterval?: number;
  /** The longest delay before a retry, in milliseconds. @default 86400000 (24 hours) */
  readonly maxBackoffDelay?: number;
  /** The part of a retry delay that is left to chance, from 0 to 1; what is drawn shortens it. @default 0 */
  readonly retryJitter?: number;
  /** Milliseconds `stop()` waits for running handlers before it aborts them. @default 30000 */
  readonly shutdownTimeout?: number;
  /**
   * Milliseconds without proof of life after which the jobs of an instance are given to others, from 1000. A handler
   * may run as long as it likes: the lease belongs to the process, not to the job.
   *
   * @default 30000
   */
  readonly leaseDuration?: number;
  /** A job whose instance died so many times ends as failed, from 1. @default 5 */
  readonly rescueLimit?: number;
  /** Give the jobs of dead instances back. With false they stay as they are. @default true */
  readonly recoverStaleJobs?: boolean;
  /**
   * Milliseconds after which a job is given back that is processing without the lease of an instance, as other tools
   * leave it. Jobs of this library are given back by `leaseDuration`, however long they run. @default 1800000 (30
   * minutes)
   */
  readonly lockTimeout?: number;
  /** How long finished jobs are kept. @default 1 day; 7 days when failed */
  readonly jobRetention?: JobRetention;
  /**
   * Stop on SIGTERM and SIGINT, then let the signal end the process; a second signal, a second later or more, ends
   * it at once. `true` for both, or a list of signals.
   *
   * @default false
   */
  readonly handleSignals?: boolean | readonly NodeJS.Signals[];
  /** Milliseconds during which an enqueue without a clean answer is sent again. @default 600000 (10 minutes) */
  readonly resendLimit?: number;
  /** The most bytes of BSON that `data` may take, and what a handler returns; at most 15 MiB. @default 1048576 (1 MiB) */
  readonly maxPayloadSize?: number;
  /** Milliseconds after which one database operation counts as unanswered, from 100. @default 10000 */
  readonly operationTimeout?: number;
  /** Who may do what through `as(actor)`. @default everything is allowed, and recorded */
  readonly access?: Access;
  /**
   * Encodes `data` and `result` where they are stored, as by encryption. What is bounded by `maxPayloadSize` is then
   * the encoded value.
   *
   * @default none: they are stored as they are
   */
  readonly codec?: Codec;
  /**
   * Told what the engine does: starts and stops, claims, retries, rescues, leases, pauses; never what jobs hold.
   * `console`, pino and the logger of Ts.ED fit. Without one, a failure, an outage or a misuse that nobody listens for is
   * told to stderr once, in one line; `false` turns that off.
   *
   * @default none, but for those lines
   */
  readonly logger?: Logger | false;
  /**
   * The rules that every write must keep, of the ledger's own and of yours, and what happens to writes that break them.
   *
   * @default the rules of the ledger's own, enforced
   */
  readonly invariants?: InvariantOptions;
  /** Thresholds for the events `alert` and `alert:cleared`. @default none */
  readonly alerts?: AlertOptions;
  /** Time and timers; for tests. @default systemClock */
  readonly clock?: Clock;
  /** Chance and new ids; for tests. @default systemRandom */
  readonly random?: Random;
}

/** The options after defaults, with units in their names. */
export interface ResolvedOptions {
  readonly pollIntervalMs: number;
  readonly defaultConcurrency: number;
  readonly instanceConcurrency: number;
  readonly maxRetries: number;
  readonly baseRetryIntervalMs: number;
  readonly maxBackoffDelayMs: number;
  readonly shutdownTimeoutMs: number;
  readonly leaseDurationMs: number;
  readonly rescueLimit: number;
  readonly recoverStaleJobs: boolean;
  readonly lockTimeoutMs: number;
  readonly retryJitter: number;
  /** A state that is left out is kept for ever. */
  readonly retentionMs: Readonly<Partial<Record<JobStatus, number>>>;
  readonly archive: boolean;
  readonly signals: readonly NodeJS.Signals[];
  readonly resendLimitMs: number;
  readonly maxPayloadBytes: number;
  /** The most bytes of a value as it is given; unbounded where a codec makes another of it, which is bounded. */
  readonly maxGivenBytes: number;
  readonly access: Access | undefined;
  readonly codec: Codec | undefined;
  readonly operationTimeoutMs: number;
  readonly logger?: Logger | false;
  readonly alerts: ResolvedAlerts;
  readonly clock: Clock;
  readonly random: Random;
  readonly ledger: {
    readonly collectionName: string;
    readonly writeConcern: WriteConcernOption;
    readonly skipIndexCreation: boolean;
    readonly listingIndexes: boolean;
    readonly transitionLog: boolean;
    readonly invariants: InvariantOptions;
  };
}

const checkRetention = (field: string, value: unknown): void => {
  if (value !== false) integer(0, 100 * YEAR_MS)(field, value);
};

/** Any name that the platform knows can be listened for; a wrong one is refused by Node.js itself. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGBREAK'];

const checkSignals = (field: string, value: unknown): void => {
  if (!Array.isArray(value)) oneOf(true, false)(field, value);
  else for (const [index, item] of value.entries()) oneOf(...SIGNALS)(`${field}[${index}]`, item);
};

/** What values each option takes. */
export const OPTION_CHECKS: Readonly<Record<keyof MonqueOptions, Check>> = {
  collectionName: checkCollectionName,
  writeConcern: oneOf('majority', 1),
  skipIndexCreation: oneOf(true, false),
  listingIndexes: oneOf(true, false),
  transitionLog: oneOf(true, false),
  pollInterval: integer(10, DAY_MS),
  defaultConcurrency: integer(1, 10_000),
  instanceConcurrency: integer(1, 100_000),
  maxRetries: integer(1, 1_000_000),
  baseRetryInterval: integer(1, YEAR_MS),
  maxBackoffDelay: integer(1, YEAR_MS),
  shutdownTimeout: integer(0, DAY_MS),
  leaseDuration: integer(1_000, DAY_MS),
  rescueLimit: integer(1, 1_000),
  recoverStaleJobs: oneOf(true, false),
  lockTimeout: integer(1_000, YEAR_MS),
  retryJitter: numberFrom(0, 1),
  jobRetention: fields({
    completed: checkRetention,
    failed: checkRetention,
    cancelled: checkRetention,
    archive: oneOf(true, false),
  }),
  handleSignals: checkSignals,
  resendLimit: integer(0, DAY_MS),
  maxPayloadSize: integer(16, LARGEST_PAYLOAD_BYTES),
  operationTimeout: integer(100, DAY_MS),
  access: hasMethods('may'),
  codec: hasMethods('encode', 'decode'),
  logger: (field, value) => {
    if (value !== false) hasMethods('debug', 'info', 'warn', 'error')(field, value);
  },
  invariants: checkInvariantOptions,
  alerts: checkAlerts,
  clock: hasMethods('now', 'monotonic', 'setTimer', 'setImmediate'),
  random: hasMethods('fraction', 'token', 'objectId'),
};

/** Options that concern only a ledger that Monque makes itself from a Db. */
const LEDGER_OPTIONS = [
  'collectionName',
  'writeConcern',
  'skipIndexCreation',
  'listingIndexes',
  'transitionLog',
  'invariants',
] as const;

/**
 * Checks the options, fills in the defaults and freezes the result.
 *
 * @param ownLedger - true when the caller brought a ledger, so that options of the ledger would do nothing
 * @throws InvalidArgumentError naming the option
 */
export function resolveOptions(options: MonqueOptions = {}, ownLedger = false): ResolvedOptions {
  checkFields('options', options, OPTION_CHECKS);
  const misplaced = LEDGER_OPTIONS.find((name) => ownLedger && options[name] !== undefined);
  if (misplaced) {
    const expected = 'left out, since a ledger repository was given';
    throw new InvalidArgumentError(`options.${misplaced}`, expected, options[misplaced]);
  }
  return Object.freeze({
    pollIntervalMs: options.pollInterval ?? DEFAULT_POLL_INTERVAL,
    defaultConcurrency: options.defaultConcurrency ?? DEFAULT_CONCURRENCY,
    instanceConcurrency: options.instanceConcurrency ?? Number.POSITIVE_INFINITY,
    maxRetries: options.maxRetries ?? DEFAULT_MAX_RETRIES,
    baseRetryIntervalMs: options.baseRetryInterval ?? DEFAULT_BASE_RETRY_INTERVAL,
    maxBackoffDelayMs: options.maxBackoffDelay ?? DEFAULT_MAX_BACKOFF_DELAY,
    shutdownTimeoutMs: options.shutdownTimeout ?? DEFAULT_SHUTDOWN_TIMEOUT,
    leaseDurationMs: options.leaseDuration ?? DEFAULT_LEASE_DURATION,
    rescueLimit: options.rescueLimit ?? DEFAULT_RESCUE_LIMIT,
    recoverStaleJobs: options.recoverStaleJobs ?? true,
    lockTimeoutMs: options.lockTimeout ?? DEFAULT_LOCK_TIMEOUT,
    retryJitter: options.retryJitter ?? 0,
    retentionMs: resolveRetention(options),
    archive: options.jobRetention?.archive ?? false,
    signals: resolveSignals(options.handleSignals),
    resendLimitMs: options.resendLimit ?? DEFAULT_RESEND_LIMIT,
    maxPayloadBytes: options.maxPayloadSize ?? DEFAULT_MAX_PAYLOAD_SIZE,
    maxGivenBytes: options.codec
      ? Number.POSITIVE_INFINITY
      : (options.maxPayloadSize ?? DEFAULT_MAX_PAYLOAD_SIZE),
    access: options.access,
    codec: options.codec,
    operationTimeoutMs: options.operationTimeout ?? DEFAULT_OPERATION_TIMEOUT,
    ...(options.logger !== undefined && { logger: options.logger }),
    alerts: resolveAlerts(options.alerts),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    ledger: Object.freeze({
      collectionName: options.collectionName ?? DEFAULT_COLLECTION_NAME,
      writeConcern: options.writeConcern ?? 'majority',
      skipIndexCreation: options.skipIndexCreation ?? false,
      listingIndexes: options.listingIndexes ?? false,
      transitionLog: options.transitionLog ?? false,
      invariants: options.invariants ?? {},
    }),
  });
}

function resolveRetention({ jobRetention = {} }: MonqueOptions): ResolvedOptions['retentionMs'] {
  const { archive: _, ...retention } = { ...DEFAULT_JOB_RETENTION, ...defined(jobRetention) };
  return Object.fromEntries(
    Object.entries(retention).filter(([, retentionMs]) => retentionMs !== false),
  );
}

function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}

function resolveSignals(
  handled: boolean | readonly NodeJS.Signals[] = false,
): readonly NodeJS.Signals[] {
  if (typeof handled !== 'boolean') return [...handled];
  return handled ? ['SIGTERM', 'SIGINT'] : [];
}
