// What one member cannot show: writes that the others have yet to hear of, and a real election.
import { type Db, MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConnectionError, UnknownOutcomeError } from '../../src/foundation/errors.ts';
import { systemRandom } from '../../src/foundation/random.ts';
import type { Job } from '../../src/job/job.ts';
import type { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import type { SettleAnswer } from '../../src/ledger/verbs/settle.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { type ReplicaSet, startReplicaSet } from '../setup/replica-set.ts';
import { until } from '../setup/until.ts';
import {
  at,
  claim,
  INSTANCE,
  idsOf,
  jobsIn,
  makeJobs,
  openLedger,
  settlement,
  TOKEN,
} from './jobs.ts';

const BATCHES = 60;
const JOBS_A_BATCH = 5;
const JOBS = BATCHES * JOBS_A_BATCH;
const KILL_AFTER = JOBS / 3;

describeWithOwnMongo('a ledger on three members', (binary) => {
  let set: ReplicaSet;
  let client: MongoClient;
  let db: Db;

  beforeAll(async () => {
    set = await startReplicaSet({ binary, members: 3 });
    client = new MongoClient(set.uri, { heartbeatFrequencyMS: 500 });
    db = client.db('test');
  });

  afterAll(async () => {
    await client?.close();
    await set?.stop();
  });

  test('does not deny a claim that the other members have yet to hear of', async () => {
    const ledger = openLedger(db, { collectionName: 'lagging' });
    await ledger.enqueue({ jobs: makeJobs(3) });
    const members = await secondaries();
    const stops = await Promise.all(members.map(stopReplication));
    await expect(claim(ledger, { deadlineMs: 300 })).rejects.toBeInstanceOf(UnknownOutcomeError);
    const reading = ledger.readClaim({ instanceId: INSTANCE, claimToken: TOKEN });
    await ledger.readTime();
    await Promise.all(stops.map((goOn) => goOn()));
    expect(await reading).toHaveLength(3);
    await Promise.all(members.map((member) => member.close()));
  });

  test('loses no acknowledged job to the death of its primary, runs none twice, and settles all', async () => {
    const ledger = openLedger(db);
    await ledger.open();
    const acknowledged: Job[] = [];
    const runs: Job[] = [];
    const answers: SettleAnswer[] = [];
    await Promise.all([
      enqueueAll(ledger, acknowledged),
      ...[1, 2].map(() => runAll(ledger, runs, answers)),
      killPrimaryOnce(() => acknowledged.length >= KILL_AFTER),
    ]);
    expect(idsOf(acknowledged)).toHaveLength(JOBS);
    expect(idsOf(runs)).toEqual(idsOf(acknowledged));
    expect(new Set(answers)).toEqual(new Set(['settled']));
    const stored = await jobsIn(db).find().toArray();
    expect(idsOf(stored)).toEqual(idsOf(acknowledged));
    expect(stored.every(({ status, fence }) => status === 'completed' && fence === 1)).toBe(true);
  }, 60_000);

  async function enqueueAll(ledger: MongoLedgerRepository, acknowledged: Job[]): Promise<void> {
    for (let batch = 0; batch < BATCHES; batch += 1) {
      const jobs = makeJobs(JOBS_A_BATCH);
      await untilAnswered(() => ledger.enqueue({ jobs }));
      acknowledged.push(...jobs);
    }
  }

  /** Claims and completes until every job was run. */
  async function runAll(
    ledger: MongoLedgerRepository,
    runs: Job[],
    answers: SettleAnswer[],
  ): Promise<void> {
    while (runs.length < JOBS) {
      const jobs = await claimOrRead(ledger, systemRandom.token());
      runs.push(...jobs);
      const settlements = jobs.map((job) => settlement('complete', job));
      const result = await untilAnswered(() => ledger.settle({ settlements, now: at(1) }));
      answers.push(...result.answers);
    }
  }

  /** A claim whose answer was lost is not sent again, but read by its token. */
  async function claimOrRead(
    ledger: MongoLedgerRepository,
    claimToken: string,
  ): Promise<readonly Job[]> {
    try {
      return (await claim(ledger, { claimToken, limit: 7 })).jobs;
    } catch (error) {
      if (!isUnanswered(error)) throw error;
      return untilAnswered(() => ledger.readClaim({ instanceId: INSTANCE, claimToken }));
    }
  }

  async function secondaries(): Promise<MongoClient[]> {
    const { primary } = await client.db('admin').command({ hello: 1 });
    return set.hosts
      .filter((host) => host !== primary)
      .map((host) => new MongoClient(`mongodb://${host}/?directConnection=true`));
  }

  async function killPrimaryOnce(isTime: () => boolean): Promise<void> {
    await until('enough jobs to be stored', isTime, 30_000);
    const { primary } = await client.db('admin').command({ hello: 1 });
    set.kill(Number(String(primary).split(':')[1]));
  }
});

/** The member goes on voting, and copies nothing more until it is let. */
async function stopReplication(member: MongoClient): Promise<() => Promise<unknown>> {
  const admin = member.db('admin');
  const configureFailPoint = 'stopReplProducer';
  const { count } = await admin.command({ configureFailPoint, mode: 'alwaysOn' });
  await admin.command({
    waitForFailPoint: configureFailPoint,
    timesEntered: Number(count) + 1,
    maxTimeMS: 10_000,
  });
  return () => admin.command({ configureFailPoint, mode: 'off' });
}

async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  const answer = await until(
    'an answer after the election',
    async () => {
      try {
        return { value: await call() };
      } catch (error) {
        if (isUnanswered(error)) return undefined;
        throw error;
      }
    },
    30_000,
  );
  return answer.value;
}

function isUnanswered(error: unknown): boolean {
  return error instanceof UnknownOutcomeError || error instanceof ConnectionError;
}
