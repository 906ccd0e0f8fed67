/**
 * How a job rests in memory: apart from every object that a caller has or gets, as it would in a database.
 *
 * @module
 */
import { BSON } from 'mongodb';
import { InvalidArgumentError } from '../../errors.ts';
import type { Job } from '../../job.ts';
import { BSON_OPTIONS } from '../../payload.ts';

/** The largest document that MongoDB stores; this ledger refuses what that one would. */
const LARGEST_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** One version of a job. It is never changed: the next version takes its place. */
export interface StoredJob {
  /** The job's id as a hex string. */
  readonly id: string;
  /** The job without its data. */
  readonly job: Job;
  /** The data as BSON; undefined for a job without data. */
  readonly data: Uint8Array | undefined;
}

/**
 * Takes a copy of a job.
 *
 * @throws InvalidArgumentError when it is larger than a document may be
 */
export function copyIn(job: Job): StoredJob {
  const { data, ...fields } = job;
  const stored = { id: job._id.toHexString(), job: copyDates({ ...fields, data: undefined }) };
  if (data === undefined) return { ...stored, data: undefined };
  const document = { data };
  const bytes = BSON.calculateObjectSize(document, BSON_OPTIONS);
  if (bytes > LARGEST_DOCUMENT_BYTES) {
    throw new InvalidArgumentError(
      'data',
      `at most ${LARGEST_DOCUMENT_BYTES} bytes of BSON`,
      bytes,
    );
  }
  return { ...stored, data: BSON.serialize(document, BSON_OPTIONS) };
}

/** Gives a copy of a job. */
export function copyOut({ job, data }: StoredJob): Job {
  const copy = copyDates(job);
  return data === undefined ? copy : { ...copy, data: BSON.deserialize(data, BSON_OPTIONS).data };
}

/** The same record with dates of its own, since a Date can be changed by whoever has it. */
export function copyDates<R extends object>(record: R): R {
  const copy: R = { ...record };
  for (const field in copy) {
    const value = copy[field];
    if (value instanceof Date) Reflect.set(copy, field, new Date(value));
  }
  return copy;
}
