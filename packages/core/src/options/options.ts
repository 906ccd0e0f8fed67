/**
 * The options of a scheduler: what may be given, and which of it can change while the scheduler is there. Their checks
 * and defaults are in `option-table.ts`.
 *
 * @module
 */
import type { Clock } from '../foundation/clock.ts';
import type { Random } from '../foundation/random.ts';
import type { Codec } from '../job/codec.ts';
import type { Access } from '../ledger/ledger-repository.ts';
import type { WriteConcernOption } from '../ledger/mongodb/server/commands.ts';
import type { InvariantOptions } from '../ledger/rules/rules.ts';
import type { Logger } from '../telemetry/log.ts';
import type { AlertOptions } from './alert-options.ts';

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
  /**
   * Count what happens by minute and name for all processes, and keep that for so many milliseconds, from an hour to a
   * year: see `getThroughput`. A process in which something happened sends one more command a minute. `false` counts
   * nothing.
   *
   * @default false
   */
  readonly throughputHistory?: number | false;
  /** Milliseconds between polls, from 10. Jobs are mostly found sooner, by hints. @default 1000 */
  readonly pollInterval?: number;
  /**
   * Store a job that this process could start at once as claimed by it already: it starts when it is stored, without a
   * look for due jobs. `getJob` may then show it as processing as soon as it is enqueued.
   *
   * @default true
   */
  readonly claimOnEnqueue?: boolean;
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
   * Called with what the engine does: starts and stops, claims, retries, rescues, leases, pauses; never what jobs hold.
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

/** The options of a scheduler that can change while it runs. */
export type LiveOptionName =
  | 'pollInterval'
  | 'claimOnEnqueue'
  | 'defaultConcurrency'
  | 'instanceConcurrency'
  | 'maxRetries'
  | 'baseRetryInterval'
  | 'maxBackoffDelay'
  | 'retryJitter'
  | 'shutdownTimeout'
  | 'rescueLimit'
  | 'lockTimeout'
  | 'jobRetention'
  | 'maxPayloadSize'
  | 'logger'
  | 'invariants'
  | 'alerts';

/** The options that are off, or without bound, when nothing is said. */
export type OptionWithoutDefault =
  | 'instanceConcurrency'
  | 'access'
  | 'codec'
  | 'logger'
  | 'invariants'
  | 'alerts';
