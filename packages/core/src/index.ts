/**
 * Monque: durable background jobs in the MongoDB you already run.
 *
 * @module
 */
export type { EnqueueEntry, EnqueueEntryResult, TypedEntry } from './client/enqueue.ts';
export type { BulkResult, JobsPage, QueueStats } from './client/manual-verbs.ts';
export type { GetHistoryOptions } from './client/metadata-and-history.ts';
export type { OpenGateOptions } from './client/open-gate.ts';
export type { Schedule } from './client/schedules.ts';
export type { MonqueEventMap } from './context/events.ts';
export type { Health } from './context/health.ts';
export type { Instrumentation, Observation, ObservationEnd } from './context/instruments.ts';
export {
  type AuditFinding,
  type AuditOptions,
  type AuditReport,
  DEFAULT_AUDIT_BATCH,
} from './diagnosis/auditor.ts';
export type {
  BusyInstance,
  ClaimDetails,
  Explanation,
  ExplanationDetails,
  ExplanationReason,
  FinishedDetails,
  LostClaimDetails,
  Reason,
} from './diagnosis/explanation.ts';
export type { InspectedInstance, InspectedName, Inspection } from './diagnosis/inspector.ts';
export type { MetricsSnapshot } from './diagnosis/metrics-snapshot.ts';
export type {
  LiveOptionName,
  LiveWorkerOptions,
  ReconfigureOptions,
} from './engine/reconfigurer.ts';
export { type Clock, systemClock, type Timer } from './foundation/clock.ts';
export {
  AccessDeniedError,
  ConnectionError,
  InvalidArgumentError,
  InvalidCronError,
  type InvariantFault,
  InvariantViolationError,
  LedgerFullError,
  MonqueError,
  ShutdownTimeoutError,
  UnknownOutcomeError,
  UnsupportedError,
} from './foundation/errors.ts';
export { type Random, systemRandom } from './foundation/random.ts';
export type { SchemaIssue, SchemaResult, StandardSchema } from './foundation/standard-schema.ts';
export { type Codec, type CodecContext, type CodecField, UndecodableError } from './job/codec.ts';
export {
  type BackoffPlan,
  DOCUMENT_VERSION,
  type GateRecord,
  type HistoryEntry,
  type Job,
  JobStatus,
  type JobTrace,
  type StageRecord,
  type UniqueHold,
} from './job/job.ts';
export {
  JobStateError,
  UniqueKeyTakenError,
  WaitError,
  type WaitReason,
} from './job/job-errors.ts';
export { JOB_LIFECYCLE, type JobVerb } from './job/job-lifecycle.ts';
export {
  type Appended,
  type Condition,
  defineLifecycle,
  GONE,
  type Lifecycle,
  type LifecycleDefinition,
  type LifecycleRecord,
  type TransitionParams,
  type TransitionRow,
} from './job/lifecycle.ts';
export {
  type JobMetadata,
  type MetadataChanges,
  type MetadataFilter,
  type MetadataScalar,
  type MetadataValue,
  matchesMetadata,
  mergeMetadata,
} from './job/metadata.ts';
export {
  DEFAULT_MISSED,
  type MissedPolicy,
  type NextRun,
  nextOccurrences,
  nextRunOf,
  type OccurrencesOptions,
  type SeriesPlan,
} from './job/next-run.ts';
export type {
  DataArgument,
  DataFor,
  DataOf,
  JobTypes,
  NameOf,
  ResultOf,
  UntypedJobs,
} from './job/typed-jobs.ts';
export { unfitReason } from './job/unfit-reason.ts';
export {
  type LockField,
  lockOf,
  lockToRetake,
  seriesLock,
  type UniqueLock,
} from './job/unique-locks.ts';
export { countClaims } from './ledger/claim-counts.ts';
export { chooseExpiry, type ExpiredFields, type ExpiryChoice } from './ledger/expiry-choice.ts';
export type * from './ledger/ledger-repository.ts';
export {
  DEFAULT_OPERATION_TIMEOUT,
  LedgerRepository,
  SUSPECT_RESCUE_COUNT,
} from './ledger/ledger-repository.ts';
export {
  type InMemoryLedgerOptions,
  InMemoryLedgerRepository,
} from './ledger/memory/in-memory-ledger-repository.ts';
export {
  DEFAULT_COLLECTION_NAME,
  MongoLedgerRepository,
  type MongoLedgerRepositoryOptions,
} from './ledger/mongodb/mongo-ledger-repository.ts';
export {
  ENGINE_INDEXES,
  LISTING_INDEXES,
  type NamedIndex,
} from './ledger/mongodb/server/indexes.ts';
export { chooseRescue, type RescueChoice, type RescuedFields } from './ledger/rescue-choice.ts';
export type {
  BuiltInRule,
  InvariantMode,
  InvariantRule,
  LedgerWrite,
  RuleBreach,
} from './ledger/rules/known-rules.ts';
export {
  DEFAULT_MAX_STORED_BYTES,
  type InvariantOptions,
  type InvariantViolation,
  type JobFinding,
} from './ledger/rules/rules.ts';
export {
  answerUnmatched,
  handRecord,
  historyEntries,
  requestEntries,
  type SettledFields,
  settlementParams,
} from './ledger/settle-answers.ts';
export {
  answerCheckpoint,
  answerUnopened,
  type CheckpointFields,
  checkpointParams,
  GATE_VERBS,
  openGateParams,
  recordedCheckpoint,
} from './ledger/stage-answers.ts';
export type { Mending } from './ledger/verbs/manual-verbs.ts';
export type { SettleAnswer, Settlement, SettleVerb } from './ledger/verbs/settle.ts';
export type { JobId, ManagementVerb, MonqueManagement } from './management.ts';
export { Monque } from './monque.ts';
export type { Alert, AlertKind, AlertOptions } from './options/alert-options.ts';
export {
  DEFAULT_FAILURE_MINIMUM,
  DEFAULT_FAILURE_WINDOW,
} from './options/alert-options.ts';
export {
  type BackoffFunction,
  DEFAULT_LIST_LIMIT,
  type EnqueueOptions,
  type GetJobsOptions,
  type GetJobsWithCursorOptions,
  type JobsFilter,
  type ScheduleOptions,
  type UniqueHoldOption,
  type WhenTaken,
  type WorkerOptions,
} from './options/enqueue-options.ts';
export {
  DEFAULT_BASE_RETRY_INTERVAL,
  DEFAULT_CONCURRENCY,
  DEFAULT_JOB_RETENTION,
  DEFAULT_LEASE_DURATION,
  DEFAULT_LOCK_TIMEOUT,
  DEFAULT_MAX_BACKOFF_DELAY,
  DEFAULT_MAX_PAYLOAD_SIZE,
  DEFAULT_MAX_RETRIES,
  DEFAULT_POLL_INTERVAL,
  DEFAULT_RESCUE_LIMIT,
  DEFAULT_RESEND_LIMIT,
  DEFAULT_SHUTDOWN_TIMEOUT,
  type JobRetention,
  type MonqueOptions,
} from './options/options.ts';
export type { HandlerReturn, MonquePublicAPI } from './public-api.ts';
export type { HistogramReading } from './telemetry/histogram.ts';
export type { LogEntries, LogEvent, LogFields, Logger } from './telemetry/log.ts';
export {
  COUNTERS,
  type CounterName,
  GAUGES,
  type GaugeName,
  HISTOGRAMS,
  type HistogramName,
  type MetricDefinition,
} from './telemetry/metric-catalogue.ts';
export type {
  CounterPoint,
  HistogramPoint,
  Labels,
  MetricsObserver,
  MetricsReading,
} from './telemetry/metrics.ts';
export type { JobContext, JobHandler } from './workers/handler.ts';
export { cancel, discard, HandlerOutcome, snooze } from './workers/handler-outcome.ts';
export {
  type Gate,
  type GateOptions,
  gate,
  type Stage,
  type StageContext,
  type StageHandler,
  type StagesDefinition,
  stage,
} from './workers/stages.ts';
