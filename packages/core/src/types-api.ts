/**
 * The parts of what methods take and answer with: `@monque/core/types`. Types alone, for a program that names such a part;
 * what most programs name is in the root. None is in both.
 *
 * @module
 */

export type { JobId, ManagementVerb } from './actor-verbs.ts';
export type { BacklogFilter, BacklogOfName } from './client/backlog.ts';
export type { BulkOptions, RedriveDeadLettersOptions } from './client/bulk-verbs.ts';
export type { JobDefinition } from './client/definitions.ts';
export type { DataField, TypedEntry } from './client/enqueue.ts';
export type { EnqueueEntryResult } from './client/entry-result.ts';
export type { FlowNames, FlowOf, FlowSummary, TypedFlow } from './client/flows.ts';
export type { GroupsOptions } from './client/groups.ts';
export type { JobCount } from './client/listing.ts';
export type { GetHistoryOptions } from './client/metadata-and-history.ts';
export type { OpenGateOptions } from './client/open-gate.ts';
export type { OrdersOptions } from './client/orders.ts';
export type { PingOptions } from './client/ping.ts';
export type { UnscheduleOptions } from './client/schedules.ts';
export type { Observation, ObservationEnd } from './context/instruments.ts';
export type { AuditFinding, AuditOptions } from './diagnosis/auditor.ts';
export type {
  BusyInstance,
  ClaimDetails,
  ExplanationDetails,
  FinishedDetails,
  GatheringDetails,
  LostClaimDetails,
  OpenParent,
  Reason,
} from './diagnosis/explanation.ts';
export type { InspectedGroup, InspectedInstance, InspectedName } from './diagnosis/inspector.ts';
export type { ExplainManyOptions, ReasonCount, ReasonCounts } from './diagnosis/many-explainer.ts';
export type { LiveWorkerOptions } from './engine/reconfigurer.ts';
export type { Timer, TimerKind } from './foundation/clock.ts';
export type { Database, Session } from './foundation/driver-shapes.ts';
export type { InvariantFault } from './foundation/errors.ts';
export type { SchemaIssue, SchemaResult, StandardSchema } from './foundation/standard-schema.ts';
export type { CodecField } from './job/codec.ts';
export type { CronTimesOptions } from './job/cron-times.ts';
export type { OnParentFailure } from './job/flow-tokens.ts';
export type { Interval } from './job/interval-plan.ts';
export type {
  BackoffPlan,
  DeadLetterSource,
  GateRecord,
  JobTrace,
  StageRecord,
  UniqueHold,
} from './job/job.ts';
export type { WaitReason } from './job/job-errors.ts';
export type { JobVerb } from './job/job-lifecycle.ts';
export type { MetadataChanges, MetadataScalar, MetadataValue } from './job/metadata.ts';
export type { MissedPolicy } from './job/next-run.ts';
export type {
  DataArgument,
  DataFor,
  JobArguments,
  NamedJob,
  OfNames,
  ResultsOf,
  UntypedJobs,
} from './job/typed-jobs.ts';
export type {
  InstanceInfo,
  LedgerHealth,
  LedgerMetrics,
  LedgerRepositoryOptions,
  LedgerTransactions,
  LedgerVerb,
  MarkParams,
  TransitionEntry,
  WorkerInfo,
} from './ledger/ledger-repository.ts';
export type { InMemoryLedgerOptions } from './ledger/memory/in-memory-ledger-repository.ts';
export type { MongoLedgerRepositoryOptions } from './ledger/mongodb/mongo-ledger-repository.ts';
export type { WriteConcernOption } from './ledger/mongodb/server/commands.ts';
export type {
  BuiltInRule,
  InvariantMode,
  LedgerWrite,
  RuleBreach,
} from './ledger/rules/known-rules.ts';
export type { InvariantOptions } from './ledger/rules/rules.ts';
export type { FlowOutcome } from './ledger/verbs/flows.ts';
export type { GroupRecord, GroupSettings } from './ledger/verbs/groups.ts';
export type { LimitRecord, LimitShare, RateLimit } from './ledger/verbs/limits.ts';
export type { PauseRecord, Repairing } from './ledger/verbs/manual-verbs.ts';
export type { JobCounts, ThroughputPoint } from './ledger/verbs/throughput.ts';
export type { AlertKind, AlertOptions } from './options/alert-options.ts';
export type { Supersede, UniqueHoldOption, WhenTaken } from './options/enqueue-options.ts';
export type {
  FlowJob,
  FlowJobOptions,
  FlowParent,
  FlowParentOf,
  GetFlowOptions,
  ParentsOptions,
} from './options/flow-options.ts';
export type { GroupOptions, WorkerGroups } from './options/group-options.ts';
export type { RateOptions } from './options/limit-options.ts';
export type { CountJobsOptions } from './options/list-options.ts';
export type { BulkVerbOptions, ManualVerbOptions } from './options/manual-verb-options.ts';
export type { JobRetention, LiveOptionName } from './options/options.ts';
export type { OutboxMessage, OutboxOptions, PublishContext } from './options/outbox-options.ts';
export type { ThroughputOptions } from './options/throughput-options.ts';
export type {
  EnqueueManyOptions,
  InboxOptions,
  SessionOptions,
} from './options/transaction-options.ts';
export type { WorkerOrder } from './options/worker-options.ts';
export type { BatchResults, BatchReturn, HandlerOf, HandlerReturn } from './public-api.ts';
export type { HistogramReading } from './telemetry/histogram.ts';
export type { LogEntries, LogEvent } from './telemetry/log.ts';
export type {
  CatalogueOf,
  CounterLabels,
  CounterName,
  GaugeName,
  HistogramLabels,
  HistogramName,
  MetricDefinition,
} from './telemetry/metric-catalogue.ts';
export type {
  CounterPoint,
  HistogramPoint,
  Labels,
  MetricsObserver,
  MetricsReading,
} from './telemetry/metrics.ts';
export type { BatchDefinition, BatchOptions } from './workers/batches.ts';
export type { ParentInfo, ParentsPage } from './workers/handler.ts';
export type { Gate, GateOptions, StagesDefinition } from './workers/stages.ts';
