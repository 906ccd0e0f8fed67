/**
 * Why a job of a flow waits for its parents.
 *
 * @module
 */
import { parentTokens, statesThatHold } from '../job/flow-tokens.ts';
import type { Job, JobStatus } from '../job/job.ts';
import { JOB_LIFECYCLE } from '../job/job-lifecycle.ts';
import type { LedgerVerbs } from '../ledger/ledger-repository.ts';
import { because, type OpenParent, type Reason } from './explanation.ts';

const MOST_LISTED = 10;

/** How many parents are looked at to find some that are open: a failed one holds up some of its children only. */
const MOST_LOOKED_AT = 100;

const UNCOMPLETED: readonly JobStatus[] = JOB_LIFECYCLE.states.filter(
  (state) => state !== 'completed',
);

/** True for a job that waits for parents, and not at a gate. */
export function waitsForParents({ status, blockedBy, waitsFor }: Job): boolean {
  return status === 'blocked' && blockedBy === undefined && waitsFor !== undefined;
}

/** Parents that hold up a job, one more than are listed where there are more. */
export async function readOpenParents(
  ledger: Pick<LedgerVerbs, 'findJobs'>,
  job: Job,
): Promise<readonly OpenParent[]> {
  const feeds = parentTokens(job);
  if (feeds.length === 0) return [];
  const found = await ledger.findJobs({
    filter: { feeds, statuses: UNCOMPLETED },
    ...{ orderBy: '_id', direction: 'ascending', limit: MOST_LOOKED_AT },
  });
  return found
    .filter((parent) => holds(parent, feeds))
    .slice(0, MOST_LISTED + 1)
    .map(({ _id: id, ref = '', status }) => ({ id, ref, status }));
}

function holds({ feeds = [], status }: Job, tokens: readonly string[]): boolean {
  return feeds.some((token) => tokens.includes(token) && statesThatHold(token).includes(status));
}

/** @param parents - left out when they were not read */
export function parentsReason({ flow }: Job, parents: readonly OpenParent[] | undefined): Reason {
  const hasMore = parents !== undefined && parents.length > MOST_LISTED;
  const open = (parents ?? []).slice(0, MOST_LISTED);
  const details = { ...(flow && { flow }), open, hasMore };
  return because('parentsOpen', details, messageOf(parents, open, hasMore));
}

function messageOf(
  parents: readonly OpenParent[] | undefined,
  open: readonly OpenParent[],
  hasMore: boolean,
): string {
  if (parents === undefined) return 'It waits for its parents; explain the job alone to see which';
  const [first, ...others] = open;
  if (first === undefined) {
    return 'It waits until its flow is stored, or starts in a moment: no parent holds it up';
  }
  const listed = open.map(({ ref, status }) => `'${ref}', which is ${status}`).join('; ');
  if (others.length === 0) return `It waits for its parent ${listed}`;
  return `It waits for its parents ${listed}${hasMore ? '; and more' : ''}`;
}
