/**
 * Monque: durable background jobs in the MongoDB you already run.
 *
 * @module
 */
export { type Clock, systemClock, type Timer } from './clock.ts';
export {
  ConnectionError,
  InvalidArgumentError,
  JobStateError,
  LedgerFullError,
  MonqueError,
  ShutdownTimeoutError,
  UnknownOutcomeError,
  UnsupportedError,
} from './errors.ts';
export type { MonqueEventMap } from './events.ts';
export { type Job, JobStatus } from './job.ts';
export type * from './ledger/ledger-repository.ts';
export { DEFAULT_OPERATION_TIMEOUT, LedgerRepository } from './ledger/ledger-repository.ts';
export {
  type InMemoryLedgerOptions,
  InMemoryLedgerRepository,
} from './ledger/memory/in-memory-ledger-repository.ts';
export {
  DEFAULT_COLLECTION_NAME,
  MongoLedgerRepository,
  type MongoLedgerRepositoryOptions,
} from './ledger/mongodb/mongo-ledger-repository.ts';
export type { SettleAnswer, Settlement, SettleVerb } from './ledger/settlement.ts';
export {
  defineLifecycle,
  JOB_LIFECYCLE,
  type JobVerb,
  type Lifecycle,
  type LifecycleDefinition,
  type TransitionRow,
} from './lifecycle.ts';
export {
  type EnqueueEntry,
  type EnqueueEntryResult,
  Monque,
  type MonquePublicAPI,
} from './monque.ts';
export {
  DEFAULT_BASE_RETRY_INTERVAL,
  DEFAULT_CONCURRENCY,
  DEFAULT_LEASE_DURATION,
  DEFAULT_MAX_BACKOFF_DELAY,
  DEFAULT_MAX_PAYLOAD_SIZE,
  DEFAULT_MAX_RETRIES,
  DEFAULT_POLL_INTERVAL,
  DEFAULT_RESCUE_LIMIT,
  DEFAULT_RESEND_LIMIT,
  DEFAULT_SHUTDOWN_TIMEOUT,
  type EnqueueOptions,
  type MonqueOptions,
  type WorkerOptions,
} from './options.ts';
export { type Random, systemRandom } from './random.ts';
export type { JobContext, JobHandler } from './worker.ts';
