/**
 * What the ledger wants to hear from a change stream, and what it makes of it.
 *
 * A document may have been written manually, so nothing is taken for granted of its fields.
 *
 * @module
 */
import type { Document } from 'mongodb';
import type { LedgerHint } from '../../ledger-repository.ts';
import { JOB_ID } from '../engine-queries.ts';
import { LIMIT_ID_PATTERN } from '../limits/limit-documents.ts';
import { PAUSE_ID_PATTERN } from '../pause-documents.ts';

const UPDATED = 'updateDescription.updatedFields';

/** The change stream's stages; no more of a change is sent than is needed. */
export function hintPipeline(): Document[] {
  return [
    {
      $match: {
        $or: [
          { 'documentKey._id': PAUSE_ID_PATTERN },
          {
            'documentKey._id': LIMIT_ID_PATTERN,
            $or: [
              { operationType: { $ne: 'update' } },
              // Most changes of a share are of no use to others.
              { operationType: 'update', [`${UPDATED}.news`]: { $exists: true } },
            ],
          },
          {
            'documentKey._id': JOB_ID,
            $or: [
              { operationType: { $in: ['insert', 'replace'] }, 'fullDocument.status': 'pending' },
              { operationType: 'update', [`${UPDATED}.status`]: 'pending' },
              // A job that was pending and is so still shows no new state.
              { operationType: 'update', [`${UPDATED}.nextRunAt`]: { $exists: true } },
              { operationType: 'update', [`${UPDATED}.cancelRequestedAt`]: { $exists: true } },
            ],
          },
        ],
      },
    },
    {
      $project: {
        operationType: 1,
        'documentKey._id': 1,
        'fullDocument.name': 1,
        'fullDocument.nextRunAt': 1,
        [`${UPDATED}.nextRunAt`]: 1,
        [`${UPDATED}.cancelRequestedAt`]: 1,
      },
    },
  ];
}

/** The hint of a change that the stages let through. */
export function toHint(change: Document): LedgerHint {
  const jobId = change.documentKey._id;
  if (typeof jobId === 'string') {
    return { kind: LIMIT_ID_PATTERN.test(jobId) ? 'limitsChanged' : 'pausesChanged' };
  }
  const { name, nextRunAt }: Document = change.fullDocument ?? {};
  const updated: Document = change.updateDescription?.updatedFields ?? {};
  if (updated.cancelRequestedAt !== undefined) return { kind: 'cancelRequested', jobId };
  const dueAt: unknown = updated.nextRunAt ?? nextRunAt;
  return {
    kind: 'due',
    ...(typeof name === 'string' && { name }),
    ...(dueAt instanceof Date && { dueAt }),
  };
}
