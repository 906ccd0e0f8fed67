// Groups of many tenants with MongoDB: what a look for those with a due job reads, where few have one, or all at once.
import type { Document } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { systemRandom } from '../../src/foundation/random.ts';
import type { Job } from '../../src/job/job.ts';
import { groupFields } from '../../src/job/lanes.ts';
import type { ClaimGroupsResult } from '../../src/ledger/ledger-repository.ts';
import { failCommand } from '../faults/fail-point.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { mongoFixture, ownMongoFixture } from './fixture.ts';
import { at, JOB_NAME, jobsIn, makeJobs, openLedger } from './jobs.ts';
import { APP_NAME } from './own-server.ts';

const TENANTS = 3_000;
const NOISY = 600;
const LATER = at(3_600_000);

type Ledger = ReturnType<typeof openLedger>;

function inGroups(count: number, group: string, nextRunAt = at(0)): Job[] {
  return makeJobs(count, { nextRunAt }).map((job, index) => ({
    ...job,
    ...groupFields(`${group} ${index}`, 0),
  }));
}

function inGroup(count: number, group: string): Job[] {
  return makeJobs(count).map((job) => ({ ...job, ...groupFields(group, 0) }));
}

function claim(ledger: Ledger, limit: number): Promise<ClaimGroupsResult> {
  return ledger.claimGroups({
    demand: [{ name: JOB_NAME, limit }],
    ...{ instanceId: 'me', claimToken: systemRandom.token(), now: at(1_000), suspects: false },
  });
}

describe('a claim among many groups', () => {
  const mongo = mongoFixture('due-lanes');

  /** What the looks of a claim read. */
  async function costOf(
    commands: readonly Document[],
  ): Promise<{ keys: number; documents: number }> {
    const looks = commands.filter(({ aggregate }) => aggregate !== undefined);
    const cost = { keys: 0, documents: 0 };
    for (const { aggregate, pipeline, hint } of looks) {
      const explained = { aggregate, pipeline, hint, cursor: {} };
      const plan = await mongo.db.command({ explain: explained, verbosity: 'executionStats' });
      const text = JSON.stringify(plan);
      cost.keys += sumOf(text, 'totalKeysExamined');
      cost.documents += sumOf(text, 'totalDocsExamined');
    }
    return cost;
  }

  test('of which few have a due job looks at due jobs alone, once it has counted them', async () => {
    await jobsIn(mongo.db).insertMany(inGroups(TENANTS, 'later', LATER));
    const ledger = openLedger(mongo.db);
    await claim(ledger, 5);
    const idle = await mongo.log.during(() => claim(ledger, 5));
    const none = await costOf(idle);
    expect(none.keys).toBeLessThanOrEqual(1);
    expect(none.documents).toBe(0);
    const jobs = inGroups(3, 'due');
    await jobsIn(mongo.db).insertMany(jobs);
    const commands = await mongo.log.during(() => claim(ledger, 3));
    const claimed = await jobsIn(mongo.db).countDocuments({ status: 'processing' });
    expect(claimed).toBe(3);
    await jobsIn(mongo.db).updateMany({ status: 'processing' }, { $set: { status: 'pending' } });
    const { keys, documents } = await costOf(commands);
    expect(keys).toBeLessThanOrEqual(4);
    expect(documents).toBe(3);
    await ledger.close();
  });

  test('counts them by a key a group of a small part, and no document', async () => {
    await jobsIn(mongo.db).insertMany(inGroups(TENANTS, 'later', LATER));
    const ledger = openLedger(mongo.db);
    const commands = await mongo.log.during(() => claim(ledger, 5));
    const counts = commands.filter(({ pipeline = [] }) => {
      return pipeline.some(({ $count }: Document) => $count !== undefined);
    });
    expect(counts).toHaveLength(1);
    const { keys, documents } = await costOf(counts);
    expect(keys).toBeLessThanOrEqual(TENANTS / 64);
    expect(documents).toBe(0);
    await ledger.close();
  });

  test('gives a quiet group its turn beside one with more due jobs than are looked at one by one', async () => {
    await jobsIn(mongo.db).insertMany(inGroups(TENANTS, 'later', LATER));
    const ledger = openLedger(mongo.db);
    await claim(ledger, 5);
    await jobsIn(mongo.db).insertMany([...inGroup(NOISY, 'noisy'), ...inGroup(1, 'quiet')]);
    const { jobs, saturated } = await claim(ledger, 2);
    expect(jobs.map(({ group }) => group).sort()).toEqual(['noisy', 'quiet']);
    expect(saturated).toEqual([JOB_NAME]);
    await ledger.close();
  });

  test('that become due together ends each look after as many groups as one claim looks at, and takes all', async () => {
    await jobsIn(mongo.db).insertMany(inGroups(TENANTS, 'midnight', LATER));
    const ledger = openLedger(mongo.db);
    await claim(ledger, 5);
    await jobsIn(mongo.db).updateMany({}, { $set: { nextRunAt: at(0) } });
    const commands = await mongo.log.during(() => claim(ledger, 5));
    await jobsIn(mongo.db).updateMany({ status: 'processing' }, { $set: { status: 'pending' } });
    const replies = commands.filter(({ aggregate }) => aggregate !== undefined);
    const counts = await Promise.all(
      replies.map(async ({ pipeline }) => {
        return (await jobsIn(mongo.db).aggregate(pipeline).toArray()).length;
      }),
    );
    // Due jobs by their time, until there are too many, and lanes until a reply is full.
    expect(counts).toEqual([500, 2_000]);
    const ids: string[] = [];
    let isDrained = false;
    for (let claims = 0; !isDrained && claims < 12; claims += 1) {
      const { jobs, drained } = await claim(ledger, 500);
      ids.push(...jobs.map(({ _id }) => _id.toHexString()));
      isDrained = drained.includes(JOB_NAME);
    }
    expect(isDrained).toBe(true);
    expect([ids.length, new Set(ids).size]).toEqual([TENANTS, TENANTS]);
    await ledger.close();
  });
});

describeWithOwnMongo('a look at groups that takes the server too long', (binary) => {
  const mongo = ownMongoFixture(binary);

  test('is followed by looks at smaller parts, which find what there is', async () => {
    await jobsIn(mongo.db).insertMany(inGroup(NOISY, 'noisy'));
    await claim(mongo.ledger, 5);
    const failPoint = await failCommand(mongo.server.direct, {
      ...{ failCommands: ['aggregate'], errorCode: 50, appName: APP_NAME },
    });
    await expect(claim(mongo.ledger, 5)).rejects.toMatchObject({ code: 'UNKNOWN_OUTCOME' });
    await failPoint.off();
    const jobs: Job[] = [];
    const commands = await mongo.log.during(async () => {
      jobs.push(...((await claim(mongo.ledger, 5)).jobs as Job[]));
    });
    expect(jobs).toHaveLength(5);
    const parts = commands.filter(({ aggregate, pipeline = [] }) => {
      return aggregate !== undefined && pipeline[0].$match.lane?.$eq === undefined;
    });
    // One look by time, and parts of a sixteenth.
    expect(parts).toHaveLength(18);
  });
});

function sumOf(text: string, field: string): number {
  const found = [...text.matchAll(new RegExp(`"${field}":(\\d+)`, 'g'))];
  return found.reduce((sum, [, count]) => sum + Number(count), 0);
}
