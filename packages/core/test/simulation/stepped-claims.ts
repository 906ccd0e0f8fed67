/**
 * Which due jobs a claim of the simulated ledger takes, and in which order.
 */
import type { Job } from '../../src/index.ts';
import { type ClaimParams, SUSPECT_RESCUE_COUNT } from '../../src/ledger/ledger-repository.ts';
import type { SteppedJobs } from './stepped-jobs.ts';
import type { SteppedLedgerParams } from './stepped-params.ts';

/** One look for all names; where it is cut short, one name may keep another's jobs out. */
export function chooseDue(
  jobs: SteppedJobs,
  params: ClaimParams,
  sample: SteppedLedgerParams['sample'],
): { chosen: Job[]; saturated: string[]; drained: string[] } {
  const { demand, suspects, widening } = params;
  const demanded = demand.reduce((sum, { limit }) => sum + limit, 0);
  const wanted = suspects ? 1 : demanded * widening;
  const due = findDue(jobs, params);
  const first = suspects ? [] : chooseOverdue(due, params, sample);
  const candidates = due.slice(0, wanted);
  const chosen: Job[] = [...first];
  const saturated: string[] = [];
  const drained: string[] = [];
  for (const { name, limit: asked } of demand) {
    const limit = asked - first.filter((job) => job.name === name).length;
    const named = candidates.filter((job) => job.name === name && !first.includes(job));
    // Of the last jobs each of many rivals takes a part.
    const part = Math.ceil(named.length / (candidates.length < wanted ? widening : 1));
    const most = Math.min(limit, part);
    if (named.length >= limit || named.length > most) saturated.push(name);
    else if (candidates.length < wanted) drained.push(name);
    chosen.push(...(widening > 1 ? sample(named, most) : named.slice(0, most)));
  }
  return { chosen, saturated, drained };
}

/**
 * Of each name the overdue jobs that were due first. The ledger on MongoDB remembers for a while which priorities have
 * such jobs; this one looks at all.
 */
function chooseOverdue(
  due: readonly Job[],
  { demand, widening }: ClaimParams,
  sample: SteppedLedgerParams['sample'],
): readonly Job[] {
  return demand.flatMap(({ name, overdue }) => {
    if (overdue === undefined) return [];
    const named = due
      .filter((job) => job.name === name && job.nextRunAt <= overdue.before)
      .sort(byDueTime)
      .slice(0, overdue.limit * widening);
    return widening > 1 ? sample(named, overdue.limit) : named;
  });
}

function findDue(jobs: SteppedJobs, { demand, now, suspects }: ClaimParams): Job[] {
  const names = new Set(demand.map(({ name }) => name));
  const due: Job[] = [];
  for (const job of jobs.all()) {
    if (job.status !== 'pending' || job.nextRunAt > now || !names.has(job.name)) continue;
    if (job.lane !== undefined) continue;
    if ((job.rescueCount ?? 0) >= SUSPECT_RESCUE_COUNT === suspects) due.push(job);
  }
  return due.sort(byClaimOrder);
}

/** The order in which jobs are taken. */
export function byClaimOrder(a: Job, b: Job): number {
  return a.priority - b.priority || byDueTime(a, b);
}

/** The order in which overdue jobs are taken. */
export function byDueTime(a: Job, b: Job): number {
  return (
    a.nextRunAt.getTime() - b.nextRunAt.getTime() ||
    (a._id.toHexString() < b._id.toHexString() ? -1 : 1)
  );
}
