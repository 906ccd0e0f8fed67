/**
 * Sums of what happened by minute, the same in every ledger.
 *
 * @module
 */
import type {
  JobCounts,
  NamedCounts,
  ReadThroughputParams,
  ThroughputPoint,
} from './verbs/throughput.ts';

type Largest = 'longestWaitMs' | 'longestRunMs';

/** What is added up. */
export const SUMMED_COUNTS: readonly Exclude<keyof JobCounts, Largest>[] = [
  ...(['enqueued', 'started', 'ended', 'completed', 'failed', 'retried', 'cancelled'] as const),
  ...(['others', 'waitMs', 'runMs'] as const),
];

/** Of what the largest counts. */
export const LARGEST_COUNTS: readonly Largest[] = ['longestWaitMs', 'longestRunMs'];

/** That nothing happened. */
export const NO_COUNTS: JobCounts = Object.freeze(
  Object.fromEntries(
    [...SUMMED_COUNTS, ...LARGEST_COUNTS].map((field) => [field, 0]),
  ) as unknown as JobCounts,
);

/** Both together. */
export function addCounts(a: JobCounts, b: JobCounts): JobCounts {
  const sums = SUMMED_COUNTS.map((field) => [field, a[field] + b[field]]);
  const largest = LARGEST_COUNTS.map((field) => [field, Math.max(a[field], b[field])]);
  return Object.fromEntries([...sums, ...largest]);
}

/** The points that a ledger answers, of all the minutes it has. */
export function sumThroughput(
  rows: Iterable<NamedCounts>,
  { from, before, stepMs, names, perName = false, limit }: ReadThroughputParams,
): ThroughputPoint[] {
  const points = new Map<string, ThroughputPoint>();
  for (const { name, at, ...counts } of rows) {
    if (at < from || at >= before || names?.includes(name) === false) continue;
    const step = new Date(at.getTime() - (at.getTime() % stepMs));
    const key = `${step.getTime()} ${perName ? name : ''}`;
    const sum = addCounts(points.get(key) ?? NO_COUNTS, counts);
    points.set(key, { ...sum, at: step, ...(perName && { name }) });
  }
  return [...points.values()].sort(byStepAndName).slice(0, limit);
}

function byStepAndName(a: ThroughputPoint, b: ThroughputPoint): number {
  return a.at.getTime() - b.at.getTime() || (String(a.name) < String(b.name) ? -1 : 1);
}
