/**
 * What the parameters of a verb write to jobs, as the rules see it.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import type { Settlement } from '../verbs/settle.ts';
import type { LedgerVerb, ParamsOf } from '../verbs/verb-table.ts';
import type { LedgerWrite } from './known-rules.ts';

/** What is to be stored of a new job. */
export function writeOfJob(job: Job): LedgerWrite {
  return { verb: 'enqueue', jobId: job._id, job };
}

/** What the end of a run writes. */
export function writeOfSettlement(settlement: Settlement): LedgerWrite {
  const { verb, jobId, result, failReason, nextRunAt, lastFailCount, stageRecords } = settlement;
  return {
    verb,
    jobId,
    job: {
      ...(result !== undefined && { result }),
      ...(failReason !== undefined && { failReason }),
      ...(nextRunAt !== undefined && { nextRunAt }),
      ...(lastFailCount !== undefined && { failCount: lastFailCount }),
      ...(stageRecords && { stages: stageRecords }),
    },
  };
}

/** What the other verbs write that concern one job; a verb that is missing here writes nothing that a rule could see. */
export const WRITES: { readonly [V in LedgerVerb]?: (params: ParamsOf<V>) => LedgerWrite } = {
  checkpoint: ({ jobId, record }) => ({
    verb: 'checkpoint',
    jobId,
    job: { stages: [record] },
  }),
  openGate: ({ jobId, record }) => ({
    verb: 'openGate',
    jobId,
    job: { gates: [record] },
  }),
  amend: ({ jobId, changes }) => ({ verb: 'amend', jobId, job: changesOf(changes) }),
  replan: ({ jobId, series }) => ({ verb: 'replan', jobId, job: changesOf(series) }),
  setMetadata: ({ jobId, changes }) => ({
    verb: 'setMetadata',
    jobId,
    job: { metadata: withoutNulls(changes) },
  }),
  completeInSession: ({ settlement }) => writeOfSettlement(settlement),
  redrive: ({ jobId }) => ({ verb: 'redrive', jobId, job: {} }),
  cancel: ({ jobId }) => ({ verb: 'cancel', jobId, job: {} }),
  remove: ({ jobId }) => ({ verb: 'remove', jobId, job: {} }),
};

function changesOf(changes: object): Partial<Job> {
  return changes as Partial<Job>;
}

function withoutNulls(changes: object): NonNullable<Job['metadata']> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== null));
}
