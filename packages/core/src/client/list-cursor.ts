/**
 * A place in a list of jobs, as a text that callers hand back.
 *
 * @module
 */
import { toObjectId } from '../foundation/argument-checks.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import type { FindJobsParams, JobOrder, JobPlace } from '../ledger/ledger-repository.ts';

/** A place, and whether the page before it is wanted instead of the one behind. */
export interface CursorPlace {
  readonly place: JobPlace;
  readonly isBack: boolean;
}

/** The order of a list. */
export type ListOrder = Pick<FindJobsParams, 'orderBy' | 'direction'>;

/** Where a job stands in a list. */
export function placeOf(job: Job, orderBy: JobOrder): JobPlace {
  return orderBy === '_id' ? { jobId: job._id } : { at: job[orderBy], jobId: job._id };
}

/** Writes a place as a text. */
export function writeCursor(order: ListOrder, { at, jobId }: JobPlace, isBack: boolean): string {
  const { orderBy, direction } = order;
  const way = isBack ? 'back' : 'on';
  const parts = [orderBy, direction, way, at?.getTime() ?? '', jobId.toHexString()];
  return Buffer.from(parts.join(' ')).toString('base64url');
}

/**
 * Reads what {@link writeCursor} wrote.
 *
 * @throws InvalidArgumentError when it is not a cursor, or one of another order or direction
 */
export function readCursor(cursor: string, { orderBy, direction }: ListOrder): CursorPlace {
  const text = Buffer.from(cursor, 'base64url').toString();
  const match = /^(\w+) (\w+) (on|back) (-?\d*) ([0-9a-f]{24})$/.exec(text);
  if (match === null || match[1] !== orderBy || match[2] !== direction) {
    const expected = `a cursor of a page by ${orderBy}, ${direction}`;
    throw new InvalidArgumentError('options.cursor', expected, cursor);
  }
  const [, , , way, time, id] = match;
  const jobId = toObjectId('options.cursor', id);
  const at = time === '' ? {} : { at: new Date(Number(time)) };
  return { place: { ...at, jobId }, isBack: way === 'back' };
}
