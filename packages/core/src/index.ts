/**
 * Monque: durable background jobs in the MongoDB you already run.
 *
 * @module
 */

export type { Alert, AlertKind, AlertOptions } from './alert-options.ts';
export {
  DEFAULT_FAILURE_MINIMUM,
  DEFAULT_FAILURE_WINDOW,
} from './alert-options.ts';
export {
  type AuditFinding,
  type AuditOptions,
  type AuditReport,
  DEFAULT_AUDIT_BATCH,
} from './auditor.ts';
export { type Clock, systemClock, type Timer } from './clock.ts';
export { type Codec, type CodecContext, type CodecField, UndecodableError } from './codec.ts';
export type { BulkResult, JobsPage, QueueStats } from './control.ts';
export {
  AccessDeniedError,
  ConnectionError,
  InvalidArgumentError,
  InvalidCronError,
  type InvariantFault,
  InvariantViolationError,
  JobStateError,
  LedgerFullError,
  MonqueError,
  ShutdownTimeoutError,
  UniqueKeyTakenError,
  UnknownOutcomeError,
  UnsupportedError,
  WaitError,
  type WaitReason,
} from './errors.ts';
export type { MonqueEventMap } from './events.ts';
export type {
  BusyInstance,
  ClaimDetails,
  Explanation,
  ExplanationDetails,
  ExplanationReason,
  FinishedDetails,
  LostClaimDetails,
  Reason,
} from './explanation.ts';
export type { OpenGateOptions } from './gates.ts';
export type { Health } from './health.ts';
export type { HistogramReading } from './histogram.ts';
export type { InspectedInstance, InspectedName, Inspection } from './inspector.ts';
export type { Instrumentation, Observation, ObservationEnd } from './instruments.ts';
export {
  type BackoffPlan,
  type GateRecord,
  type HistoryEntry,
  type Job,
  JobStatus,
  type JobTrace,
  type StageRecord,
  type UniqueHold,
} from './job.ts';
export { JOB_LIFECYCLE, type JobVerb } from './job-lifecycle.ts';
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
} from './job-options.ts';
export type {
  DataArgument,
  DataFor,
  DataOf,
  JobTypes,
  NameOf,
  ResultOf,
  UntypedJobs,
} from './job-types.ts';
export { countClaims } from './ledger/claim-counts.ts';
export { chooseExpiry, type ExpiredFields, type ExpiryChoice } from './ledger/gate-expiry.ts';
export type {
  BuiltInRule,
  InvariantMode,
  InvariantRule,
  LedgerWrite,
  Mending,
  RuleBreach,
} from './ledger/invariant-rules.ts';
export {
  DEFAULT_MAX_STORED_BYTES,
  type InvariantOptions,
  type InvariantViolation,
  type JobFinding,
} from './ledger/invariants.ts';
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
export { chooseRescue, type RescueChoice, type RescuedFields } from './ledger/rescue-choice.ts';
export {
  answerUnmatched,
  handRecord,
  historyEntries,
  requestEntries,
  type SettleAnswer,
  type SettledFields,
  type Settlement,
  type SettleVerb,
  settlementParams,
} from './ledger/settlement.ts';
export {
  answerCheckpoint,
  answerUnopened,
  type CheckpointFields,
  checkpointParams,
  GATE_VERBS,
  openGateParams,
  recordedCheckpoint,
} from './ledger/stage-answers.ts';
export {
  type LockField,
  lockOf,
  lockToRetake,
  seriesLock,
  type UniqueLock,
} from './ledger/unique-locks.ts';
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
} from './lifecycle.ts';
export type { LogEntries, LogEvent, LogFields, Logger } from './log.ts';
export type { ManagementVerb, MonqueManagement } from './management.ts';
export {
  type JobMetadata,
  type MetadataChanges,
  type MetadataFilter,
  type MetadataScalar,
  type MetadataValue,
  matchesMetadata,
  mergeMetadata,
} from './metadata.ts';
export {
  COUNTERS,
  type CounterName,
  GAUGES,
  type GaugeName,
  HISTOGRAMS,
  type HistogramName,
  type MetricDefinition,
} from './metric-catalogue.ts';
export type {
  CounterPoint,
  HistogramPoint,
  Labels,
  MetricsObserver,
  MetricsReading,
} from './metrics.ts';
export type { MetricsSnapshot } from './metrics-snapshot.ts';
export { Monque } from './monque.ts';
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
} from './options.ts';
export { cancel, discard, HandlerOutcome, snooze } from './outcome.ts';
export type { EnqueueEntry, EnqueueEntryResult, TypedEntry } from './producer.ts';
export type { HandlerReturn, JobId, MonquePublicAPI } from './public-api.ts';
export { type Random, systemRandom } from './random.ts';
export type {
  LiveOptionName,
  LiveWorkerOptions,
  ReconfigureOptions,
} from './reconfigurer.ts';
export type { GetHistoryOptions } from './records.ts';
export type { Schedule } from './schedules.ts';
export type { SchemaIssue, SchemaResult, StandardSchema } from './schema.ts';
export {
  DEFAULT_MISSED,
  type MissedPolicy,
  type NextRun,
  nextRunOf,
  type SeriesPlan,
} from './series.ts';
export {
  type Gate,
  type GateOptions,
  gate,
  type Stage,
  type StageContext,
  type StageHandler,
  type StagesDefinition,
  stage,
} from './stages.ts';
export type { JobContext, JobHandler } from './worker.ts';
