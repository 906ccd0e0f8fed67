import type { Collection, Db, Document } from 'mongodb';
import type { Job } from '../../src/job/job.ts';
import type { ClaimParams, ClaimResult } from '../../src/ledger/ledger-repository.ts';
import {
  MongoLedgerRepository,
  type MongoLedgerRepositoryOptions,
} from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import type { Settlement, SettleVerb } from '../../src/ledger/verbs/settle.ts';
import { MANUAL_CLOCK_START, makeJob } from '../../src/testing/index.ts';

const COLLECTION = 'jobs';
export const INSTANCE = 'instance-a';
export const TOKEN = 'token-a';
export const JOB_NAME = 'test-job';

/** So many milliseconds from the time at which jobs of these tests are due. */
export function at(ms: number): Date {
  return new Date(MANUAL_CLOCK_START.getTime() + ms);
}

export function openLedger(
  db: Db,
  options: MongoLedgerRepositoryOptions = {},
): MongoLedgerRepository {
  return new MongoLedgerRepository(db, { collectionName: COLLECTION, ...options });
}

/** The collection behind the ledger, to look at the truth. */
export function jobsIn(db: Db): Collection<Job> {
  return db.collection<Job>(COLLECTION);
}

export function makeJobs(count: number, overrides: Partial<Job> = {}): Job[] {
  return Array.from({ length: count }, () => makeJob({ name: JOB_NAME, ...overrides }));
}

/** Jobs that are claimed already, all under one claim. */
export function makeClaimed(count: number, overrides: Partial<Job> = {}): Job[] {
  return makeJobs(count, {
    status: 'processing',
    claimedBy: INSTANCE,
    claimToken: TOKEN,
    fence: 1,
    lockedAt: at(0),
    ...overrides,
  });
}

/** Jobs that another tool, which keeps no lease, locked at time 0. */
export function makeForeign(count: number, overrides: Partial<Job> = {}): Job[] {
  return makeClaimed(count, overrides).map(
    ({ claimedBy: _, claimToken: __, fence: ___, ...job }) => ({ ...job, fence: 0 }),
  );
}

/** The pending job of a series that has a run each minute. */
export function makeSeries(key: string, overrides: Partial<Job> = {}): Job {
  return makeJob({
    name: JOB_NAME,
    uniqueKey: key,
    uniqueLock: `series:${key}`,
    repeatInterval: '* * * * *',
    seriesVersion: 1,
    scheduledFor: at(0),
    ...overrides,
  });
}

/** Writes jobs past the ledger. */
export async function put(db: Db, jobs: readonly Job[]): Promise<void> {
  await jobsIn(db).insertMany(jobs as Job[], { ignoreUndefined: true });
}

type ClaimChoice = Partial<ClaimParams> & { readonly limit?: number };

/** What claims jobs that are due at time 0; ten of {@link JOB_NAME} when nothing else is said. */
function claimParams({ limit = 10, ...choice }: ClaimChoice = {}): ClaimParams {
  return {
    demand: [{ name: JOB_NAME, limit }],
    instanceId: INSTANCE,
    claimToken: TOKEN,
    now: at(0),
    suspects: false,
    widening: 1,
    ...choice,
  };
}

export function claim(ledger: MongoLedgerRepository, choice?: ClaimChoice): Promise<ClaimResult> {
  return ledger.claim(claimParams(choice));
}

/** The end of a run under the claim that the job shows. */
export function settlement(
  verb: SettleVerb,
  job: Job,
  changes: Partial<Settlement> = {},
): Settlement {
  return {
    verb,
    jobId: job._id,
    claimToken: job.claimToken ?? 'none',
    fence: job.fence,
    ...(verb === 'retry' && { nextRunAt: at(2000), failReason: 'Boom', lastFailCount: 9 }),
    ...(verb === 'fail' && { failReason: 'Boom', lastFailCount: 0 }),
    ...changes,
  };
}

/** The ids of jobs as sorted strings. */
export function idsOf(jobs: readonly Pick<Job, '_id'>[]): string[] {
  return jobs.map(({ _id }) => _id.toHexString()).sort();
}

/** How many jobs are in each state. */
export async function statesOf(db: Db): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status } of await jobsIn(db).find().toArray()) {
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

/** The one job that is stored. */
export async function onlyJob(db: Db): Promise<Job> {
  const [job, ...others] = await jobsIn(db).find().toArray();
  if (job === undefined || others.length > 0) throw new Error('Expected one job to be stored');
  return job;
}

/** The documents of the lease collection. */
export function leasesIn(db: Db): Collection<Document & { _id: string }> {
  return db.collection(`${COLLECTION}.instances`);
}
