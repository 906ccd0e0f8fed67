/**
 * What a handler reads of the parents of its job.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import { toObjectId } from '../../foundation/argument-checks.ts';
import { UnsupportedError } from '../../foundation/errors.ts';
import { parentTokens } from '../../job/flow-tokens.ts';
import type { ClaimedJob, Job } from '../../job/job.ts';
import { checkPage, DEFAULT_FLOW_PAGE, type ParentsOptions } from '../../options/flow-options.ts';
import type { ParentsPage } from '../../workers/handler.ts';

/** How many results are read at once. */
const MOST_RESULTS = 1_000;

/** A page of the parents of a job, in the order of their ids. */
export async function parentsOfRun(
  { ledger }: Pick<EngineContext, 'ledger'>,
  job: ClaimedJob,
  options: ParentsOptions = {},
): Promise<ParentsPage> {
  checkPage(options);
  const { limit = DEFAULT_FLOW_PAGE, after } = options;
  const feeds = parentTokens(job);
  if (feeds.length === 0) return { parents: [], next: null };
  const found = await ledger.findJobs({
    filter: { feeds },
    ...{ orderBy: '_id', direction: 'ascending', limit: limit + 1 },
    ...(after !== undefined && { after: { jobId: toObjectId('options.after', after) } }),
  });
  const page = found.slice(0, limit);
  return {
    parents: page.map(toParent),
    next: found.length > limit ? ((page.at(-1) as Job)._id as Job['_id']) : null,
  };
}

/**
 * What the parents returned, by what they are called.
 *
 * @throws UnsupportedError when there are more than 1,000
 */
export async function resultsOfRun(
  context: Pick<EngineContext, 'ledger'>,
  job: ClaimedJob,
): Promise<Readonly<Record<string, unknown>>> {
  const { parents, next } = await parentsOfRun(context, job, { limit: MOST_RESULTS });
  if (next !== null) {
    throw new UnsupportedError(
      `Job ${job._id.toHexString()} has more than ${MOST_RESULTS} parents; read them by page, with context.parents()`,
    );
  }
  const completed = parents.filter(({ status }) => status === 'completed');
  return Object.fromEntries(completed.map(({ ref, result }) => [ref, result]));
}

function toParent({ _id: id, ref = '', name, status, result, failReason }: Job) {
  return {
    ...{ id, ref, name, status },
    ...(result !== undefined && { result }),
    ...(failReason !== undefined && { failReason }),
  };
}
