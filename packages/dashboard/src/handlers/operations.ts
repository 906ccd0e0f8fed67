/**
 * Answers what concerns bulk actions and audits.
 *
 * @module
 */
import type { Job, JobsFilter } from '@monque/core';
import type {
  BulkKind,
  Operation,
  OperationRequest,
  PreviewAnswer,
  PreviewRequest,
  Status,
} from '../api/types.ts';
import { checkBulk, previewFilter } from '../server/bulk.ts';
import type { Call, Handlers } from '../server/call.ts';
import { summaryOf } from '../server/job-views.ts';
import { badRequest, forbidden, notFound } from '../server/problems.ts';

const MOST_COUNTED = 1_000;
const SAMPLE = 10;

/** Those of the own, but for who sees all jobs. */
async function ownOnly(call: Call): Promise<string | undefined> {
  return (await call.monque.can('findJobs')) ? undefined : call.actorId;
}

async function oneOf(call: Call): Promise<Operation> {
  const operation = call.server.operations.get(call.id, await ownOnly(call));
  if (operation !== undefined) return operation;
  throw notFound('There is no operation with this id on this server, or not any more');
}

interface Counted {
  readonly byStatus: Partial<Record<Status, number>>;
  readonly isCut: boolean;
  /** The first of them, or all that were read. */
  readonly jobs: readonly Job[];
}

/** Counts each state by itself where some were named: no job but those of the sample is read. */
async function countStates(
  { monque, server: { timeoutMs: timeout } }: Call,
  filter: JobsFilter,
  states: readonly Status[],
): Promise<Counted> {
  const bounds = { limit: MOST_COUNTED, timeout };
  const counting = states.map(async (status) => {
    return { status, ...(await monque.countJobs({ ...filter, status }, bounds)) };
  });
  const [counts, { jobs }] = await Promise.all([
    Promise.all(counting),
    monque.getJobsWithCursor({ ...filter, limit: SAMPLE, timeout }),
  ]);
  const some = counts.filter(({ count }) => count > 0);
  const byStatus = Object.fromEntries(some.map(({ status, count }) => [status, count]));
  return { byStatus, isCut: counts.some(({ isCut }) => isCut), jobs };
}

/** Reads the jobs to see in which states they are, and which of them are dead letters. */
async function readStates(call: Call, filter: JobsFilter, kind: BulkKind): Promise<Counted> {
  const { timeoutMs: timeout } = call.server;
  const page = await call.monque.getJobsWithCursor({ ...filter, limit: MOST_COUNTED, timeout });
  // Among jobs of one name some may be no dead letters.
  const jobs = page.jobs.filter(({ source }) => kind !== 'redrive' || source !== undefined);
  const byStatus: Partial<Record<Status, number>> = {};
  for (const { status } of jobs) byStatus[status] = (byStatus[status] ?? 0) + 1;
  return { byStatus, isCut: page.nextCursor !== null, jobs };
}

const NONE: Counted = { byStatus: {}, isCut: false, jobs: [] };

async function previewOperation(call: Call): Promise<PreviewAnswer> {
  const { kind, filter } = call.body as PreviewRequest;
  checkBulk(kind, filter);
  const narrowed = previewFilter({ filter, names: await call.names() }, kind);
  const { byStatus, isCut, jobs } = narrowed ? await counted(call, narrowed, kind) : NONE;
  const sum = Object.values(byStatus).reduce((total, count) => total + count, 0);
  return {
    at: call.at,
    count: { value: Math.min(sum, MOST_COUNTED), isAtLeast: isCut || sum > MOST_COUNTED },
    byStatus,
    sample: jobs.slice(0, SAMPLE).map((job) => summaryOf(job, call.eyes)),
  };
}

function counted(call: Call, filter: JobsFilter, kind: BulkKind): Promise<Counted> {
  const { status, deadLettersOf } = filter;
  const isCountable = kind !== 'redrive' || deadLettersOf !== undefined;
  return status !== undefined && isCountable
    ? countStates(call, filter, [...new Set([status].flat())])
    : readStates(call, filter, kind);
}

function checkAudit(request: OperationRequest): void {
  for (const field of ['filter', 'limit', 'perSecond', 'reason'] as const) {
    if (request[field] === undefined) continue;
    throw badRequest(field, `\`${field}\` is left out: an audit looks at all jobs`);
  }
}

async function startOperation(call: Call): Promise<{ readonly operation: Operation }> {
  const request = call.body as OperationRequest;
  const { server, actorId: by, monque } = call;
  const { kind, filter = {}, perSecond } = request;
  const isAudit = kind === 'audit' || kind === 'repair';
  if (isAudit) checkAudit(request);
  else checkBulk(kind, filter, perSecond);
  if (isAudit && !(await monque.can('findJobs'))) {
    throw forbidden('ACCESS_DENIED', 'An audit looks at jobs of all names, which you may not see');
  }
  const names = isAudit ? undefined : await call.names();
  const now = (): Date => server.snapshots.now();
  const report = (error: unknown): void => server.report(error);
  const operation = server.operations.begin({ request, by, monque, names, now, report });
  return { operation };
}

/** The handlers. */
export const OPERATION_HANDLERS: Handlers<
  'previewOperation' | 'startOperation' | 'listOperations' | 'getOperation' | 'abortOperation'
> = {
  previewOperation,
  startOperation,
  listOperations: async (call) => {
    return { operations: call.server.operations.list(await ownOnly(call)) };
  },
  getOperation: async (call) => ({ operation: await oneOf(call) }),
  abortOperation: async (call) => {
    await oneOf(call);
    call.server.operations.abort(call.id);
    return { operation: await oneOf(call) };
  },
};
