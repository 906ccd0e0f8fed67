import type { Db, Document } from 'mongodb';
import type { Job } from '../../src/job/job.ts';
import type { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { NO_COUNTS } from '../../src/ledger/throughput-sums.ts';
import {
  at,
  claim,
  INSTANCE,
  jobsIn,
  leasesIn,
  makeClaimed,
  makeForeign,
  makeJobs,
  makeSeries,
  onlyJob,
  put,
  settlement,
  TOKEN,
} from './jobs.ts';

/** A verb that writes, and what is to be seen of it. */
export interface Write {
  readonly verb: string;
  /** The command on the wire that makes the change. */
  readonly command: 'insert' | 'update' | 'findAndModify' | 'delete';
  /** The command that is sent when the server refuses that one. */
  readonly otherCommand?: 'update';
  readonly collection: 'jobs' | 'jobs.instances' | 'jobs.throughput';
  /** True for a change to one document, which the driver may send once more by itself. */
  readonly retriedByDriver: boolean;
  /** What has to be there before. */
  prepare?(ledger: MongoLedgerRepository, db: Db): Promise<unknown>;
  run(ledger: MongoLedgerRepository, db: Db): Promise<unknown>;
  /** The answer of the call when nothing goes wrong. */
  readonly answer: unknown;
  /** The answer when it is called again after it landed. */
  readonly answerAgain: unknown;
  landed(db: Db): Promise<boolean>;
}

export const NEW_JOB = makeJobs(1)[0] as Job;
const KEYED_JOB = makeJobs(1, { uniqueKey: 'key', uniqueLock: 'key' })[0] as Job;
const CLAIMED_JOB = makeClaimed(1)[0] as Job;
const FAILED_JOB = makeJobs(1, { status: 'failed', finishedAt: at(0) })[0] as Job;
const SERIES_JOB = makeSeries('key');
const FOREIGN_JOB = makeForeign(1)[0] as Job;
const LEASE = { instanceId: INSTANCE, leaseDurationMs: 1_000 };

const openLease = (ledger: MongoLedgerRepository): Promise<void> => ledger.openLease(LEASE);
const isStored = async (db: Db): Promise<boolean> => (await jobsIn(db).countDocuments()) === 1;
const status = async (db: Db): Promise<string> => (await onlyJob(db)).status;
const SHARE = { key: 'a', instanceId: INSTANCE };
const limit = async (db: Db): Promise<Document> =>
  (await db.collection<Document & { _id: string }>('jobs').findOne({ _id: 'limit:a' })) ?? {};
const minute = (name: string) => ({ ...NO_COUNTS, enqueued: 1, name, at: at(0) });
const lease = (db: Db) => leasesIn(db).findOne({ _id: INSTANCE });

export const WRITES: readonly Write[] = [
  {
    verb: 'enqueue',
    command: 'insert',
    collection: 'jobs',
    retriedByDriver: false,
    run: (ledger) => ledger.enqueue({ jobs: [NEW_JOB] }),
    answer: { answers: [{ outcome: 'enqueued' }] },
    answerAgain: { answers: [{ outcome: 'enqueued' }] },
    landed: isStored,
  },
  {
    verb: 'enqueue with a unique key',
    command: 'insert',
    collection: 'jobs',
    retriedByDriver: false,
    run: (ledger) => ledger.enqueue({ jobs: [KEYED_JOB] }),
    answer: { answers: [{ outcome: 'enqueued' }] },
    answerAgain: { answers: [{ outcome: 'enqueued' }] },
    landed: isStored,
  },
  {
    verb: 'claim of one job',
    command: 'findAndModify',
    otherCommand: 'update',
    collection: 'jobs',
    retriedByDriver: false,
    prepare: (_, db) => put(db, [NEW_JOB]),
    run: (ledger) => claim(ledger),
    answer: { jobs: [{ fence: 1, claimToken: TOKEN }], attempted: 1 },
    answerAgain: { jobs: [], attempted: 0 },
    landed: async (db) => (await status(db)) === 'processing',
  },
  {
    verb: 'claim of two jobs',
    command: 'update',
    collection: 'jobs',
    retriedByDriver: false,
    prepare: (_, db) => put(db, makeJobs(2)),
    run: (ledger) => claim(ledger),
    answer: { jobs: [{ fence: 1, claimToken: TOKEN }, { fence: 1 }], attempted: 2 },
    answerAgain: { jobs: [], attempted: 0 },
    landed: async (db) => (await jobsIn(db).countDocuments({ status: 'processing' })) === 2,
  },
  {
    verb: 'settle',
    command: 'update',
    collection: 'jobs',
    retriedByDriver: false,
    prepare: (_, db) => put(db, [CLAIMED_JOB]),
    run: (ledger) =>
      ledger.settle({ settlements: [settlement('complete', CLAIMED_JOB)], now: at(1) }),
    answer: { answers: ['settled'] },
    answerAgain: { answers: ['settled'] },
    landed: async (db) => (await status(db)) === 'completed',
  },
  {
    verb: 'rescue',
    command: 'update',
    collection: 'jobs',
    retriedByDriver: false,
    prepare: (_, db) => put(db, [CLAIMED_JOB]),
    run: (ledger) =>
      ledger.rescue({ deadInstanceId: INSTANCE, rescueLimit: 5, now: at(1), limit: 10 }),
    answer: { pending: 1, refused: false },
    answerAgain: { pending: 0, refused: false },
    landed: async (db) => (await onlyJob(db)).rescueCount === 1,
  },
  {
    verb: 'cancel',
    command: 'findAndModify',
    collection: 'jobs',
    retriedByDriver: true,
    prepare: (_, db) => put(db, [NEW_JOB]),
    run: (ledger) => ledger.cancel({ jobId: NEW_JOB._id, now: at(1) }),
    answer: { outcome: 'cancelled' },
    answerAgain: { outcome: 'refused', job: { status: 'cancelled' } },
    landed: async (db) => (await status(db)) === 'cancelled',
  },
  {
    verb: 'remove',
    command: 'findAndModify',
    collection: 'jobs',
    retriedByDriver: true,
    prepare: (_, db) => put(db, [NEW_JOB]),
    run: (ledger) => ledger.remove({ jobId: NEW_JOB._id }),
    answer: { outcome: 'removed' },
    answerAgain: { outcome: 'missing', job: null },
    landed: async (db) => (await jobsIn(db).countDocuments()) === 0,
  },
  {
    verb: 'redrive',
    command: 'findAndModify',
    collection: 'jobs',
    retriedByDriver: true,
    prepare: (_, db) => put(db, [FAILED_JOB]),
    run: (ledger) => ledger.redrive({ jobId: FAILED_JOB._id, now: at(1), nextRunAt: at(1) }),
    answer: { outcome: 'redriven', job: { status: 'pending' } },
    answerAgain: { outcome: 'refused', job: { status: 'pending' } },
    landed: async (db) => (await status(db)) === 'pending',
  },
  {
    verb: 'amend',
    command: 'findAndModify',
    collection: 'jobs',
    retriedByDriver: true,
    prepare: (_, db) => put(db, [NEW_JOB]),
    run: (ledger) => ledger.amend({ jobId: NEW_JOB._id, changes: { priority: -7 }, now: at(1) }),
    answer: { outcome: 'amended', job: { priority: -7 } },
    answerAgain: { outcome: 'amended', job: { priority: -7 } },
    landed: async (db) => (await onlyJob(db)).priority === -7,
  },
  {
    verb: 'replan',
    command: 'findAndModify',
    collection: 'jobs',
    retriedByDriver: true,
    prepare: (_, db) => put(db, [SERIES_JOB]),
    run: (ledger) =>
      ledger.replan({
        jobId: SERIES_JOB._id,
        seriesVersion: 1,
        series: { repeatInterval: '@daily' },
        now: at(1),
      }),
    answer: { outcome: 'written', job: { repeatInterval: '@daily', seriesVersion: 2 } },
    answerAgain: { outcome: 'stale', job: { repeatInterval: '@daily', seriesVersion: 2 } },
    landed: async (db) => (await onlyJob(db)).seriesVersion === 2,
  },
  {
    verb: 'endSeries',
    command: 'findAndModify',
    collection: 'jobs',
    retriedByDriver: true,
    prepare: (_, db) => put(db, [SERIES_JOB]),
    run: (ledger) => ledger.endSeries({ jobId: SERIES_JOB._id, seriesVersion: 1, now: at(1) }),
    answer: { outcome: 'written', job: { status: 'cancelled' } },
    answerAgain: { outcome: 'stale', job: { status: 'cancelled' } },
    landed: async (db) => (await status(db)) === 'cancelled',
  },
  {
    verb: 'note',
    command: 'update',
    collection: 'jobs',
    retriedByDriver: true,
    prepare: (_, db) => put(db, [CLAIMED_JOB]),
    run: (ledger) =>
      ledger.note({ jobId: CLAIMED_JOB._id, claimToken: TOKEN, logLines: ['a'], now: at(1) }),
    answer: true,
    answerAgain: true,
    landed: async (db) => (await onlyJob(db)).logs?.length === 1,
  },
  {
    verb: 'setPaused',
    command: 'update',
    collection: 'jobs',
    retriedByDriver: true,
    run: (ledger) => ledger.setPaused({ name: 'a', paused: true, now: at(1) }),
    answer: undefined,
    answerAgain: undefined,
    landed: isStored,
  },
  {
    verb: 'setPaused to false',
    command: 'delete',
    collection: 'jobs',
    retriedByDriver: true,
    prepare: (ledger) => ledger.setPaused({ name: 'a', paused: true, now: at(0) }),
    run: (ledger) => ledger.setPaused({ name: 'a', paused: false, now: at(1) }),
    answer: undefined,
    answerAgain: undefined,
    landed: async (db) => !(await isStored(db)),
  },
  {
    verb: 'setLimit',
    command: 'update',
    collection: 'jobs',
    retriedByDriver: true,
    run: (ledger) => ledger.setLimit({ key: 'a', concurrency: 1, now: at(1) }),
    answer: undefined,
    answerAgain: undefined,
    landed: isStored,
  },
  {
    verb: 'takeShare',
    command: 'findAndModify',
    collection: 'jobs',
    retriedByDriver: true,
    prepare: (ledger) => ledger.setLimit({ key: 'a', concurrency: 1, now: at(0) }),
    run: (ledger) => ledger.takeShare({ ...SHARE, seq: 1, count: 1, wants: 0, starts: 0 }),
    answer: { outcome: 'taken', count: 1 },
    answerAgain: { outcome: 'stale', count: 0 },
    landed: async (db) => ((await limit(db)).shares as unknown[]).length === 1,
  },
  {
    verb: 'freeShares',
    command: 'update',
    collection: 'jobs',
    retriedByDriver: false,
    prepare: async (ledger) => {
      await ledger.setLimit({ key: 'a', concurrency: 1, now: at(0) });
      await ledger.takeShare({ ...SHARE, seq: 1, count: 1, wants: 0, starts: 0 });
    },
    run: (ledger) => ledger.freeShares({ instanceId: INSTANCE }),
    answer: true,
    answerAgain: true,
    landed: async (db) => ((await limit(db)).shares as unknown[]).length === 0,
  },
  {
    verb: 'backOff',
    command: 'update',
    collection: 'jobs',
    retriedByDriver: true,
    prepare: (ledger) => ledger.setLimit({ key: 'a', concurrency: 1, now: at(0) }),
    run: (ledger) => ledger.backOff({ key: 'a', until: at(9) }),
    answer: true,
    answerAgain: true,
    landed: async (db) => (await limit(db)).blockedUntil !== undefined,
  },
  {
    verb: 'addThroughput',
    command: 'update',
    collection: 'jobs.throughput',
    retriedByDriver: false,
    // Its index is made before.
    prepare: (ledger) => ledger.addThroughput({ rows: [minute('b')], keptMs: 1 }),
    run: (ledger) => ledger.addThroughput({ rows: [minute('a')], keptMs: 1 }),
    answer: undefined,
    answerAgain: undefined,
    landed: async (db) =>
      (await db.collection('jobs.throughput').countDocuments({ '_id.name': 'a' })) === 1,
  },
  {
    verb: 'recover',
    command: 'update',
    collection: 'jobs',
    retriedByDriver: false,
    prepare: (_, db) => put(db, [FOREIGN_JOB]),
    run: (ledger) => ledger.recover({ staleBefore: at(0), now: at(1), limit: 10 }),
    answer: { pending: 1, cancelled: 0 },
    answerAgain: { pending: 0, cancelled: 0 },
    landed: async (db) => (await status(db)) === 'pending',
  },
  {
    verb: 'prune',
    command: 'delete',
    collection: 'jobs',
    retriedByDriver: false,
    prepare: (_, db) => put(db, [FAILED_JOB]),
    run: (ledger) =>
      ledger.prune({
        finishedBefore: { failed: at(0) },
        createdBefore: at(86_400_000_000),
        limit: 10,
        archive: false,
        now: at(1),
      }),
    answer: { pruned: 1 },
    answerAgain: { pruned: 0 },
    landed: async (db) => !(await isStored(db)),
  },
  {
    verb: 'openLease',
    command: 'update',
    collection: 'jobs.instances',
    retriedByDriver: true,
    run: openLease,
    answer: undefined,
    answerAgain: undefined,
    landed: async (db) => (await lease(db))?.counter === 0,
  },
  {
    verb: 'renewLease',
    command: 'update',
    collection: 'jobs.instances',
    retriedByDriver: true,
    prepare: openLease,
    run: (ledger) => ledger.renewLease({ instanceId: INSTANCE }),
    answer: true,
    answerAgain: true,
    landed: async (db) => (await lease(db))?.counter === 1,
  },
  {
    verb: 'declareDead',
    command: 'update',
    collection: 'jobs.instances',
    retriedByDriver: true,
    prepare: openLease,
    run: (ledger) => ledger.declareDead({ instanceId: INSTANCE, counter: 0 }),
    answer: true,
    answerAgain: false,
    landed: async (db) => (await lease(db))?.status === 'dead',
  },
  {
    verb: 'endLease',
    command: 'update',
    collection: 'jobs.instances',
    retriedByDriver: true,
    prepare: openLease,
    run: (ledger) => ledger.endLease({ instanceId: INSTANCE }),
    answer: undefined,
    answerAgain: undefined,
    landed: async (db) => (await lease(db))?.status !== 'live',
  },
  {
    verb: 'removeLease',
    command: 'delete',
    collection: 'jobs.instances',
    retriedByDriver: true,
    prepare: async (ledger) => {
      await openLease(ledger);
      await ledger.declareDead({ instanceId: INSTANCE, counter: 0 });
    },
    run: (ledger) => ledger.removeLease({ instanceId: INSTANCE }),
    answer: undefined,
    answerAgain: undefined,
    landed: async (db) => (await lease(db)) === null,
  },
];
