/**
 * What authors of ledgers need: `@monque/core/ledger`. The root has what users of a scheduler need, and what both need
 * is in both.
 *
 * @module
 */
export { type Clock, systemClock, type Timer } from './foundation/clock.ts';
export {
  ConnectionError,
  InvalidArgumentError,
  LedgerFullError,
  MonqueError,
  UnknownOutcomeError,
  UnsupportedError,
} from './foundation/errors.ts';
export { type Random, systemRandom } from './foundation/random.ts';
export {
  endToken,
  flowOfToken,
  isEndToken,
  isStoringToken,
  parentTokens,
  statesThatFail,
  statesThatHold,
  storingToken,
} from './job/flow-tokens.ts';
export {
  type DeadLetterSource,
  DOCUMENT_VERSION,
  type GateRecord,
  type HistoryEntry,
  type Job,
  JobStatus,
  NEWEST_VERSION,
  type StageRecord,
} from './job/job.ts';
export { JOB_LIFECYCLE, type JobVerb } from './job/job-lifecycle.ts';
export { isGroupLane, keyOfLane, laneOf, laneOfGroup } from './job/lanes.ts';
export {
  type Appended,
  type Condition,
  defineLifecycle,
  GONE,
  type Lifecycle,
  type LifecycleDefinition,
  type LifecycleRecord,
  STAYS,
  type TransitionParams,
  type TransitionRow,
} from './job/lifecycle.ts';
export { type JobMetadata, matchesMetadata, mergeMetadata } from './job/metadata.ts';
export { type NextRun, nextRunOf, type PlanOfRun, type SeriesPlan } from './job/next-run.ts';
export { unfitReason } from './job/unfit-reason.ts';
export {
  type LockField,
  lockOf,
  lockToRetake,
  seriesLock,
  type UniqueLock,
} from './job/unique-locks.ts';
export {
  type CancelChoice,
  type CancelledFields,
  cancelsUnseen,
  chooseCancel,
} from './ledger/cancel-choice.ts';
export { countClaims } from './ledger/claim-counts.ts';
export { chooseExpiry, type ExpiredFields, type ExpiryChoice } from './ledger/expiry-choice.ts';
export {
  type FlowStore,
  type ParentJob,
  releaseWaiting,
  type WaitingJob,
} from './ledger/flow-release.ts';
export {
  type GroupInTurn,
  groupSettings,
  holdsPlace,
  type NamedHolder,
  nextStartOf,
  roomOf,
  type Turns,
  takeTurns,
} from './ledger/group-choice.ts';
export { holdsLane, isSuperseded, type LaneJob, nextInLane } from './ledger/lane-choice.ts';
export {
  type Access,
  type AccessQuestion,
  type Actor,
  type AnswerOf,
  type ClaimVerbs,
  type ClockVerbs,
  type CountVerbs,
  DEFAULT_OPERATION_TIMEOUT,
  type GroupVerbs,
  gathered,
  type JobVerbs,
  type LaneVerbs,
  type LeaseVerbs,
  type LedgerHealth,
  type LedgerMetrics,
  LedgerRepository,
  type LedgerRepositoryOptions,
  type LedgerVerb,
  type LedgerVerbs,
  type LimitVerbs,
  MOST_NAMES_A_CLAIM,
  type ParamsOf,
  SUSPECT_RESCUE_COUNT,
} from './ledger/ledger-repository.ts';
export {
  chooseShare,
  nextStartAt,
  type RateState,
  type ShareChoice,
  startsAllowed,
  usedUpAfter,
  usedUpUnder,
} from './ledger/limit-share.ts';
export { changeMetadata, type MetadataChange } from './ledger/metadata-change.ts';
export {
  ENGINE_INDEXES,
  LISTING_INDEXES,
  type NamedIndex,
} from './ledger/mongodb/server/indexes.ts';
export { rowFilter, rowUpdate } from './ledger/mongodb/table/row-statements.ts';
export { chooseRedrive, type RedriveChoice } from './ledger/redrive-choice.ts';
export { isAsSeen, type RepairChange, repairChange, repaired } from './ledger/repair-change.ts';
export {
  chooseRescue,
  type RescueChoice,
  type RescuedFields,
  type RescuedWorkers,
} from './ledger/rescue-choice.ts';
export { DEFAULT_MAX_STORED_BYTES, type JobFinding } from './ledger/rules/rules.ts';
export { endSeriesChanges, replanChanges, type SeriesChange } from './ledger/series-verbs.ts';
export {
  answerUnmatched,
  historyEntries,
  manualRecord,
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
export { addCounts, NO_COUNTS, sumThroughput } from './ledger/throughput-sums.ts';
export type * from './ledger/verbs/params-and-answers.ts';
