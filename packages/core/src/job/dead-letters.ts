/**
 * Dead letters: which jobs become one when they have failed for good, and what stays theirs under another name.
 *
 * @module
 */
import type { Job } from './job.ts';

/**
 * True for a job that may wait under another name once it has failed: not for the run of a series, which fails where the
 * series is; not in an order, where it keeps its place; not in a flow, where its children learn of it; and not a second time, so that no job goes in circles.
 */
export function mayBeBuried({
  seriesVersion,
  lane,
  flow,
  source,
}: Pick<Job, 'seriesVersion' | 'lane' | 'flow' | 'source'>): boolean {
  const isTied = seriesVersion !== undefined || lane !== undefined || flow !== undefined;
  return !isTied && source === undefined;
}

/** The name that a job was enqueued under, whatever it is called now. */
export function enqueuedName({ name, source }: Pick<Job, 'name' | 'source'>): string {
  return source?.name ?? name;
}
