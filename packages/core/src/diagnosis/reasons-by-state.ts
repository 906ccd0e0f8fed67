/**
 * Finds the reasons why a job runs or does not, from what was read of the job, the leases and the pauses. Nothing is
 * read here, so that one look at the ledger gives one consistent answer.
 *
 * @module
 */
import { DOCUMENT_VERSION, type Job, type JobStatus } from '../job/job.ts';
import { unfitReason } from '../job/unfit-reason.ts';
import { claimReasons } from './claim-reasons.ts';
import { because, type FinishedDetails, type Reason } from './explanation.ts';
import { type Facts, timesFailed } from './facts.ts';
import { parentsReason, waitsForParents } from './flow-reasons.ts';
import { waitingReasons } from './waiting-reasons.ts';

/** The reasons of each state. */
const REASONS: Readonly<Record<JobStatus, (facts: Facts) => readonly Reason[]>> = {
  pending: (facts) => [...newerReasons(facts), ...waitingReasons(facts)],
  processing: (facts) => [...claimReasons(facts), ...newerReasons(facts)],
  blocked: ({ job, openParents }) => [
    waitsForParents(job) ? parentsReason(job, openParents) : gateReason(job),
  ],
  completed: (facts) => finishedReasons('completed', facts),
  failed: (facts) => finishedReasons('failed', facts),
  cancelled: (facts) => finishedReasons('cancelled', facts),
};

/** The reasons, the decisive first; never none. */
export function reasonsOf(facts: Facts): readonly Reason[] {
  const { job } = facts;
  // A newer version may mean something else by the fields; these are looked at all the same.
  const problem = problemOf({ ...job, documentVersion: DOCUMENT_VERSION });
  return problem === undefined ? REASONS[job.status](facts) : [unfit(job, problem)];
}

/** Anybody may have written anything into the database. */
function problemOf(job: Job): string | undefined {
  if (Object.hasOwn(REASONS, job.status)) return unfitReason(job);
  return `Expected one of the states ${Object.keys(REASONS).join(', ')}, got '${job.status}'`;
}

function newerReasons({ job }: Facts): readonly Reason[] {
  const problem = unfitReason(job);
  return problem === undefined ? [] : [unfit(job, problem)];
}

function unfit({ documentVersion }: Job, problem: string): Reason {
  return because('unfit', { problem, documentVersion }, `It cannot be run as it is. ${problem}`);
}

/** Of a blocked job no field is checked that only its run would need. */
function gateReason({ blockedBy: gate = '', blockedAt, blockedUntil }: Job): Reason {
  const since = blockedAt instanceof Date && blockedAt;
  const until = blockedUntil instanceof Date && blockedUntil;
  const details = { gate, ...(since && { since }), ...(until && { until }) };
  const end = until ? `; it fails at ${until.toISOString()} if nobody does` : '';
  return because(
    'gateClosed',
    details,
    `It waits at the gate '${gate}' until that is opened${end}`,
  );
}

const FINISHED = {
  completed: 'It completed',
  failed: 'It failed for good',
  cancelled: 'It was cancelled',
} as const;

function finishedReasons(status: keyof typeof FINISHED, facts: Facts): readonly Reason[] {
  const details = finishedDetails(status, facts.job);
  const { finishedAt, failCount, why } = details;
  const when = finishedAt ? ` at ${finishedAt.toISOString()}` : '';
  const failures = failCount > 0 ? ` after ${timesFailed(failCount)}` : '';
  const cause = why === undefined ? '' : `: ${why}`;
  const finished = because(status, details, `${FINISHED[status]}${when}${failures}${cause}`);
  if (!facts.isArchived) return [finished];
  const archived = `It is ${status} and was moved to the archive; it cannot be run again from there`;
  return [because('archived', { status }, archived), finished];
}

function finishedDetails(
  status: keyof typeof FINISHED,
  { finishedAt, startedAt, failCount, failReason, history = [] }: Job,
): FinishedDetails {
  const why = { completed: undefined, failed: failReason, cancelled: history.at(-1)?.reason };
  return {
    failCount,
    ...(finishedAt instanceof Date && { finishedAt }),
    ...(startedAt && { startedAt }),
    ...(why[status] !== undefined && { why: why[status] }),
  };
}
