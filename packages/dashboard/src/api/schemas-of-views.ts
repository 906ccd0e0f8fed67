/**
 * The named schemas of what the pages beside the jobs show, as `types-of-views.ts` says it to the compiler.
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
  record,
  ref,
  type Schema,
  STRING,
  TIME,
  text,
} from './schema.ts';

const ACTIONS = [
  ...['see', 'enqueue', 'cancel', 'retry', 'reschedule', 'delete', 'openGate', 'setMetadata'],
  ...['schedule', 'unschedule', 'pause', 'audit', 'repair', 'setLimit', 'setGroup'],
];

const ATTENTION_KINDS = [
  ...['noWorker', 'pausedWithDue', 'queueLag', 'silentInstance', 'deadInstance', 'unknownInstance'],
  ...['withoutLease', 'mixedVersions', 'noInstance', 'polling', 'disconnected', 'alert'],
  ...['violations', 'lost', 'clockError', 'pausedGroup', 'deadLetters'],
];

const LABELS = record(STRING);

const NAMED_ACTIONS = object({ name: STRING, actions: ref('Actions') });

const WORKER = object(
  { name: STRING, concurrency: NUMBER, running: NUMBER },
  { groups: { const: true }, deadLetter: STRING },
);

const CLAIMS = object(
  { count: ref('BoundedCount'), byName: list(object({ name: STRING, count: COUNT })) },
  { oldest: object({ jobId: ID, name: STRING, lockedAt: TIME }) },
);

const SERIES_OPTIONAL = {
  uniqueKey: text(1_024),
  timezone: text(64),
  startAt: TIME,
  endAt: TIME,
  missed: oneOf('skip', 'once', 'all'),
  data: EJSON,
  metadata: METADATA,
  priority: integer(-100, 100),
  maxRetries: integer(1, 1_000_000),
  timeout: integer(1, 30 * 86_400_000 - 1),
};

/** The schemas. */
export const SCHEMAS_OF_VIEWS: Readonly<Record<string, Schema>> = {
  Actions: object(Object.fromEntries(ACTIONS.map((action) => [action, BOOLEAN]))),
  CapabilitiesAnswer: object(
    {
      actor: STRING,
      title: STRING,
      readOnly: BOOLEAN,
      allNames: BOOLEAN,
      actions: ref('Actions'),
      names: list(NAMED_ACTIONS),
      version: STRING,
      features: list(STRING),
    },
    { environment: STRING },
  ),
  Attention: object(
    {
      kind: oneOf(...ATTENTION_KINDS),
      severity: oneOf('critical', 'warning', 'info'),
      message: STRING,
    },
    { name: STRING, instanceId: STRING, count: ref('BoundedCount') },
  ),
  OverviewAnswer: object(
    {
      at: TIME,
      attention: list(ref('Attention')),
      totals: object({
        due: ref('BoundedCount'),
        running: ref('BoundedCount'),
        names: COUNT,
        instances: COUNT,
      }),
      names: list(ref('NameRow')),
      instances: list(ref('InstanceRow')),
      namesAreCut: BOOLEAN,
    },
    { problem: STRING },
  ),
  NameRow: object(
    {
      name: STRING,
      isPaused: BOOLEAN,
      instances: COUNT,
      running: COUNT,
      concurrency: COUNT,
      due: ref('BoundedCount'),
      queueLagMs: NUMBER,
    },
    { pausedBy: STRING, pausedAt: TIME, deadLetters: { const: true } },
  ),
  NamesAnswer: object({ at: TIME, names: list(ref('NameRow')), namesAreCut: BOOLEAN }),
  NameRequest: object({ name: text(256) }),
  PausedAnswer: object({ name: STRING, isPaused: BOOLEAN }),
  InstanceRow: object(
    {
      instanceId: STRING,
      isOwn: BOOLEAN,
      state: oneOf('alive', 'silent', 'dead', 'unknown'),
      workers: list(WORKER),
    },
    {
      leaseAgeMs: NUMBER,
      leaseDurationMs: NUMBER,
      host: STRING,
      pid: NUMBER,
      version: STRING,
      startedAt: TIME,
      reportedAt: TIME,
      unnamedWorkers: COUNT,
      runningJobs: COUNT,
      bufferedJobs: COUNT,
      instanceConcurrency: COUNT,
      recoverStaleJobs: BOOLEAN,
      winRate: NUMBER,
      loopDelayMs: NUMBER,
      clockErrorMs: NUMBER,
      queueLagMs: NUMBER,
      alerts: list(STRING),
      violations: COUNT,
      claims: CLAIMS,
    },
  ),
  InstancesAnswer: object({
    at: TIME,
    instances: list(ref('InstanceRow')),
    withoutLease: ref('BoundedCount'),
  }),
  SeriesRow: object(
    {
      id: ID,
      name: STRING,
      uniqueKey: STRING,
      cron: STRING,
      timezone: STRING,
      missed: STRING,
      status: STRING,
      nextRunAt: TIME,
      scheduledFor: TIME,
    },
    { inWords: STRING, startAt: TIME, endAt: TIME, data: EJSON, metadata: EJSON },
  ),
  SeriesListAnswer: object({ at: TIME, series: list(ref('SeriesRow')), isCut: BOOLEAN }),
  SeriesAnswer: object({ at: TIME, series: ref('SeriesRow'), next: list(TIME) }),
  SeriesRequest: object({ name: text(256), cron: text(1_000) }, SERIES_OPTIONAL),
  EndedAnswer: object({ ended: COUNT }),
  Occurrence: object(
    {
      at: TIME,
      state: oneOf(
        ...['planned', 'done', 'failed', 'cancelled', 'skipped', 'running', 'late', 'unknown'],
      ),
    },
    { endedAfterMs: NUMBER },
  ),
  OccurrencesAnswer: object({
    at: TIME,
    from: TIME,
    to: TIME,
    occurrences: list(ref('Occurrence')),
    isCut: BOOLEAN,
    isRecorded: BOOLEAN,
  }),
  CronAnswer: object({ expression: STRING, next: list(TIME) }, { inWords: STRING }),
  ErrorGroup: object({
    pattern: STRING,
    name: STRING,
    count: COUNT,
    firstAt: TIME,
    lastAt: TIME,
    sample: ref('JobSummary'),
    prefix: STRING,
  }),
  ErrorsAnswer: object({
    at: TIME,
    groups: list(ref('ErrorGroup')),
    examined: COUNT,
    isComplete: BOOLEAN,
  }),
  ReasonsAnswer: object({
    at: TIME,
    explained: COUNT,
    isComplete: BOOLEAN,
    reasons: list(object({ reason: STRING, count: COUNT, message: STRING, jobId: ID })),
  }),
  StatsAnswer: object(
    {
      asOf: TIME,
      counts: record(COUNT),
      total: COUNT,
      due: COUNT,
      queueLagMs: NUMBER,
      meanWaitMs: NUMBER,
      meanRunMs: NUMBER,
      longestRunMs: NUMBER,
    },
    { name: STRING },
  ),
  RulesAnswer: object({ at: TIME, rules: list(object({ rule: STRING, violations: COUNT })) }),
  ActivityAnswer: object({
    entries: list(
      object(
        {
          at: TIME,
          actor: STRING,
          action: STRING,
          outcome: oneOf('done', 'refused', 'failed'),
        },
        { jobId: ID, name: STRING, code: STRING },
      ),
    ),
  }),
  MetricsAnswer: object({
    at: TIME,
    counters: record(list(object({ labels: LABELS, value: NUMBER }))),
    gauges: record(NUMBER),
    histograms: record(
      list(
        object(
          { labels: LABELS, count: COUNT, sum: NUMBER },
          { p50: NUMBER, p95: NUMBER, p99: NUMBER, max: NUMBER },
        ),
      ),
    ),
  }),
  ThroughputPoint: object(
    {
      at: TIME,
      ...{ enqueued: COUNT, started: COUNT, ended: COUNT, completed: COUNT, failed: COUNT },
      ...{ retried: COUNT, cancelled: COUNT, others: COUNT },
      ...{ waitMs: NUMBER, longestWaitMs: NUMBER, runMs: NUMBER, longestRunMs: NUMBER },
    },
    { name: STRING },
  ),
  ThroughputAnswer: object({
    ...{ at: TIME, from: TIME, stepMs: COUNT },
    ...{ points: list(ref('ThroughputPoint')), isCut: BOOLEAN, isRecorded: BOOLEAN },
  }),
  HealthAnswer: object(
    {
      at: TIME,
      status: oneOf('ok', 'degraded'),
      running: BOOLEAN,
      connected: BOOLEAN,
      hints: oneOf('flowing', 'polling'),
      queueLagMs: NUMBER,
      runningJobs: COUNT,
      bufferedJobs: COUNT,
      unsettledJobs: COUNT,
      pausedNames: list(STRING),
      alerts: list(STRING),
    },
    {
      lastClaimAt: TIME,
      lastError: object({ code: STRING, message: STRING, at: TIME }),
    },
  ),
};
