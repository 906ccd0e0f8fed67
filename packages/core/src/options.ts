/**
 * The options: what may be given, what holds when nothing is given, and how wrong values are refused.
 *
 * @module
 */
import type { ClientSession, ObjectId } from 'mongodb';
import { ObjectId as ObjectIdClass } from 'mongodb';
import { type Clock, systemClock } from './clock.ts';
import { InvalidArgumentError } from './errors.ts';
import { DEFAULT_PRIORITY, HIGHEST_PRIORITY, LOWEST_PRIORITY } from './job.ts';
import { DEFAULT_OPERATION_TIMEOUT } from './ledger/ledger-repository.ts';
import type { WriteConcernOption } from './ledger/mongodb/commands.ts';
import { DEFAULT_COLLECTION_NAME } from './ledger/mongodb/mongo-ledger-repository.ts';
import { type Random, systemRandom } from './random.ts';

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

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const LARGEST_PAYLOAD = 15 * 1_048_576;
const LONGEST_NAME = 256;
const LONGEST_UNIQUE_KEY = 1_024;

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
  /** Milliseconds between polls, from 10. Jobs are mostly found sooner, by hints. @default 1000 */
  readonly pollInterval?: number;
  /** Handlers of one worker that run at once in this process, from 1. @default 5 */
  readonly defaultConcurrency?: number;
  /** Failures after which a job has failed for good, from 1. @default 10 */
  readonly maxRetries?: number;
  /** Milliseconds: a job that failed n times runs again after 2^n times this. From 1. @default 1000 */
  readonly baseRetryInterval?: number;
  /** The longest delay before a retry, in milliseconds. @default 86400000 (24 hours) */
  readonly maxBackoffDelay?: number;
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
  /** Milliseconds during which an enqueue without a clean answer is sent again. @default 600000 (10 minutes) */
  readonly resendLimit?: number;
  /** The most bytes of BSON that `data` may take, at most 15 MiB. @default 1048576 (1 MiB) */
  readonly maxPayloadSize?: number;
  /** Milliseconds after which one database operation counts as unanswered, from 100. @default 10000 */
  readonly operationTimeout?: number;
  /** Time and timers; for tests. @default systemClock */
  readonly clock?: Clock;
  /** Chance and new ids; for tests. @default systemRandom */
  readonly random?: Random;
}

/** Options of one enqueue. */
export interface EnqueueOptions {
  /** Not before this time. @default now */
  readonly runAt?: Date;
  /**
   * No second job of the same name and key is stored while one is pending or processing; the one that exists is
   * returned. From 1 to 1024 characters.
   */
  readonly uniqueKey?: string;
  /** An integer from -100 (first) to 100 (last). @default 0 */
  readonly priority?: number;
  /** Store the job inside this transaction: it exists if and when the transaction commits. */
  readonly session?: ClientSession;
}

/** Options of one worker. */
export interface WorkerOptions {
  /** Handlers of this worker that run at once in this process, from 1. @default `defaultConcurrency` */
  readonly concurrency?: number;
}

/** The options after defaults, with units in their names. */
export interface ResolvedOptions {
  readonly pollIntervalMs: number;
  readonly defaultConcurrency: number;
  readonly maxRetries: number;
  readonly baseRetryIntervalMs: number;
  readonly maxBackoffDelayMs: number;
  readonly shutdownTimeoutMs: number;
  readonly leaseDurationMs: number;
  readonly rescueLimit: number;
  readonly recoverStaleJobs: boolean;
  readonly resendLimitMs: number;
  readonly maxPayloadBytes: number;
  readonly operationTimeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly ledger: {
    readonly collectionName: string;
    readonly writeConcern: WriteConcernOption;
    readonly skipIndexCreation: boolean;
  };
}

type Check = (field: string, value: unknown) => void;

const OPTION_CHECKS: Readonly<Record<keyof MonqueOptions, Check>> = {
  collectionName: checkCollectionName,
  writeConcern: oneOf('majority', 1),
  skipIndexCreation: oneOf(true, false),
  pollInterval: integer(10, DAY_MS),
  defaultConcurrency: integer(1, 10_000),
  maxRetries: integer(1, 1_000_000),
  baseRetryInterval: integer(1, YEAR_MS),
  maxBackoffDelay: integer(1, YEAR_MS),
  shutdownTimeout: integer(0, DAY_MS),
  leaseDuration: integer(1_000, DAY_MS),
  rescueLimit: integer(1, 1_000),
  recoverStaleJobs: oneOf(true, false),
  resendLimit: integer(0, DAY_MS),
  maxPayloadSize: integer(16, LARGEST_PAYLOAD),
  operationTimeout: integer(100, DAY_MS),
  clock: hasMethods('now', 'monotonic', 'setTimer', 'setImmediate'),
  random: hasMethods('fraction', 'token', 'objectId'),
};

const ENQUEUE_CHECKS: Readonly<Record<keyof EnqueueOptions, Check>> = {
  runAt: checkDate,
  uniqueKey: text(LONGEST_UNIQUE_KEY),
  priority: integer(HIGHEST_PRIORITY, LOWEST_PRIORITY),
  session: hasMethods('inTransaction', 'endSession'),
};

const WORKER_CHECKS: Readonly<Record<keyof WorkerOptions, Check>> = {
  concurrency: integer(1, 10_000),
};

/** Options that concern only a ledger that Monque makes itself from a Db. */
const LEDGER_OPTIONS = ['collectionName', 'writeConcern', 'skipIndexCreation'] as const;

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
    maxRetries: options.maxRetries ?? DEFAULT_MAX_RETRIES,
    baseRetryIntervalMs: options.baseRetryInterval ?? DEFAULT_BASE_RETRY_INTERVAL,
    maxBackoffDelayMs: options.maxBackoffDelay ?? DEFAULT_MAX_BACKOFF_DELAY,
    shutdownTimeoutMs: options.shutdownTimeout ?? DEFAULT_SHUTDOWN_TIMEOUT,
    leaseDurationMs: options.leaseDuration ?? DEFAULT_LEASE_DURATION,
    rescueLimit: options.rescueLimit ?? DEFAULT_RESCUE_LIMIT,
    recoverStaleJobs: options.recoverStaleJobs ?? true,
    resendLimitMs: options.resendLimit ?? DEFAULT_RESEND_LIMIT,
    maxPayloadBytes: options.maxPayloadSize ?? DEFAULT_MAX_PAYLOAD_SIZE,
    operationTimeoutMs: options.operationTimeout ?? DEFAULT_OPERATION_TIMEOUT,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    ledger: Object.freeze({
      collectionName: options.collectionName ?? DEFAULT_COLLECTION_NAME,
      writeConcern: options.writeConcern ?? 'majority',
      skipIndexCreation: options.skipIndexCreation ?? false,
    }),
  });
}

/**
 * Checks the options of an enqueue and fills in the defaults.
 *
 * @param field - what the options are called in errors
 * @throws InvalidArgumentError naming the option
 */
export function resolveEnqueueOptions(
  field: string,
  options: EnqueueOptions = {},
): EnqueueOptions & { readonly priority: number } {
  checkFields(field, options, ENQUEUE_CHECKS);
  return { ...options, priority: options.priority ?? DEFAULT_PRIORITY };
}

/** Checks one entry of many: its fields, and that its options have no session of their own. */
export function checkEnqueueEntry(field: string, entry: unknown): void {
  checkFields(field, entry, {
    name: checkJobName,
    data: () => undefined,
    options: (optionsField, options) => {
      if (typeof options !== 'object' || options === null || !('session' in options)) return;
      throw new InvalidArgumentError(`${optionsField}.session`, 'left out', options.session);
    },
  });
}

/** Checks the options of a worker. */
export function checkWorkerOptions(options: WorkerOptions = {}): void {
  checkFields('options', options, WORKER_CHECKS);
}

/** Checks the name of a job: a text of 1 to 256 characters. */
export const checkJobName: Check = text(LONGEST_NAME);

/** Checks that a value is a function. */
export const checkFunction: Check = (field, value) => {
  if (typeof value !== 'function') throw new InvalidArgumentError(field, 'a function', value);
};

/** Takes an id as an ObjectId or as 24 hexadecimal characters. */
export function toObjectId(field: string, value: unknown): ObjectId {
  const hex =
    typeof value === 'object' &&
    value !== null &&
    'toHexString' in value &&
    typeof value.toHexString === 'function'
      ? value.toHexString()
      : value;
  if (typeof hex === 'string' && /^[0-9a-f]{24}$/i.test(hex)) {
    return ObjectIdClass.createFromHexString(hex);
  }
  throw new InvalidArgumentError(field, 'an ObjectId or 24 hexadecimal characters', value);
}

function checkFields(
  field: string,
  options: unknown,
  checks: Readonly<Record<string, Check>>,
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(field, 'an object', options);
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) throw unknownField(field, name, Object.keys(checks));
    if (value !== undefined) check(`${field}.${name}`, value);
  }
}

function unknownField(field: string, name: string, known: readonly string[]): InvalidArgumentError {
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, candidate.length / 3))
    .sort((a, b) => a.distance - b.distance);
  const hint = nearest && `did you mean \`${nearest.candidate}\`?`;
  return new InvalidArgumentError(field, `one or more of: ${known.join(', ')}`, name, hint);
}

/** How many letters must be changed, added or removed to make one word the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line += 1) {
    const next = [line];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[line - 1]?.toLowerCase() === to[column - 1]?.toLowerCase();
      const replaced = Number(row[column - 1]) + (same ? 0 : 1);
      next.push(Math.min(replaced, Number(row[column]) + 1, Number(next[column - 1]) + 1));
    }
    row = next;
  }
  return Number(row.at(-1));
}

function integer(least: number, most: number): Check {
  return (field, value) => {
    const fits = Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
    if (!fits) {
      throw new InvalidArgumentError(field, `an integer from ${least} to ${most}`, value);
    }
  };
}

function oneOf(...allowed: readonly unknown[]): Check {
  return (field, value) => {
    if (allowed.includes(value)) return;
    const words = allowed.map((item) => (typeof item === 'string' ? `'${item}'` : String(item)));
    throw new InvalidArgumentError(field, words.join(' or '), value);
  };
}

function text(longest: number): Check {
  return (field, value) => {
    const fits = typeof value === 'string' && value.length > 0 && value.length <= longest;
    if (!fits) {
      throw new InvalidArgumentError(field, `a string of 1 to ${longest} characters`, value);
    }
  };
}

function checkCollectionName(field: string, value: unknown): void {
  text(200)(field, value);
  if (/[$\0]|^system\.|^\.|\.$/.test(String(value))) {
    throw new InvalidArgumentError(field, 'a name MongoDB allows for a collection', value);
  }
}

function checkDate(field: string, value: unknown): void {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) {
    throw new InvalidArgumentError(field, 'a valid Date', value);
  }
}

function hasMethods(...names: readonly string[]): Check {
  return (field, value) => {
    const missing = names.filter(
      (name) => typeof (value as Record<string, unknown> | null)?.[name] !== 'function',
    );
    if (missing.length > 0) {
      throw new InvalidArgumentError(
        field,
        `an object with the methods ${names.join(', ')}`,
        value,
      );
    }
  };
}
