/**
 * Answers what concerns bulk actions and audits.
 *
 * @module
 */
import type {
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

async function previewOperation(call: Call): Promise<PreviewAnswer> {
  const { kind, filter } = call.body as PreviewRequest;
  checkBulk(kind, filter);
  const narrowed = previewFilter({ filter, names: await call.names() }, kind);
  const limit = MOST_COUNTED + 1;
  const timeout = call.server.timeoutMs;
  const page = await (narrowed && call.monque.getJobsWithCursor({ ...narrowed, limit, timeout }));
  const found = page?.jobs ?? [];
  // Among jobs of one name some may be no dead letters.
  const jobs = found
    .slice(0, MOST_COUNTED)
    .filter(({ source }) => kind !== 'redrive' || source !== undefined);
  const isAtLeast = found.length > MOST_COUNTED;
  const byStatus: Partial<Record<Status, number>> = {};
  for (const { status } of jobs) byStatus[status] = (byStatus[status] ?? 0) + 1;
  return {
    at: call.at,
    count: { value: jobs.length, isAtLeast },
    byStatus,
    sample: jobs.slice(0, SAMPLE).map((job) => summaryOf(job, call.eyes)),
  };
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
