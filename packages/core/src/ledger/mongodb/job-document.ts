/**
 * Between the stored document and the job. They have the same fields, but for one.
 *
 * A document may have been written manually, or by an older version: what it lacks is filled in, numbers of any type of
 * MongoDB are numbers, and null counts as absent. A field of a wrong type stays as it is, for `job-fitness.ts` to find.
 *
 * @module
 */
import type { Document, WithId } from 'mongodb';
import { DEFAULT_PRIORITY, type Job } from '../../job/job.ts';

const NUMBER_FIELDS = [
  ...['priority', 'failCount', 'fence', 'rescueCount', 'maxRetries', 'timeout'],
  ...['seriesVersion', 'documentVersion'],
] as const;

const BACKOFF_NUMBERS = ['delay', 'maxDelay', 'jitter'] as const;

/** What users give: null is a value there. */
const CONTENT: ReadonlySet<string> = new Set(['data', 'progress', 'result']);

/** The version of the stored form of a document that states none. */
const NO_VERSION = 0;

/**
 * The one field of a document that its job does not have: the id of the last that a transaction did not store, since it
 * found this one. It is written so that the transaction conflicts with whoever changes this one at the same time, and
 * read by nobody.
 */
export const KEPT_FOR = 'keptFor';

/** The job that a document, or the part of one that was read, holds. `data` is left as it is. */
export function fromDocument(document: WithId<Document>): Job {
  for (const field in document) {
    const isNull = document[field] === null && !CONTENT.has(field);
    if (isNull || field === KEPT_FOR) delete document[field];
  }
  toNumbers(document, NUMBER_FIELDS);
  if (typeof document.backoff === 'object') toNumbers(document.backoff, BACKOFF_NUMBERS);
  document.priority ??= DEFAULT_PRIORITY;
  document.failCount ??= 0;
  document.fence ??= 0;
  document.documentVersion ??= NO_VERSION;
  // Never claimed without a due time; in a list it stands first, where it is seen.
  if (!(document.nextRunAt instanceof Date)) document.nextRunAt ??= new Date(0);
  if (!(document.createdAt instanceof Date)) document.createdAt = creationTime(document._id);
  if (!(document.updatedAt instanceof Date)) document.updatedAt = document.createdAt;
  return document as Job;
}

function toNumbers(document: Document, fields: readonly string[]): void {
  for (const field of fields) {
    const value: unknown = document[field];
    if (typeof value === 'bigint' || isDecimal(value)) document[field] = Number(value.toString());
  }
}

function isDecimal(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    '_bsontype' in value &&
    value._bsontype === 'Decimal128'
  );
}

/** Only ids that are no ObjectId, which belong to no job of ours, carry no time. */
function creationTime(id: unknown): Date {
  const hasTime = typeof id === 'object' && id !== null && 'getTimestamp' in id;
  return hasTime && typeof id.getTimestamp === 'function' ? id.getTimestamp() : new Date(0);
}
