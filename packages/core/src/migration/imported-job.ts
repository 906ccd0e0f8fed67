/**
 * Makes a job of another queue one of Monque's, exactly as the ledger itself would have written it.
 *
 * What always holds: what an enqueue or a schedule would refuse is refused here too; and a document always becomes a
 * job of the same id, so that storing it again changes nothing.
 *
 * @module
 */
import { BSON, ObjectId } from 'mongodb';
import { type Check, checkJobName, text } from '../foundation/argument-checks.ts';
import { messageOf, toError } from '../foundation/errors.ts';
import { storableText } from '../foundation/texts.ts';
import { parseCron } from '../job/cron.ts';
import { keyOfInterval, planText } from '../job/interval-plan.ts';
import { DOCUMENT_VERSION, HIGHEST_PRIORITY, type Job, LOWEST_PRIORITY } from '../job/job.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../job/job-lifecycle.ts';
import type { TransitionParams } from '../job/lifecycle.ts';
import { copyPayload } from '../job/payload.ts';
import { lockFieldsFor, seriesLock } from '../job/unique-locks.ts';
import { historyEntries } from '../ledger/settle-answers.ts';
import { LONGEST_UNIQUE_KEY } from '../options/run-options.ts';
import type { ResolvedMigration } from './migration-options.ts';
import type { MigrationNote, StoredKind } from './migration-report.ts';
import { type Left, left, type SourceJob } from './source-job.ts';

const LONGEST_REASON = 1_000;

/** The instance and the claim of runs that were not Monque's. */
const OTHER_QUEUE = 'migrated';

const checkKey: Check = text(LONGEST_UNIQUE_KEY);

/** A job that is ready to be stored. */
export interface ImportedJob {
  readonly kind: StoredKind;
  readonly job: Job;
  readonly notes: readonly MigrationNote[];
}

type Choices = Pick<ResolvedMigration, 'finished' | 'locked' | 'series' | 'maxPayloadSize'>;

/** Makes the job, or says why it is left. */
export function toImportedJob(
  source: SourceJob,
  jobId: ObjectId,
  choices: Choices,
  now: Date,
): ImportedJob | Left {
  const unwanted = unwantedOf(source, choices);
  if (unwanted) return unwanted;
  try {
    const pending = toPending(source, jobId, choices, now);
    return {
      kind: kindOf(source),
      job: toEnd(pending, source),
      notes: [
        ...source.notes,
        ...(source.status === 'interrupted' ? (['interrupted'] as const) : []),
        ...(pending.priority === source.priority ? [] : (['priorityBounded'] as const)),
      ],
    };
  } catch (error) {
    return left('invalid', messageOf(toError(error)));
  }
}

/** The id of the job that a document becomes: its own, if that is an ObjectId. */
export function jobIdOf(documentId: unknown, namespace: string): ObjectId {
  if (documentId instanceof ObjectId) return documentId;
  // Its first four bytes are the time of its making, which is not known, and must not differ from run to run.
  return ObjectId.createFromHexString(`00000000${hash({ namespace, documentId })}`);
}

/** The 64 bits of FNV-1a over the BSON of a value, in hexadecimal. */
function hash(value: object): string {
  let bits = 0xcbf29ce484222325n;
  for (const byte of BSON.serialize(value)) {
    bits = BigInt.asUintN(64, (bits ^ BigInt(byte)) * 0x100000001b3n);
  }
  return bits.toString(16).padStart(16, '0');
}

function unwantedOf({ status, dueAt, series }: SourceJob, choices: Choices): Left | undefined {
  if (status === 'interrupted' && choices.locked === 'leave') {
    return left('locked', 'A worker took the job and did not record how it ended');
  }
  const isFinished = status === 'completed' || status === 'failed' || status === 'cancelled';
  const isWanted = choices.finished === 'all' || choices.finished === status;
  if (isFinished && !isWanted) return left('finished', `The job is ${status}`);
  if (series?.endAt !== undefined && dueAt > series.endAt) {
    return left('finished', `The series ended at ${series.endAt.toISOString()}`);
  }
  return undefined;
}

function kindOf({ status, series }: SourceJob): StoredKind {
  if (status !== 'pending' && status !== 'interrupted') return status;
  return series === undefined ? 'pending' : 'series';
}

function toPending(source: SourceJob, jobId: ObjectId, choices: Choices, now: Date): Job {
  const { name, dueAt, createdAt } = source;
  checkJobName('name', name);
  const data = copyPayload('data', source.data, choices.maxPayloadSize);
  return {
    _id: jobId,
    name,
    data,
    priority: boundedPriority(source.priority),
    nextRunAt: dueAt,
    ...(source.series ? seriesFields(source, choices) : lockFields(source)),
    status: JOB_LIFECYCLE.initial,
    failCount: 0,
    fence: 0,
    createdAt,
    updatedAt: now,
    documentVersion: DOCUMENT_VERSION,
  };
}

/** Zero is never negative, which MongoDB would keep. */
function boundedPriority(priority: number): number {
  return Math.min(Math.max(Math.round(priority), HIGHEST_PRIORITY), LOWEST_PRIORITY) + 0;
}

/** The same as `schedule()` writes, so that it takes the series for its own when it is called with this plan. */
function seriesFields(
  { name, dueAt, uniqueKey, series }: SourceJob,
  choices: Choices,
): Partial<Job> {
  const { plan, timezone, startAt, endAt } = series as NonNullable<typeof series>;
  const { text, ownKey } = planOf(plan, timezone, startAt ?? dueAt);
  const choice = Object.hasOwn(choices.series, name) ? choices.series[name] : undefined;
  const key = choice?.uniqueKey ?? uniqueKey ?? ownKey;
  checkKey('uniqueKey', key);
  return {
    uniqueKey: key,
    uniqueLock: seriesLock(key),
    repeatInterval: text,
    ...(timezone !== undefined && { timezone }),
    ...(startAt && { startAt }),
    ...(endAt && { endAt }),
    seriesVersion: 1,
    scheduledFor: dueAt,
  };
}

/** @param anchor - what an interval is counted from, as `schedule` would, or from the run that is due next */
function planOf(
  plan: string | number,
  timezone: string | undefined,
  anchor: Date,
): { readonly text: string; readonly ownKey: string } {
  if (typeof plan === 'number') {
    return { text: planText(plan, anchor), ownKey: keyOfInterval(plan) };
  }
  const { expression } = parseCron('repeatInterval', plan, timezone);
  return { text: expression, ownKey: expression };
}

function lockFields({ uniqueKey, dueAt }: SourceJob): Partial<Job> {
  if (uniqueKey === undefined) return {};
  checkKey('uniqueKey', uniqueKey);
  return lockFieldsFor(uniqueKey, 'untilDone', { now: dueAt, windowMs: 1 });
}

/** Takes a finished job through the states that it went through, by the same table that the ledger goes by. */
function toEnd(pending: Job, source: SourceJob): Job {
  const finishedAt = source.finishedAt ?? source.startedAt ?? source.createdAt;
  if (source.status === 'cancelled') {
    const entries = historyEntries('cancel', finishedAt, {});
    return move(pending, 'cancel', { now: finishedAt, historyEntries: entries });
  }
  if (source.status !== 'completed' && source.status !== 'failed') return pending;
  const claimed = move(pending, 'claim', {
    now: source.startedAt ?? finishedAt,
    claimToken: OTHER_QUEUE,
    instanceId: OTHER_QUEUE,
  });
  const end = { now: finishedAt, claimToken: OTHER_QUEUE };
  if (source.status === 'completed') return move(claimed, 'complete', end);
  const given = source.failReason ?? 'The other queue gave no reason';
  const failReason = storableText(given, LONGEST_REASON);
  const entries = historyEntries('fail', finishedAt, { reason: failReason });
  return move(claimed, 'fail', { ...end, failReason, historyEntries: entries });
}

function move(job: Job, verb: JobVerb, params: TransitionParams): Job {
  return JOB_LIFECYCLE.apply(verb, job as Job & Record<string, unknown>, params);
}
