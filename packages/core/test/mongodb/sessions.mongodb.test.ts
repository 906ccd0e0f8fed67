// Verbs inside a transaction of the user's: nothing is seen before it commits, and errors are those of the driver.
import { type ClientSession, MongoServerError } from 'mongodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Job } from '../../src/job/job.ts';
import type { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { type FailPoint, failCommand } from '../faults/fail-point.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { namesOf } from './command-log.ts';
import { ownMongoFixture } from './fixture.ts';
import {
  at,
  claim,
  jobsIn,
  makeClaimed,
  makeJobs,
  makeSeries,
  onlyJob,
  put,
  settlement,
  statesOf,
} from './jobs.ts';
import { APP_NAME } from './own-server.ts';

const WAITING_JOB = makeJobs(1)[0] as Job;
const CLAIMED_JOB = makeClaimed(1)[0] as Job;

interface Verb {
  readonly verb: string;
  readonly command: 'findAndModify' | 'update';
  readonly before: Job;
  readonly after: Partial<Job>;
  readonly answer: unknown;
  run(ledger: MongoLedgerRepository, session: ClientSession): Promise<unknown>;
}

const VERBS: readonly Verb[] = [
  {
    verb: 'amend',
    command: 'findAndModify',
    before: WAITING_JOB,
    after: { priority: -3, nextRunAt: at(7), data: { to: 'another' } },
    answer: { outcome: 'amended', job: { priority: -3 } },
    run: (ledger, session) =>
      ledger.amend({
        jobId: WAITING_JOB._id,
        changes: { priority: -3, nextRunAt: at(7), data: { to: 'another' } },
        now: at(1),
        session,
      }),
  },
  {
    verb: 'completeInSession',
    command: 'update',
    before: CLAIMED_JOB,
    after: { status: 'completed', result: 7 },
    answer: true,
    run: (ledger, session) =>
      ledger.completeInSession({
        settlement: settlement('complete', CLAIMED_JOB, { result: 7 }),
        now: at(1),
        session,
      }),
  },
];

describeWithOwnMongo('in a transaction of the user,', (binary) => {
  const mongo = ownMongoFixture(binary);
  let failPoint: FailPoint | undefined;

  afterEach(() => failPoint?.off());

  describe.each(VERBS)('$verb', ({ command, before, after, answer, run }) => {
    beforeEach(() => put(mongo.db, [before]));

    test('is seen once that is committed, and undone when it is aborted', async () => {
      await mongo.client.withSession(async (session) => {
        for (const ending of ['abort', 'commit'] as const) {
          session.startTransaction();
          expectAnswer(await run(mongo.ledger, session), answer);
          expect(await onlyJob(mongo.db)).toEqual(before);
          if (ending === 'abort') await session.abortTransaction();
          else await session.commitTransaction();
          if (ending === 'abort') expect(await onlyJob(mongo.db)).toEqual(before);
        }
      });
      expect(await onlyJob(mongo.db)).toMatchObject(after);
    });

    test('is written at once in a session without a transaction', async () => {
      await mongo.client.withSession(async (session) => {
        expectAnswer(await run(mongo.ledger, session), answer);
      });
      expect(await onlyJob(mongo.db)).toMatchObject(after);
    });

    test('gives the error by which withTransaction tries again', async () => {
      const data = { failCommands: [command], appName: APP_NAME, errorCode: 112 };
      failPoint = await failCommand(mongo.server.direct, data);
      const errors: unknown[] = [];
      await mongo.client.withSession((session) =>
        session.withTransaction(async () => {
          await run(mongo.ledger, session).catch((error: unknown) => {
            errors.push(error);
            throw error;
          });
        }),
      );
      expect(errors).toEqual([expect.any(MongoServerError)]);
      const [error] = errors as [MongoServerError];
      expect(error.hasErrorLabel('TransientTransactionError')).toBe(true);
      expect(await onlyJob(mongo.db)).toMatchObject(after);
    });
  });

  test('many new jobs are one insert, which gives the error by which withTransaction tries again', async () => {
    const data = { failCommands: ['insert'], appName: APP_NAME, errorCode: 112 };
    failPoint = await failCommand(mongo.server.direct, data);
    let tries = 0;
    await mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        tries += 1;
        const { answers } = await mongo.ledger.enqueue({ jobs: makeJobs(3), session });
        expect(answers.map(({ outcome }) => outcome)).toEqual(['enqueued', 'enqueued', 'enqueued']);
      }),
    );
    expect(tries).toBe(2);
    expect(await jobsIn(mongo.db).countDocuments()).toBe(3);
  });

  test('a claim that does not stand any more completes nothing', async () => {
    await put(mongo.db, [{ ...CLAIMED_JOB, claimToken: 'another' }]);
    await mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        expect(await VERBS[1]?.run(mongo.ledger, session)).toBe(false);
      }),
    );
    expect((await onlyJob(mongo.db)).status).toBe('processing');
  });

  test('the run of a series ends with its next run', async () => {
    const job = makeSeries('key', {
      ...{ status: 'processing', claimToken: 'token', claimedBy: 'instance', fence: 1 },
    });
    await put(mongo.db, [job]);
    const repeat = settlement('repeat', job, {
      ...{ seriesVersion: 1, nextRunAt: at(60_000), scheduledFor: at(60_000) },
    });
    await mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        const params = { settlement: repeat, now: at(1), session };
        expect(await mongo.ledger.completeInSession(params)).toBe(true);
      }),
    );
    expect(await onlyJob(mongo.db)).toMatchObject({ status: 'pending', scheduledFor: at(60_000) });
  });

  test('a job that is not there is missed in a session without a transaction too', async () => {
    await mongo.client.withSession(async (session) => {
      const { _id: jobId } = WAITING_JOB;
      const missing = { outcome: 'missing', job: null };
      expect(await mongo.ledger.amend({ jobId, changes: {}, now: at(1), session })).toEqual(
        missing,
      );
    });
  });

  test('a job that is not pending is not amended, and one that was made in it is', async () => {
    const [made] = makeJobs(1) as [Job];
    await put(mongo.db, [CLAIMED_JOB]);
    await mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        const amend = (jobId: Job['_id']) =>
          mongo.ledger.amend({ jobId, changes: { priority: 5 }, now: at(1), session });
        expect(await amend(CLAIMED_JOB._id)).toMatchObject({ outcome: 'refused' });
        expect(await amend(made._id)).toEqual({ outcome: 'missing', job: null });
        await mongo.ledger.enqueue({ jobs: [made], session });
        expect(await amend(made._id)).toMatchObject({ outcome: 'amended' });
      }),
    );
    expect(await jobsIn(mongo.db).findOne({ _id: made._id })).toMatchObject({ priority: 5 });
  });

  describe.each([
    ['until its job is done', 'uniqueLock'],
    ['until its job starts', 'startLock'],
  ] as const)('a key that is held %s, and taken,', (_, field) => {
    const keyed = (): Job => makeJobs(1, { uniqueKey: 'key', [field]: 'key:key' })[0] as Job;
    const outcomeIn = async (session: ClientSession): Promise<string | undefined> => {
      const { answers } = await mongo.ledger.enqueue({ jobs: [keyed()], session });
      return answers[0]?.outcome;
    };

    test('is free in the next try when its holder has run since the transaction began', async () => {
      await put(mongo.db, [keyed()]);
      const tries: (string | undefined)[] = [];
      await mongo.client.withSession((session) =>
        session.withTransaction(async () => {
          // Its snapshot is from here.
          await jobsIn(mongo.through).findOne({}, { session });
          if (tries.push('begun') === 1) await runAll();
          tries.push(await outcomeIn(session));
        }),
      );
      expect(tries).toEqual(['begun', 'begun', 'enqueued']);
      expect(await statesOf(mongo.db)).toEqual({ completed: 1, pending: 1 });
    });

    test('makes whoever changes its holder meet the transaction, and shows nothing of that', async () => {
      const holder = keyed();
      await put(mongo.db, [holder]);
      await mongo.client.withSession(async (session) => {
        session.startTransaction();
        expect(await outcomeIn(session)).toBe('existing');
        const other = mongo.client.withSession((rival) =>
          rival.withTransaction(async () => {
            const change = { $set: { status: 'processing' } } as const;
            await jobsIn(mongo.through)
              .updateOne({ _id: holder._id }, change, { session: rival })
              .catch(({ code }: MongoServerError) => Promise.reject(new Error(`Code ${code}`)));
          }),
        );
        await expect(other).rejects.toThrow('Code 112');
        await session.commitTransaction();
      });
      expect(await mongo.ledger.getJob({ jobId: holder._id })).toEqual(holder);
      expect((await claim(mongo.rival)).jobs).toMatchObject([{ _id: holder._id }]);
    });

    test('costs one write more in a transaction, and none outside or where its holder runs', async () => {
      const holder = keyed();
      const costs = async (begin: (session: ClientSession) => void): Promise<string[]> => {
        const commands = await mongo.log.during(() =>
          mongo.client.withSession(async (session) => {
            begin(session);
            expect(await outcomeIn(session)).toBe('existing');
            if (session.inTransaction()) await session.commitTransaction();
          }),
        );
        return namesOf(commands);
      };
      const inOne = (session: ClientSession): void => session.startTransaction();
      await put(mongo.db, [holder]);
      expect(await costs(() => undefined)).toEqual(['findAndModify']);
      expect(await costs(inOne)).toEqual(['findAndModify', 'update', 'commitTransaction']);
      await jobsIn(mongo.db).updateOne({ _id: holder._id }, { $set: { status: 'processing' } });
      expect(await costs(inOne)).toEqual(['findAndModify', 'commitTransaction']);
    });
  });

  async function runAll(): Promise<void> {
    const { jobs } = await claim(mongo.rival);
    const settlements = jobs.map((job) => settlement('complete', job));
    await mongo.rival.settle({ settlements, now: at(1) });
  }
});

function expectAnswer(actual: unknown, expected: unknown): void {
  if (typeof expected === 'boolean') expect(actual).toBe(expected);
  else expect(actual).toMatchObject(expected as object);
}
