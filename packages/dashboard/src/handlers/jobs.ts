/**
 * Answers what concerns jobs: lists, one job, and the verbs on it.
 *
 * @module
 */
import type { EnqueueOptions, Job } from '@monque/core';
import type { MetadataChanges, OpenParent } from '@monque/core/types';
import type {
  CancelRequest,
  Ejson,
  EnqueueRequest,
  ExplanationAnswer,
  HistoryAnswer,
  JobAnswer,
  JobsAnswer,
  JobsQuery,
  MetadataRequest,
  OpenGateRequest,
  RawJobAnswer,
  ReasonAnswer,
  RescheduleRequest,
} from '../api/types.ts';
import { type Call, found, type Handlers } from '../server/call.ts';
import { fromEjson } from '../server/ejson.ts';
import { listOptions, metadataFrom } from '../server/filters.ts';
import { jobIdOf, keyOf } from '../server/idempotency.ts';
import { detailsOf, historyOf, rawOf, summaryOf } from '../server/job-views.ts';
import { masked } from '../server/masking.ts';
import { notFound } from '../server/problems.ts';

function answer(call: Call, job: Job | null): JobAnswer {
  return { at: call.at, job: detailsOf(found(job), call.eyes) };
}

async function listJobs(call: Call): Promise<JobsAnswer> {
  const query = call.query as JobsQuery;
  const names = query.name === undefined ? await call.names() : undefined;
  const options = listOptions(query, names, call.server.timeoutMs);
  const isEmpty = names?.length === 0;
  const page = isEmpty ? EMPTY : await call.monque.getJobsWithCursor(options);
  return {
    at: call.at,
    jobs: page.jobs.map((job) => summaryOf(job, call.eyes)),
    nextCursor: page.nextCursor,
    previousCursor: page.previousCursor,
    ...(names !== undefined && { names }),
  };
}

const EMPTY = { jobs: [], nextCursor: null, previousCursor: null };

async function enqueueJob(call: Call): Promise<JobAnswer> {
  const { name, data, runAt, metadata, ...rest } = call.body as EnqueueRequest;
  const key = keyOf(call.request);
  const options: EnqueueOptions = {
    ...rest,
    ...(key !== undefined && { id: jobIdOf(key, name, call.actorId) }),
    ...(runAt !== undefined && { runAt: new Date(runAt) }),
    ...(metadata !== undefined && {
      metadata: metadataFrom<NonNullable<EnqueueOptions['metadata']>>('metadata', metadata),
    }),
  };
  const value = data === undefined ? undefined : fromEjson('data', data);
  return answer(call, await call.monque.enqueue<unknown>(name, value, options));
}

async function explainJob(call: Call): Promise<ExplanationAnswer> {
  // A job that the actor may not see is refused before anything is said of it.
  const job = await call.monque.getJob(call.id);
  const { jobId, state, others, ...reason } = await call.monque.explain(call.id);
  return {
    at: call.at,
    jobId: String(jobId),
    state,
    ...reasonOf(call, job, reason),
    others: others.map((other) => reasonOf(call, job, other)),
  };
}

interface FoundReason {
  readonly reason: string;
  readonly message: string;
  readonly details: object;
}

/** Texts of the user's among what belongs to a reason, by the fields that they are seen as. */
const STORED: Readonly<Record<string, 'failReason' | 'group' | 'order'>> = {
  ...{ failReason: 'failReason', why: 'failReason', group: 'group', order: 'order' },
};

interface Detail {
  readonly key: string;
  readonly value: Ejson;
  /** The texts of the user's in it as they are stored, with what is seen of each. */
  readonly texts: readonly (readonly [stored: string, seen: string])[];
}

function detailOf(call: Call, job: Job | null, key: string, value: unknown): Detail {
  const { redaction, actor } = call.eyes;
  const field = STORED[key];
  if (job !== null && field !== undefined) {
    const seen = redaction.text(value, field, job, actor);
    return { key, value: seen, texts: [[String(value), seen]] };
  }
  if (key === 'open' && Array.isArray(value)) {
    const texts: [string, string][] = [];
    const parents = (value as readonly OpenParent[]).map((parent) => {
      const seen = redaction.text(parent.ref, 'ref', { _id: parent.id, name: '' }, actor);
      texts.push([parent.ref, seen]);
      return { id: String(parent.id), ref: seen, status: parent.status };
    });
    return { key, value: parents, texts };
  }
  const plain = value instanceof Error ? value.message : value;
  return { key, value: redaction.plain(plain), texts: [] };
}

/** What users stored stands in sentences too: where it is taken out, the sentence is without it. */
function reasonOf(
  call: Call,
  job: Job | null,
  { reason, message, details }: FoundReason,
): ReasonAnswer {
  const fields = Object.entries(details).map(([key, value]) => detailOf(call, job, key, value));
  const changed = fields.flatMap(({ texts }) => texts).filter(([stored, seen]) => stored !== seen);
  const changedMessage = changed.reduce(
    (left, [stored, seen]) => left.replaceAll(stored, () => seen),
    message,
  );
  return {
    reason,
    message: masked(changedMessage),
    details: Object.fromEntries(fields.map(({ key, value }) => [key, value])),
  };
}

async function getJobHistory(call: Call): Promise<HistoryAnswer> {
  const limit = call.query.limit as number | undefined;
  const entries = await call.monque.getHistory(call.id, limit === undefined ? {} : { limit });
  const job = await call.monque.getJob(call.id);
  const about = job ?? { _id: call.id as never, name: '' };
  return { at: call.at, entries: historyOf(entries, about, call.eyes) };
}

/** The handlers. */
export const JOB_HANDLERS: Handlers<
  | 'listJobs'
  | 'enqueueJob'
  | 'getJob'
  | 'getRawJob'
  | 'deleteJob'
  | 'explainJob'
  | 'getJobHistory'
  | 'cancelJob'
  | 'retryJob'
  | 'rescheduleJob'
  | 'openGate'
  | 'setMetadata'
> = {
  listJobs,
  enqueueJob,
  explainJob,
  getJobHistory,
  getJob: async (call) => answer(call, await call.job()),
  getRawJob: async (call): Promise<RawJobAnswer> => ({
    at: call.at,
    document: rawOf(await call.job(), call.eyes),
  }),
  deleteJob: async (call) => {
    if (await call.monque.deleteJob(call.id)) return { at: call.at, deleted: true };
    throw notFound('There is no job with this id, or not any more');
  },
  cancelJob: async (call) => {
    const { reason } = call.body as CancelRequest;
    const options = reason === undefined ? {} : { reason };
    return answer(call, await call.monque.cancelJob(call.id, options));
  },
  retryJob: async (call) => answer(call, await call.monque.retryJob(call.id)),
  rescheduleJob: async (call) => {
    const { runAt } = call.body as RescheduleRequest;
    return answer(call, await call.monque.rescheduleJob(call.id, new Date(runAt)));
  },
  openGate: async (call) => {
    const { gate, evidence } = call.body as OpenGateRequest;
    const given = { evidence: fromEjson('evidence', evidence) };
    return answer(call, await call.monque.openGate(call.id, gate, given));
  },
  setMetadata: async (call) => {
    const { changes } = call.body as MetadataRequest;
    const given = metadataFrom<MetadataChanges>('changes', changes);
    return answer(call, await call.monque.setMetadata(call.id, given));
  },
};
