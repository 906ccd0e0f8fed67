/**
 * The jobs of the queue, counted.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import { checkFields, checkJobName } from '../foundation/argument-checks.ts';
import type { JobStatus } from '../job/job.ts';
import { JOB_LIFECYCLE } from '../job/job-lifecycle.ts';
import type { StatsRow } from '../ledger/ledger-repository.ts';

/** The jobs of the queue, counted. */
export interface QueueStats {
  /** How many jobs there are in each state. */
  readonly counts: Readonly<Record<JobStatus, number>>;
  readonly total: number;
  /** Pending jobs that are due. */
  readonly due: number;
  /** How long the job that waits longest has been due; 0 when none is. */
  readonly queueLagMs: number;
  /** Of finished jobs: from when they were due until they were claimed, on average. */
  readonly meanWaitMs: number;
  /** Of finished jobs: from when they were claimed until they were finished, on average. */
  readonly meanRunMs: number;
  /** The longest of those runs. */
  readonly longestRunMs: number;
}

/** Counts the jobs of one name, or of all. */
export async function readQueueStats(
  { ledger, ledgerTime, ready }: Pick<EngineContext, 'ledger' | 'ledgerTime' | 'ready'>,
  filter: { readonly name?: string },
): Promise<QueueStats> {
  checkFields('filter', filter, { name: checkJobName });
  const { name } = filter;
  await ready();
  const now = ledgerTime.now();
  return toStats(await ledger.readStats({ now, ...(name !== undefined && { name }) }));
}

function toStats(rows: readonly StatsRow[]): QueueStats {
  const countOf = (status: JobStatus): number =>
    rows.filter((row) => row.status === status).reduce((sum, { count }) => sum + count, 0);
  const counts = Object.fromEntries(
    JOB_LIFECYCLE.states.map((status) => [status, countOf(status)]),
  ) as Record<JobStatus, number>;
  const ran = rows.filter(({ status }) => status === 'completed' || status === 'failed');
  const mean = (of: 'meanWaitMs' | 'meanRunMs'): number => {
    const total = ran.reduce((sum, { count }) => sum + count, 0);
    return total === 0 ? 0 : ran.reduce((sum, row) => sum + row[of] * row.count, 0) / total;
  };
  return {
    counts,
    total: rows.reduce((sum, { count }) => sum + count, 0),
    due: rows.reduce((sum, { due }) => sum + due, 0),
    queueLagMs: Math.max(0, ...rows.map(({ queueLagMs }) => queueLagMs)),
    meanWaitMs: mean('meanWaitMs'),
    meanRunMs: mean('meanRunMs'),
    longestRunMs: Math.max(0, ...ran.map(({ longestRunMs }) => longestRunMs)),
  };
}
