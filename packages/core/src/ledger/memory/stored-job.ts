/**
 * How a job rests in memory: apart from every object that a caller has or gets, as it would in a database.
 *
 * @module
 */
import { BSON } from 'mongodb';
import { InvalidArgumentError } from '../../foundation/errors.ts';
import { isDate, isPlainObject } from '../../foundation/kinds.ts';
import type { Job } from '../../job/job.ts';
import { BSON_OPTIONS } from '../../job/payload.ts';
import type { StandingClaim } from '../ledger-repository.ts';

/** The largest document that MongoDB stores; this ledger refuses what that one would. */
const LARGEST_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** The fields that hold what users give, whatever it is. The parameters that they are set to have the same names. */
const PACKED_FIELDS: ReadonlySet<string> = new Set(['data', 'progress', 'result']);

/** Lists of things of which one field holds what users give: of jobs, and of the parameters of verbs. */
const PACKED_ITEMS: Readonly<Record<string, string>> = {
  stages: 'result',
  stageRecords: 'result',
  gates: 'evidence',
  gateRecords: 'evidence',
};

/** One version of a job. It is never changed: the next version takes its place. */
export interface StoredJob {
  /** The job's id as a hex string. */
  readonly id: string;
  /** The job; of what users give (`data`, `progress`, results, evidence), where it has it, the BSON. */
  readonly job: Job;
}

/**
 * Takes a copy of a job.
 *
 * @throws InvalidArgumentError when it is larger than a document may be
 */
export function copyIn(job: Job): StoredJob {
  return { id: job._id.toHexString(), job: packed(job) };
}

/** Gives a copy of a job. */
export function copyOut({ job }: StoredJob): Job {
  return withFields(job, unpack);
}

/**
 * A copy of a job, or of the parameters of a verb, as a stored job holds them.
 *
 * @throws InvalidArgumentError when a value is larger than a document may be
 */
export function packed<R extends object>(record: R): R {
  return withFields(record, pack);
}

/** The same record with all that can be changed copied, and the fields that are packed converted. */
function withFields<R extends object>(
  record: R,
  convert: (value: unknown, field: string) => unknown,
): R {
  const copy: R = { ...record };
  for (const field in copy) {
    const value: unknown = copy[field];
    if (value === undefined) continue;
    const itemField = PACKED_ITEMS[field];
    if (PACKED_FIELDS.has(field)) Reflect.set(copy, field, convert(value, field));
    else if (itemField !== undefined) {
      const items = value as readonly Record<string, unknown>[];
      Reflect.set(
        copy,
        field,
        items.map((item) => withItemField(item, itemField, convert)),
      );
    } else if (typeof value === 'object') Reflect.set(copy, field, copyOf(value));
  }
  return copy;
}

function withItemField(
  item: Readonly<Record<string, unknown>>,
  field: string,
  convert: (value: unknown, field: string) => unknown,
): unknown {
  const { [field]: value, ...rest } = item;
  const copy = copyOf(rest) as Record<string, unknown>;
  return value === undefined ? copy : { ...copy, [field]: convert(value, field) };
}

function pack(value: unknown, field: string): Uint8Array {
  const document = { value };
  const bytes = BSON.calculateObjectSize(document, BSON_OPTIONS);
  if (bytes > LARGEST_DOCUMENT_BYTES) {
    throw new InvalidArgumentError(field, `at most ${LARGEST_DOCUMENT_BYTES} bytes of BSON`, bytes);
  }
  return BSON.serialize(document, BSON_OPTIONS);
}

function unpack(value: unknown): unknown {
  // A Buffer that comes out is a view on the bytes it was read from: each caller gets bytes of its own.
  return BSON.deserialize(new Uint8Array(value as Uint8Array), BSON_OPTIONS).value;
}

/** Copies dates, lists and plain objects. Of what else a job holds, ids and texts, nothing can be changed. */
export function copyOf<T>(value: T): T;
export function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isDate(value)) return new Date(value);
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf(item)]));
}

/** The claim that stands on a job that is processing. */
export function toStandingClaim(stored: StoredJob): StandingClaim {
  const { _id, claimToken, fence, cancelRequestedAt } = copyOut(stored);
  return {
    jobId: _id,
    // The rows that set claimedBy set claimToken too.
    claimToken: claimToken as string,
    fence,
    ...(cancelRequestedAt !== undefined && { cancelRequestedAt }),
  };
}
