/**
 * Monque: durable background jobs in the MongoDB you already run. Here is what users write. The parts of it that they
 * seldom name are in `@monque/core/types`, and what authors of ledgers need in `@monque/core/ledger`.
 *
 * @module
 */

export type { MonqueManagement } from './actor-verbs.ts';
export type { Backlog } from './client/backlog.ts';
export type { BulkResult } from './client/bulk-verbs.ts';
export type { DefinedJob } from './client/definitions.ts';
export type { EnqueueEntry } from './client/enqueue.ts';
export type { Flow, FlowInfo } from './client/flows.ts';
export type { GroupInfo } from './client/groups.ts';
export type { LimitInfo } from './client/limits.ts';
export type { JobsPage } from './client/listing.ts';
export type { OrderInfo } from './client/orders.ts';
export type { Outbox } from './client/outbox.ts';
export type { Ping } from './client/ping.ts';
export type { QueueStats } from './client/queue-stats.ts';
export type { Schedule } from './client/schedules.ts';
export type { Inbox } from './client/transactions.ts';
export type { WaitForOptions } from './client/wait-for.ts';
export type { MonqueEventMap } from './context/events.ts';
export type { Health } from './context/health.ts';
export type { Instrumentation } from './context/instruments.ts';
export type { AuditReport } from './diagnosis/auditor.ts';
export type { Explanation, ExplanationReason } from './diagnosis/explanation.ts';
export type { Inspection } from './diagnosis/inspector.ts';
export type { MetricsSnapshot } from './diagnosis/metrics-snapshot.ts';
export type { ReconfigureOptions } from './engine/reconfigurer.ts';
export { type Clock, systemClock } from './foundation/clock.ts';
export {
  AccessDeniedError,
  ConnectionError,
  InvalidArgumentError,
  InvalidCronError,
  InvariantViolationError,
  LedgerFullError,
  MonqueError,
  type MonqueErrorCode,
  UnknownOutcomeError,
  UnsupportedError,
} from './foundation/errors.ts';
export { type Random, systemRandom } from './foundation/random.ts';
export { type Codec, type CodecContext, UndecodableError } from './job/codec.ts';
export { cronTimes } from './job/cron-times.ts';
export { type HistoryEntry, type Job, JobStatus } from './job/job.ts';
export {
  FlowAbandonedError,
  JobStateError,
  ShutdownTimeoutError,
  UniqueKeyTakenError,
  WaitError,
} from './job/job-errors.ts';
export { JOB_LIFECYCLE } from './job/job-lifecycle.ts';
export type { JobMetadata, MetadataFilter } from './job/metadata.ts';
export type { DataOf, JobOf, JobTypes, NameOf, ResultOf } from './job/typed-jobs.ts';
export {
  type Access,
  type AccessQuestion,
  type Actor,
  LedgerRepository,
} from './ledger/ledger-repository.ts';
export { InMemoryLedgerRepository } from './ledger/memory/in-memory-ledger-repository.ts';
export { MongoLedgerRepository } from './ledger/mongodb/mongo-ledger-repository.ts';
export type { InvariantRule } from './ledger/rules/known-rules.ts';
export type { InvariantViolation } from './ledger/rules/rules.ts';
export { Monque } from './monque.ts';
export type { Alert } from './options/alert-options.ts';
export type { EnqueueOptions } from './options/enqueue-options.ts';
export type { FlowGraph, FlowOptions } from './options/flow-options.ts';
export type { LimitOptions } from './options/limit-options.ts';
export type {
  GetJobsOptions,
  GetJobsWithCursorOptions,
  JobsFilter,
} from './options/list-options.ts';
export { DEFAULTS } from './options/option-table.ts';
export type { MonqueOptions } from './options/options.ts';
export type { PublishedMessage } from './options/outbox-options.ts';
export type { ScheduleOptions } from './options/schedule-options.ts';
export type { BackoffFunction, WorkerOptions } from './options/worker-options.ts';
export type { MonquePublicAPI } from './public-api.ts';
export type { LogFields, Logger } from './telemetry/log.ts';
export { COUNTERS, GAUGES, HISTOGRAMS } from './telemetry/metric-catalogue.ts';
export type { BatchContext, BatchHandler } from './workers/batches.ts';
export type { JobContext, JobHandler } from './workers/handler.ts';
export { cancel, discard, HandlerOutcome, snooze } from './workers/handler-outcome.ts';
export { gate, type Stage, type StageContext, type StageHandler, stage } from './workers/stages.ts';
