/**
 * The named schemas: each request and answer of the API, as `types.ts` says it to the compiler.
 *
 * @module
 */
import {
  BOOLEAN,
  COUNT,
  EJSON,
  ID,
  integer,
  list,
  METADATA,
  NUMBER,
  object,
  oneOf,
  oneOrMany,
  record,
  ref,
  type Schema,
  STRING,
  TIME,
  text,
} from './schema.ts';
import { REASON_TEXT, SCHEMAS_OF_CONTROL } from './schemas-of-control.ts';
import { SCHEMAS_OF_LEDGERS } from './schemas-of-ledgers.ts';
import { SCHEMAS_OF_VIEWS } from './schemas-of-views.ts';

const YEAR_MS = 366 * 86_400_000;

/** The most characters of the name of a job. */
const LONGEST_NAME = 256;

/** The most characters of a unique key. */
const LONGEST_KEY = 1_024;

/** The most ids a bulk action is given. */
const MOST_IDS = 1_000;

/** The most names or states a filter holds. */
const MOST_IN_FILTER = 200;

/** The states of a job. */
const STATUS: Schema = oneOf(
  ...['pending', 'processing', 'completed', 'failed', 'blocked', 'cancelled'],
);

/** The name of a job. */
export const NAME: Schema = text(LONGEST_NAME);

/** A unique key. */
export const KEY: Schema = text(LONGEST_KEY);

/** The key of an order. */
export const ORDER: Schema = text(256);

/** A group. */
export const GROUP: Schema = text(256);

/** The key of a limit; that of a worker of its own begins with `worker:`. */
export const LIMIT_KEY: Schema = text(512);

/** One name or several. */
export const NAMES: Schema = oneOrMany(NAME, MOST_IN_FILTER);

/** One state or several. */
export const STATUSES: Schema = oneOrMany(STATUS, 6);

const BACKOFF = object(
  { type: oneOf('fixed', 'exponential'), delay: integer(0, YEAR_MS) },
  { maxDelay: integer(0, YEAR_MS), jitter: { type: 'number', minimum: 0, maximum: 1 } },
);

const SUMMARY_REQUIRED = {
  id: ID,
  name: STRING,
  status: STATUS,
  priority: NUMBER,
  nextRunAt: TIME,
  createdAt: TIME,
  updatedAt: TIME,
  failCount: NUMBER,
  fence: NUMBER,
};

const SUMMARY_OPTIONAL = {
  failReason: STRING,
  rescueCount: NUMBER,
  maxRetries: NUMBER,
  lockedAt: TIME,
  startedAt: TIME,
  finishedAt: TIME,
  claimedBy: STRING,
  cancelRequestedAt: TIME,
  uniqueKey: STRING,
  uniqueHold: oneOf('untilDone', 'untilStarted', 'window'),
  cron: STRING,
  timezone: STRING,
  scheduledFor: TIME,
  blockedBy: STRING,
  blockedAt: TIME,
  blockedUntil: TIME,
  metadata: EJSON,
  progress: EJSON,
  order: STRING,
  group: STRING,
  flow: ID,
  ref: STRING,
  source: object({ name: STRING, failedAt: TIME, failCount: NUMBER, reason: STRING }),
};

const DETAILS_OPTIONAL = {
  data: EJSON,
  result: EJSON,
  stages: list(object({ name: STRING, at: TIME }, { result: EJSON })),
  gates: list(object({ name: STRING, at: TIME, evidence: EJSON }, { by: STRING })),
  logs: list(STRING),
  history: list(ref('HistoryEntry')),
  trace: object({ traceparent: STRING }, { tracestate: STRING }),
  backoff: object(
    { type: oneOf('fixed', 'exponential'), delay: NUMBER },
    { maxDelay: NUMBER, jitter: NUMBER },
  ),
  timeout: NUMBER,
  startAt: TIME,
  endAt: TIME,
  missed: oneOf('skip', 'once', 'all'),
  windowUntil: TIME,
};

const REASON = {
  reason: STRING,
  message: STRING,
  details: record(EJSON),
};

const FILTER_FIELDS = {
  name: NAMES,
  status: STATUSES,
  uniqueKey: KEY,
  order: ORDER,
  group: GROUP,
  flow: ID,
  deadLettersOf: NAMES,
  metadata: METADATA,
  createdFrom: TIME,
  createdBefore: TIME,
  finishedFrom: TIME,
  finishedBefore: TIME,
  failReason: text(1_000),
  claimedBy: text(256),
};

const BULK_KINDS = ['cancel', 'retry', 'delete', 'redrive', 'cancelFlow', 'redriveFlow'];
const KINDS = [...BULK_KINDS, 'audit', 'repair'];

const FINDING = object(
  {
    rule: STRING,
    jobId: ID,
    name: STRING,
    status: STRING,
    message: STRING,
    isRepaired: BOOLEAN,
  },
  { advice: STRING },
);

/** Every named schema. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Problem: object(
    { type: STRING, title: STRING, status: integer(400, 599), code: STRING, detail: STRING },
    {
      advice: STRING,
      field: STRING,
      position: COUNT,
      jobId: ID,
      holderId: ID,
      jobStatus: STRING,
      rule: STRING,
    },
  ),
  HistoryEntry: object(
    { verb: STRING, at: TIME },
    {
      by: STRING,
      reason: STRING,
      duration: NUMBER,
      scheduledFor: TIME,
      skipped: NUMBER,
      from: STRING,
      to: STRING,
      claimToken: STRING,
      fence: NUMBER,
    },
  ),
  JobSummary: object(SUMMARY_REQUIRED, SUMMARY_OPTIONAL),
  JobDetails: object(
    { ...SUMMARY_REQUIRED, documentVersion: NUMBER },
    { ...SUMMARY_OPTIONAL, ...DETAILS_OPTIONAL },
  ),
  JobAnswer: object({ at: TIME, job: ref('JobDetails') }),
  RawJobAnswer: object({ at: TIME, document: EJSON }),
  JobsAnswer: object(
    {
      at: TIME,
      jobs: list(ref('JobSummary')),
      nextCursor: { type: ['string', 'null'] },
      previousCursor: { type: ['string', 'null'] },
    },
    { names: list(STRING) },
  ),
  EnqueueRequest: object(
    { name: NAME },
    {
      data: EJSON,
      runAt: TIME,
      delay: integer(0, YEAR_MS),
      uniqueKey: KEY,
      uniqueHold: {
        anyOf: [oneOf('untilDone', 'untilStarted'), object({ window: integer(1_000, YEAR_MS) })],
      },
      whenTaken: oneOf('keep', 'replace', 'throttle', 'throw'),
      priority: integer(-100, 100),
      metadata: METADATA,
      maxRetries: integer(1, 1_000_000),
      backoff: BACKOFF,
      timeout: integer(1, 30 * 86_400_000 - 1),
    },
  ),
  CancelRequest: object({}, { reason: REASON_TEXT }),
  RescheduleRequest: object({ runAt: TIME }),
  MetadataRequest: object({ changes: METADATA }),
  OpenGateRequest: object({ gate: text(256), evidence: EJSON }),
  DeletedAnswer: object({ at: TIME, deleted: BOOLEAN }),
  Reason: object(REASON),
  ExplanationAnswer: object({
    at: TIME,
    jobId: ID,
    state: STRING,
    ...REASON,
    others: list(ref('Reason')),
  }),
  HistoryAnswer: object({ at: TIME, entries: list(ref('HistoryEntry')) }),
  BulkFilter: object(
    {},
    {
      ids: list(ID, { minItems: 1, maxItems: MOST_IDS }),
      all: { const: true },
      ...FILTER_FIELDS,
    },
  ),
  PreviewRequest: object({ kind: oneOf(...BULK_KINDS), filter: ref('BulkFilter') }),
  BoundedCount: object({ value: COUNT, isAtLeast: BOOLEAN }),
  PreviewAnswer: object({
    at: TIME,
    count: ref('BoundedCount'),
    byStatus: record(COUNT),
    sample: list(ref('JobSummary')),
  }),
  OperationRequest: object(
    { kind: oneOf(...KINDS) },
    {
      filter: ref('BulkFilter'),
      limit: integer(1, 10_000_000),
      perSecond: { type: 'number', minimum: 0.001, maximum: 1_000_000 },
      reason: REASON_TEXT,
    },
  ),
  Operation: object(
    {
      id: STRING,
      kind: oneOf(...KINDS),
      state: oneOf('running', 'done', 'aborted', 'failed'),
      by: STRING,
      startedAt: TIME,
      matched: COUNT,
      changed: COUNT,
      left: list(object({ reason: STRING, count: COUNT })),
    },
    {
      filter: ref('BulkFilter'),
      endedAt: TIME,
      audit: ref('AuditResult'),
      problem: ref('Problem'),
    },
  ),
  AuditResult: object({
    audited: COUNT,
    repaired: COUNT,
    violations: record(COUNT),
    findings: list(FINDING),
    isComplete: BOOLEAN,
  }),
  OperationAnswer: object({ operation: ref('Operation') }),
  OperationsAnswer: object({ operations: list(ref('Operation')) }),
  ...SCHEMAS_OF_VIEWS,
  ...SCHEMAS_OF_CONTROL,
  ...SCHEMAS_OF_LEDGERS,
};
