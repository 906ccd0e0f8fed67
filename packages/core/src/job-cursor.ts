/**
 * A place in a list of jobs, as a text that callers hand back.
 *
 * @module
 */

import { toObjectId } from './checks.ts';
import { InvalidArgumentError } from './errors.ts';
import type { Job } from './job.ts';
import type { JobOrder, JobPlace } from './ledger/ledger-repository.ts';

/** A place, and whether the page before it is wanted instead of the one behind. */
export interface CursorPlace {
  readonly place: JobPlace;
  readonly isBack: boolean;
}

/** Where a job stands in a list. */
export function placeOf(job: Job, orderBy: JobOrder): JobPlace {
  return orderBy === '_id' ? { jobId: job._id } : { at: job[orderBy], jobId: job._id };
}

/** Writes a place as a text. */
export function writeCursor(orderBy: JobOrder, { at, jobId }: JobPlace, isBack: boolean): string {
  const parts = [orderBy, isBack ? 'back' : 'on', at?.getTime() ?? '', jobId.toHexString()];
  return Buffer.from(parts.join(' ')).toString('base64url');
}

/**
 * Reads what {@link writeCursor} wrote.
 *
 * @throws InvalidArgumentError when it is not a cursor, or one of another order
 */
export function readCursor(cursor: string, orderBy: JobOrder): CursorPlace {
  const text = Buffer.from(cursor, 'base64url').toString();
  const match = /^(\w+) (on|back) (-?\d*) ([0-9a-f]{24})$/.exec(text);
  if (match === null || match[1] !== orderBy) {
    const expected = 'a cursor of a page in the same order';
    throw new InvalidArgumentError('options.cursor', expected, cursor);
  }
  const [, , way, time, id] = match;
  const jobId = toObjectId('options.cursor', id);
  const at = time === '' ? {} : { at: new Date(Number(time)) };
  return { place: { ...at, jobId }, isBack: way === 'back' };
}
