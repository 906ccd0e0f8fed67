/**
 * Between the stored document and the job. They have the same fields; only numbers that another program stored as
 * 64-bit integers need a word.
 *
 * @module
 */
import type { Document, WithId } from 'mongodb';
import type { Job } from '../../job.ts';

const NUMBER_FIELDS = ['priority', 'failCount', 'fence', 'rescueCount', 'documentVersion'] as const;

/** The job that a document holds. `data` is left as it is. */
export function fromDocument(document: WithId<Document>): Job {
  for (const field of NUMBER_FIELDS) {
    if (typeof document[field] === 'bigint') document[field] = Number(document[field]);
  }
  return document as Job;
}
