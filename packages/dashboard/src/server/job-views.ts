/**
 * Jobs as the API shows them. Every value that users stored goes through the redaction here.
 *
 * @module
 */
import type { HistoryEntry, Job } from '@monque/core';
import type { DeadLetterSource, TransitionEntry } from '@monque/core/types';
import type {
  Ejson,
  HistoryEntryOfJob,
  JobDetails,
  JobSummary,
  SourceOfJob,
  StageOfJob,
  Time,
} from '../api/types.ts';
import { timeOf } from '../clock.ts';
import { planShown } from './cron-words.ts';
import { toEjson } from './ejson.ts';
import type { Eyes } from './redaction.ts';

/** The most characters of a failure that lists show. */
const LONGEST_REASON = 1_000;

/** Anybody may have written anything: fields of another type than they have are left out. */
type Pick1<T> = { readonly [K in keyof T]?: T[K] };

function times<K extends string>(
  from: object,
  fields: Readonly<Record<K, string>>,
): Pick1<Record<K, Time>> {
  const found = Object.entries<string>(fields).flatMap(([shown, stored]) => {
    const value: unknown = Reflect.get(from, stored);
    return value instanceof Date ? [[shown, timeOf(value)]] : [];
  });
  return Object.fromEntries(found) as Pick1<Record<K, Time>>;
}

function ofType<T>(type: 'number' | 'string', from: object, fields: readonly string[]): T {
  const found = fields.flatMap((field) => {
    const value: unknown = Reflect.get(from, field);
    const isFit = typeof value === type && (type === 'string' || Number.isFinite(value));
    return isFit ? [[field, value]] : [];
  });
  return Object.fromEntries(found) as T;
}

const NUMBERS = ['rescueCount', 'maxRetries'] as const;
const TEXTS = ['claimedBy', 'uniqueHold', 'timezone', 'blockedBy'] as const;

/** What lists show of a job. */
export function summaryOf(job: Job, { redaction, actor }: Eyes): JobSummary {
  const { failReason, uniqueKey, metadata, progress, repeatInterval, flow, source } = job;
  return {
    id: String(job._id),
    name: String(job.name),
    status: job.status,
    priority: numberOr0(job.priority),
    nextRunAt: timeOf(job.nextRunAt),
    createdAt: timeOf(job.createdAt),
    updatedAt: timeOf(job.updatedAt),
    failCount: numberOr0(job.failCount),
    fence: numberOr0(job.fence),
    ...(failReason !== undefined && {
      failReason: redaction.text(failReason, 'failReason', job, actor).slice(0, LONGEST_REASON),
    }),
    ...(uniqueKey !== undefined && {
      uniqueKey: redaction.text(uniqueKey, 'uniqueKey', job, actor),
    }),
    ...textsOf(job, { redaction, actor }),
    ...(flow !== undefined && { flow: String(flow) }),
    ...(source !== undefined && { source: sourceOf(source, job, { redaction, actor }) }),
    ...(metadata !== undefined && { metadata: redaction.value(metadata, 'metadata', job, actor) }),
    ...(progress !== undefined && { progress: redaction.value(progress, 'progress', job, actor) }),
    ...(typeof repeatInterval === 'string' && { cron: planShown(repeatInterval) }),
    ...ofType<Pick<JobSummary, (typeof NUMBERS)[number]>>('number', job, NUMBERS),
    ...ofType<Pick<JobSummary, (typeof TEXTS)[number]>>('string', job, TEXTS),
    ...times(job, {
      lockedAt: 'lockedAt',
      startedAt: 'startedAt',
      finishedAt: 'finishedAt',
      cancelRequestedAt: 'cancelRequestedAt',
      scheduledFor: 'scheduledFor',
      blockedAt: 'blockedAt',
      blockedUntil: 'blockedUntil',
    }),
  };
}

const PLACES = ['order', 'group', 'ref'] as const;

/** Where it stands among others, as texts of the user's. */
function textsOf(job: Job, { redaction, actor }: Eyes): Pick<JobSummary, (typeof PLACES)[number]> {
  const found = PLACES.flatMap((field) => {
    return job[field] === undefined ? [] : [[field, redaction.text(job[field], field, job, actor)]];
  });
  return Object.fromEntries(found);
}

function sourceOf(source: DeadLetterSource, job: Job, { redaction, actor }: Eyes): SourceOfJob {
  return {
    name: String(source.name),
    failedAt: timeOf(source.failedAt),
    failCount: numberOr0(source.failCount),
    reason: redaction.text(source.reason, 'failReason', job, actor).slice(0, LONGEST_REASON),
  };
}

function numberOr0(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

/** All of a job. */
export function detailsOf(job: Job, eyes: Eyes): JobDetails {
  const { redaction, actor } = eyes;
  const { data, result, stages, gates, logs, history, trace, failReason, backoff } = job;
  return {
    ...summaryOf(job, eyes),
    ...(failReason !== undefined && {
      failReason: redaction.text(failReason, 'failReason', job, actor),
    }),
    ...(data !== undefined && { data: redaction.value(data, 'data', job, actor) }),
    ...(result !== undefined && { result: redaction.value(result, 'result', job, actor) }),
    ...(Array.isArray(stages) && { stages: stages.map((stage) => stageOf(stage, job, eyes)) }),
    ...(Array.isArray(gates) && {
      gates: gates.map(({ name, at, evidence, by }) => ({
        ...{ name: String(name), at: timeOf(at) },
        evidence: redaction.value(evidence ?? null, 'gates', job, actor),
        ...(by !== undefined && { by: String(by) }),
      })),
    }),
    ...(Array.isArray(logs) && {
      logs: logs.map((line) => redaction.text(String(line), 'logs', job, actor)),
    }),
    ...(Array.isArray(history) && { history: historyOf(history, job, eyes) }),
    ...(trace && {
      trace: {
        traceparent: String(trace.traceparent),
        ...(trace.tracestate !== undefined && { tracestate: String(trace.tracestate) }),
      },
    }),
    ...(backoff && { backoff: { ...backoff } }),
    ...ofType<Pick<JobDetails, 'timeout'>>('number', job, ['timeout']),
    ...ofType<Pick<JobDetails, 'missed'>>('string', job, ['missed']),
    ...times(job, { startAt: 'startAt', endAt: 'endAt', windowUntil: 'windowUntil' }),
    documentVersion: numberOr0(job.documentVersion),
  };
}

function stageOf(
  { name, at, result }: { readonly name: string; readonly at: Date; readonly result?: unknown },
  job: Job,
  { redaction, actor }: Eyes,
): StageOfJob {
  return {
    ...{ name: String(name), at: timeOf(at) },
    ...(result !== undefined && { result: redaction.value(result, 'stages', job, actor) }),
  };
}

/** Entries of a history. */
export function historyOf(
  entries: readonly (HistoryEntry | TransitionEntry)[],
  job: Pick<Job, '_id' | 'name'>,
  { redaction, actor }: Eyes,
): HistoryEntryOfJob[] {
  return entries.map((entry) => ({
    ...{ verb: String(entry.verb), at: timeOf(entry.at) },
    ...ofType<object>('string', entry, ['by', 'from', 'to', 'claimToken']),
    ...ofType<object>('number', entry, ['duration', 'skipped', 'fence']),
    ...(entry.reason !== undefined && {
      reason: redaction.text(entry.reason, 'reason', job, actor),
    }),
    ...times(entry, { scheduledFor: 'scheduledFor' }),
  }));
}

/** The fields of a job that hold one value of the user's each. */
const VALUES = ['data', 'result', 'metadata', 'progress'] as const;
const STORED_TEXTS = ['failReason', 'uniqueKey', ...PLACES] as const;
/** Fields of the library that are made of a text of the user's. */
const DERIVED = [
  ...(['uniqueLock', 'startLock', 'windowLock'] as const).map(
    (field) => [field, 'uniqueKey'] as const,
  ),
  ...(['order', 'group'] as const).map((from) => ['lane', from] as const),
];

/** The document of a job, without what is taken out. */
export function rawOf(job: Job, { redaction, actor }: Eyes): Ejson {
  const out: Record<string, Ejson> = {};
  const text = (value: unknown, field: 'reason' | 'logs' | (typeof STORED_TEXTS)[number]): string =>
    redaction.text(value, field, job, actor);
  const inner = (entry: object, key: string, seen: () => Ejson): Ejson => {
    const rest = plainEjson({ ...entry, [key]: undefined }) as Readonly<Record<string, Ejson>>;
    return Reflect.get(entry, key) === undefined ? rest : { ...rest, [key]: seen() };
  };
  for (const [field, value] of Object.entries(job)) out[field] = plainEjson(value);
  for (const field of VALUES) {
    if (job[field] !== undefined) out[field] = redaction.value(job[field], field, job, actor);
  }
  for (const field of STORED_TEXTS) {
    if (job[field] !== undefined) out[field] = text(job[field], field);
  }
  for (const [field, from] of DERIVED) {
    const [derived, stored, seen] = [job[field], job[from], out[from]];
    if (typeof derived !== 'string' || typeof stored !== 'string' || seen === stored) continue;
    out[field] = derived.replaceAll(stored, () => String(seen));
  }
  const { stages, gates, logs, history, source } = job;
  if (source !== undefined) {
    out.source = inner(source, 'reason', () => text(source.reason, 'failReason'));
  }
  if (Array.isArray(logs)) out.logs = logs.map((line) => text(line, 'logs'));
  if (Array.isArray(history)) {
    out.history = history.map((entry) =>
      inner(entry, 'reason', () => text(entry.reason, 'reason')),
    );
  }
  if (Array.isArray(stages)) {
    out.stages = stages.map((entry) =>
      inner(entry, 'result', () => redaction.value(entry.result, 'stages', job, actor)),
    );
  }
  if (Array.isArray(gates)) {
    out.gates = gates.map((entry) =>
      inner(entry, 'evidence', () => redaction.value(entry.evidence, 'gates', job, actor)),
    );
  }
  return out;
}

/** What the library itself wrote. */
function plainEjson(value: unknown): Ejson {
  return toEjson(value, () => undefined);
}
