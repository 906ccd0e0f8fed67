/**
 * Monque: durable background jobs in the MongoDB you already run.
 *
 * @module
 */

export type { JobId, ManagementVerb, MonqueManagement } from './actor-verbs.ts';
export type { Backlog, BacklogFilter, BacklogOfName } from './client/backlog.ts';
export type {
  BulkOptions,
  BulkResult,
  RedriveDeadLettersOptions,
} from './client/bulk-verbs.ts';
export type { DefinedJob, JobDefinition } from './client/definitions.ts';
export type { EnqueueEntry, TypedEntry } from './client/enqueue.ts';
export type { EnqueueEntryResult } from './client/entry-result.ts';
export type { Flow, FlowInfo, FlowNames, FlowOf, TypedFlow } from './client/flows.ts';
export type { GroupInfo, GroupsOptions } from './client/groups.ts';
export type { LimitInfo } from './client/limits.ts';
export type { JobCount, JobsPage } from './client/listing.ts';
export type { GetHistoryOptions } from './client/metadata-and-history.ts';
export type { OpenGateOptions } from './client/open-gate.ts';
export type { OrderInfo, OrdersOptions } from './client/orders.ts';
export type { Outbox } from './client/outbox.ts';
export type { Ping, PingOptions } from './client/ping.ts';
export type { QueueStats } from './client/queue-stats.ts';
export type { Schedule, UnscheduleOptions } from './client/schedules.ts';
export type { Throughput } from './client/throughput.ts';
export type { Inbox } from './client/transactions.ts';
export type { WaitForOptions } from './client/wait-for.ts';
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
  OpenParent,
  Reason,
} from './diagnosis/explanation.ts';
export type {
  InspectedGroup,
  InspectedInstance,
  InspectedName,
  Inspection,
} from './diagnosis/inspector.ts';
export type { ExplainManyOptions, ReasonCount, ReasonCounts } from './diagnosis/many-explainer.ts';
export type { MetricsSnapshot } from './diagnosis/metrics-snapshot.ts';
export type {
  LiveWorkerOptions,
  ReconfigureOptions,
} from './engine/reconfigurer.ts';
export { type Clock, systemClock, type Timer, type TimerKind } from './foundation/clock.ts';
export type { Database, Session } from './foundation/driver-shapes.ts';
export {
  AccessDeniedError,
  ConnectionError,
  InvalidArgumentError,
  InvalidCronError,
  type InvariantFault,
  InvariantViolationError,
  LedgerFullError,
  MonqueError,
  type MonqueErrorCode,
  UnknownOutcomeError,
  UnsupportedError,
} from './foundation/errors.ts';
export { type Random, systemRandom } from './foundation/random.ts';
export type { SchemaIssue, SchemaResult, StandardSchema } from './foundation/standard-schema.ts';
export { type Codec, type CodecContext, type CodecField, UndecodableError } from './job/codec.ts';
export { type CronTimesOptions, cronTimes } from './job/cron-times.ts';
export type { OnParentFailure } from './job/flow-tokens.ts';
export type { Interval } from './job/interval-plan.ts';
export {
  type BackoffPlan,
  type DeadLetterSource,
  type GateRecord,
  type HistoryEntry,
  type Job,
  JobStatus,
  type JobTrace,
  type StageRecord,
  type UniqueHold,
} from './job/job.ts';
export {
  FlowAbandonedError,
  JobStateError,
  ShutdownTimeoutError,
  UniqueKeyTakenError,
  WaitError,
  type WaitReason,
} from './job/job-errors.ts';
export { JOB_LIFECYCLE, type JobVerb } from './job/job-lifecycle.ts';
export type {
  JobMetadata,
  MetadataChanges,
  MetadataFilter,
  MetadataScalar,
  MetadataValue,
} from './job/metadata.ts';
export {
  DEFAULT_MISSED,
  type MissedPolicy,
} from './job/next-run.ts';
export type {
  DataArgument,
  DataFor,
  DataOf,
  JobArguments,
  JobOf,
  JobTypes,
  NamedJob,
  NameOf,
  ResultOf,
  ResultsOf,
  UntypedJobs,
} from './job/typed-jobs.ts';
export {
  type Access,
  type AccessQuestion,
  type Actor,
  type InstanceInfo,
  type LedgerHealth,
  type LedgerMetrics,
  LedgerRepository,
  type LedgerRepositoryOptions,
  type LedgerTransactions,
  type LedgerVerb,
  type MarkParams,
  type TransitionEntry,
  type WorkerInfo,
} from './ledger/ledger-repository.ts';
export {
  type InMemoryLedgerOptions,
  InMemoryLedgerRepository,
} from './ledger/memory/in-memory-ledger-repository.ts';
export {
  MongoLedgerRepository,
  type MongoLedgerRepositoryOptions,
} from './ledger/mongodb/mongo-ledger-repository.ts';
export type {
  BuiltInRule,
  InvariantMode,
  InvariantRule,
  LedgerWrite,
  RuleBreach,
} from './ledger/rules/known-rules.ts';
export type {
  InvariantOptions,
  InvariantViolation,
} from './ledger/rules/rules.ts';
export type { GroupRecord, GroupSettings } from './ledger/verbs/groups.ts';
export type { LimitRecord, LimitShare, RateLimit } from './ledger/verbs/limits.ts';
export type { PauseRecord, Repairing } from './ledger/verbs/manual-verbs.ts';
export type { JobCounts, ThroughputPoint } from './ledger/verbs/throughput.ts';
export { Monque } from './monque.ts';
export type { Alert, AlertKind, AlertOptions } from './options/alert-options.ts';
export {
  DEFAULT_FAILURE_MINIMUM,
  DEFAULT_FAILURE_WINDOW,
} from './options/alert-options.ts';
export type {
  EnqueueOptions,
  Supersede,
  UniqueHoldOption,
  WhenTaken,
} from './options/enqueue-options.ts';
export type {
  FlowGraph,
  FlowJob,
  FlowJobOptions,
  FlowOptions,
  FlowParent,
  FlowParentOf,
  GetFlowOptions,
  ParentsOptions,
} from './options/flow-options.ts';
export type { GroupOptions, WorkerGroups } from './options/group-options.ts';
export type { LimitOptions, RateOptions } from './options/limit-options.ts';
export {
  type CountJobsOptions,
  DEFAULT_COUNT_LIMIT,
  DEFAULT_LIST_LIMIT,
  type GetJobsOptions,
  type GetJobsWithCursorOptions,
  type JobsFilter,
} from './options/list-options.ts';
export type { BulkVerbOptions, ManualVerbOptions } from './options/manual-verb-options.ts';
export { DEFAULTS } from './options/option-table.ts';
export type { JobRetention, LiveOptionName, MonqueOptions } from './options/options.ts';
export {
  DEFAULT_OUTBOX_BATCH,
  type OutboxMessage,
  type OutboxOptions,
  type PublishContext,
  type PublishedMessage,
} from './options/outbox-options.ts';
export type { ScheduleOptions } from './options/schedule-options.ts';
export { DEFAULT_THROUGHPUT_STEP, type ThroughputOptions } from './options/throughput-options.ts';
export {
  DEFAULT_KEEP_FOR,
  type InboxOptions,
  type SessionOptions,
} from './options/transaction-options.ts';
export type { BackoffFunction, WorkerOptions, WorkerOrder } from './options/worker-options.ts';
export type { BatchReturn, HandlerOf, HandlerReturn, MonquePublicAPI } from './public-api.ts';
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
export type {
  BatchContext,
  BatchDefinition,
  BatchHandler,
  BatchOptions,
} from './workers/batches.ts';
export type { JobContext, JobHandler, ParentInfo, ParentsPage } from './workers/handler.ts';
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
