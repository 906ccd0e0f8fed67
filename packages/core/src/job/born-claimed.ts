/**
 * Jobs that are stored as claimed already, by the process that enqueues them and could start them at once.
 *
 * @module
 */
import { BSON } from 'mongodb';
import type { ClaimedJob, Job } from './job.ts';
import { JOB_LIFECYCLE } from './job-lifecycle.ts';
import { BSON_OPTIONS } from './payload.ts';

/** Under whose lease, under which token and when a job is born claimed. */
export interface BirthClaim {
  readonly instanceId: string;
  readonly claimToken: string;
  readonly now: Date;
}

/**
 * True when a due job may be born claimed: it is of no series, no order and no group, and holds no key that others wait for until
 * it starts.
 */
export function mayBeBornClaimed({ startLock, repeatInterval, lane }: Job): boolean {
  return startLock === undefined && repeatInterval === undefined && lane === undefined;
}

/** The job as a claim would leave it. */
export function bornClaimed(job: Job, claim: BirthClaim): ClaimedJob {
  return JOB_LIFECYCLE.apply('enqueueClaimed', job, { ...claim }) as Job as ClaimedJob;
}

/** The job with content of its own, as a read of the ledger would give it: its handler may change what it gets. */
export function withOwnContent(job: ClaimedJob): ClaimedJob {
  const { data, metadata, backoff } = job;
  if (data === undefined && metadata === undefined && backoff === undefined) return job;
  const content = BSON.serialize({ data, metadata, backoff }, BSON_OPTIONS);
  return { ...job, ...BSON.deserialize(content, BSON_OPTIONS) };
}
