/**
 * Which verb puts a job back to work that somebody redrives, and with which name and lock.
 *
 * @module
 */
import type { Job } from '../job/job.ts';
import type { JobVerb } from '../job/job-lifecycle.ts';
import type { TransitionParams } from '../job/lifecycle.ts';
import { lockToRetake, type UniqueLock } from '../job/unique-locks.ts';
import { historyEntries, manualRecord } from './settle-answers.ts';
import type { RedriveParams } from './verbs/manual-verbs.ts';

/** One verb of the lifecycle table with its parameters. */
export interface RedriveChoice {
  readonly verb: Extract<JobVerb, 'redrive' | 'redriveToWait' | 'redriveDeadLetter'>;
  readonly params: TransitionParams;
  /** The name that the job has after it. */
  readonly name: string;
  /** The lock that it gave up, to be taken again; undefined when there is none. */
  readonly lock: UniqueLock | undefined;
}

/** Chooses the verb for a job as it was read; whether it applies is for the caller to see. */
export function chooseRedrive(
  job: Job,
  { now, nextRunAt, isDeadLetter = false, ...given }: RedriveParams,
): RedriveChoice {
  // One that has parents waits for them again.
  const plain = job.waitsFor === undefined ? 'redrive' : 'redriveToWait';
  const verb = isDeadLetter ? 'redriveDeadLetter' : plain;
  const name = isDeadLetter ? (job.source?.name ?? job.name) : job.name;
  const lock = lockToRetake(job);
  const params = {
    now,
    nextRunAt,
    ...(isDeadLetter && { name }),
    ...(lock && { [lock.field]: lock.value }),
    historyEntries: historyEntries(verb, now, manualRecord(given)),
  };
  return { verb, params, name, lock };
}
