/**
 * Work ledgers that keep their own rules: steps that are verified again, and tasks that are reviewed, in a Markdown
 * file, in MongoDB or in memory.
 *
 * @module
 */
export {
  type Check,
  type CommandCheck,
  DEFAULT_CHECK_TIMEOUT,
  type Expectation,
  type FunctionCheck,
  type Invariant,
  nameOfCheck,
} from './checks/check.ts';
export {
  CHECK_JOB,
  type CheckFunction,
  CheckRunner,
  type CheckRunnerOptions,
  DEFAULT_CHECK_CONCURRENCY,
  DEFAULT_OUTPUT_LENGTH,
} from './checks/check-runner.ts';
export { Redactor, readSecrets, type SecretSources } from './checks/redactor.ts';
export type { CheckResult, TestRun } from './checks/test-run.ts';
export {
  CoordinationLedger,
  type CoordinationLedgerOptions,
  type ReasonedBy,
  type Ticks,
} from './coordination/coordination-ledger.ts';
export {
  REMINDER_JOB,
  type Reminder,
  type ReminderKind,
  type ReminderOptions,
  remindersFor,
  scheduleReminders,
} from './coordination/reminders.ts';
export {
  type AssigneeStatistics,
  type Rate,
  statisticsOf,
  type TaskStatistics,
} from './coordination/statistics.ts';
export { TASK_FIELDS, type Task, type TaskFields, type TaskPriority } from './coordination/task.ts';
export { CoordinationFormat } from './coordination/task-format.ts';
export {
  criticalPath,
  type Dependencies,
  dependenciesOf,
  findCycle,
} from './coordination/task-graph.ts';
export { TASK_LIFECYCLE, type TaskStatus, type TaskVerb } from './coordination/task-lifecycle.ts';
export {
  LedgerBusyError,
  LedgerFileError,
  LedgerRuleError,
  RecordExistsError,
  RecordNotFoundError,
  RecordStateError,
  type RuleBreach,
} from './foundation/errors.ts';
export type {
  CheckItem,
  ItemCodec,
  LineCodec,
  NamedList,
  NamedText,
  SectionCodec,
} from './markdown/codecs.ts';
export { type DocumentOptions, LedgerDocument } from './markdown/ledger-document.ts';
export type { Line, LineText } from './markdown/lines.ts';
export type {
  ParsedLedger,
  ParsedRecord,
  Place,
  Problem,
  RecordFormatOptions,
} from './markdown/record-format.ts';
export {
  checklist,
  count,
  type Field,
  type Fields,
  ids,
  list,
  listOf,
  namedLists,
  namedTexts,
  oneOf,
  text,
  time,
} from './record/fields.ts';
export type { ChangedBy, HistoryEntry, LedgerRecord } from './record/record.ts';
export {
  DEFAULT_HISTORY_LIMIT,
  DEFAULT_RECORD_LIMIT,
  MOST_RECORDS,
  RecordLedger,
  type RecordLedgerOptions,
} from './record/record-ledger.ts';
export type { LedgerRule, RuleContext } from './record/rules.ts';
export { type LedgerFormat, MarkdownRecordStore } from './store/markdown-record-store.ts';
export { MemoryRecordStore } from './store/memory-record-store.ts';
export {
  DEFAULT_RECORD_COLLECTION,
  MongoRecordStore,
  type MongoRecordStoreOptions,
} from './store/mongo-record-store.ts';
export {
  type Decide,
  type LedgerView,
  type RecordFilter,
  type RecordQuery,
  RecordStore,
  type RecordWrite,
} from './store/record-store.ts';
export { STEP_FIELDS, type Step, type StepFields, type Verification } from './verification/step.ts';
export { VerificationFormat } from './verification/step-format.ts';
export {
  MOST_VERIFICATIONS,
  STEP_LIFECYCLE,
  type StepStatus,
  type StepVerb,
} from './verification/step-lifecycle.ts';
export { type CommandFor, isLaterRun, LEDGER_COMMANDS } from './verification/step-rules.ts';
export {
  type InvariantResult,
  type ReverifyOptions,
  type RunBy,
  type StepOutcome,
  type VerificationEventMap,
  VerificationLedger,
  type VerificationLedgerOptions,
  type VerificationReport,
} from './verification/verification-ledger.ts';
export {
  runIdAt,
  scheduleVerification,
  VERIFY_JOB,
  type VerificationScheduleOptions,
  type Webhook,
} from './verification/verification-schedule.ts';
