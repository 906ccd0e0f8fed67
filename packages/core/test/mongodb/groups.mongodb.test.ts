// Groups as MongoDB has them: heads without documents, one statement that names, and what a job costs, counted.
import type { Db, Document } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { systemRandom } from '../../src/foundation/random.ts';
import type { Job } from '../../src/job/job.ts';
import { groupFields, laneOfGroup } from '../../src/job/lanes.ts';
import type { ClaimGroupsResult, SetGroupParams } from '../../src/ledger/ledger-repository.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { volume } from '../setup/volume.ts';
import { namesOf, onlyCommand } from './command-log.ts';
import { mongoFixture, ownMongoFixture } from './fixture.ts';
import { at, claim as claimPlain, jobsIn, makeJobs, openLedger, settlement } from './jobs.ts';

const GROUPS = 100;
const BACKLOG = volume(100_000, 10_000);
const CHUNK = 20_000;
const MOST_ROUNDS = 20;

const name = makeJobs(1)[0]?.name ?? '';

function inGroups(count: number, group: (index: number) => string): Job[] {
  return makeJobs(count).map((job, index) => ({ ...job, ...groupFields(group(index), 0) }));
}

type Ledger = ReturnType<typeof openLedger>;

function claim(ledger: Ledger, limit: number, now = at(1_000)): Promise<ClaimGroupsResult> {
  return ledger.claimGroups({
    demand: [{ name, limit }],
    ...{ instanceId: 'me', claimToken: systemRandom.token(), now, suspects: false },
  });
}

function set(ledger: Ledger, settings: Partial<SetGroupParams>): Promise<void> {
  return ledger.setGroup({ name, now: at(0), ...settings });
}

describe('a claim for groups', () => {
  const mongo = mongoFixture('groups');
  const lanes = () => mongo.db.collection<{ _id: string }>('jobs.lanes');

  test('reads one key a group and no document, however many jobs lie behind the first ones', async () => {
    const documents = inGroups(BACKLOG, (index) => {
      return index < BACKLOG / 2 ? 'noisy' : `group ${index % (GROUPS - 1)}`;
    });
    for (let start = 0; start < BACKLOG; start += CHUNK) {
      await jobsIn(mongo.db).insertMany(documents.slice(start, start + CHUNK));
    }
    // The first walk learns how many groups there are.
    await claim(mongo.ledger, GROUPS);
    const commands = await mongo.log.during(() => claim(mongo.ledger, GROUPS));
    const heads = commands.filter(({ aggregate }) => aggregate !== undefined);
    const plans = await Promise.all(heads.map((command) => explainHeads(mongo.db, command)));
    expect(plans.every(({ stages }) => stages.includes('DISTINCT_SCAN'))).toBe(true);
    expect(sum(plans.map(({ documents: read }) => read))).toBe(0);
    expect(sum(plans.map(({ keys }) => keys))).toBeLessThanOrEqual(105);
  }, 120_000);

  test('looks at as many groups as it wants jobs, not at all of them', async () => {
    await jobsIn(mongo.db).insertMany(inGroups(2_000, (index) => `group ${index}`));
    for (let round = 0; round < 5; round += 1) await claim(mongo.ledger, 5);
    const commands = await mongo.log.during(() => claim(mongo.ledger, 5));
    const { pipeline } = onlyCommand(commands, 'aggregate');
    const seen = await jobsIn(mongo.db).aggregate(pipeline).toArray();
    expect(seen.length).toBeLessThan(100);
  });

  test('of few groups reads the first jobs of each by one key a job and no document', async () => {
    await mongo.ledger.enqueue({ jobs: inGroups(400, (index) => `group ${index % 4}`) });
    for (let round = 0; round < 3; round += 1) await claim(mongo.ledger, 4);
    const commands = await mongo.log.during(() => claim(mongo.ledger, 40));
    expect(namesOf(commands)).toEqual([...['aggregate', 'find', 'aggregate', 'update', 'find']]);
    const plan = await explainHeads(mongo.db, commands[2] as Document);
    expect(plan.all.keys).toBeLessThanOrEqual(44);
    expect(plan.all.documents).toBe(0);
  });

  test('fills batches that are begun by a key a job and no document, and looks at no other group', async () => {
    await mongo.ledger.enqueue({ jobs: inGroups(400, (index) => `group ${index % 10}`) });
    const begun = ['group 1', 'group 2'].map((group) => ({ group, missing: 20 }));
    const demand = [{ name, limit: 40, batchSize: 30, begun }];
    const claimToken = systemRandom.token();
    const filling = { demand, instanceId: 'me', claimToken, now: at(1_000), suspects: false };
    const commands = await mongo.log.during(() => mongo.ledger.claimGroups(filling));
    expect(namesOf(commands)).toEqual(['aggregate', 'find', 'aggregate', 'update', 'find']);
    const looks = commands.filter(({ aggregate }) => aggregate !== undefined);
    const plans = await Promise.all(looks.map((command) => explainHeads(mongo.db, command)));
    expect(sum(plans.map(({ all }) => all.documents))).toBe(0);
    // After the claim, of as many jobs: the first of each group, and then all that it lacks, with the key that ends each part.
    expect(sum(plans.map(({ all }) => all.keys))).toBeLessThanOrEqual(2 + 40 + 4);
  });

  test('names the jobs of all limited groups in one statement, before it claims them', async () => {
    await set(mongo.ledger, { concurrency: 5 });
    await mongo.ledger.enqueue({ jobs: inGroups(60, (index) => `group ${index % 20}`) });
    for (let round = 0; round < 3; round += 1) await claim(mongo.ledger, 20);
    await mongo.ledger.enqueue({ jobs: inGroups(20, (index) => `group ${index % 20}`) });
    const commands = await mongo.log.during(() => claim(mongo.ledger, 20));
    const writes = commands.filter(({ update }) => update !== undefined);
    expect(writes.map(({ update, updates }) => [update, updates.length])).toEqual([
      ['jobs.lanes', 1],
      ['jobs', 1],
    ]);
    for (const { writeConcern } of writes) expect(writeConcern).toEqual({ w: 'majority' });
    await set(mongo.ledger, { concurrency: null });
  });

  test('takes no job by the word of a lane that was changed meanwhile', async () => {
    await set(mongo.ledger, { concurrency: 2 });
    // Whether two meet is up to the machine, so they are sent until they do.
    let lost = 0;
    let group = '';
    for (let round = 0; lost === 0 && round < MOST_ROUNDS; round += 1) {
      group = `contended ${round}`;
      await mongo.ledger.enqueue({ jobs: inGroups(30, () => group) });
      const claims = await Promise.all(Array.from({ length: 8 }, () => claim(mongo.ledger, 5)));
      expect(claims.flatMap(({ jobs }) => jobs)).toHaveLength(2);
      lost = sum(claims.map((found) => found.lost));
    }
    expect(lost).toBeGreaterThan(0);
    const lane = await lanes().findOne({
      _id: `${name.length}/${name}/${laneOfGroup(group)}`,
    });
    expect(lane).toMatchObject({ held: [{ fence: 1 }, { fence: 1 }] });
    await set(mongo.ledger, { concurrency: null });
  });

  test('goes on with a job that was named and not claimed, and with nobody else', async () => {
    await set(mongo.ledger, { concurrency: 1 });
    const [named, other] = inGroups(2, () => 'crashed') as [Job, Job];
    await mongo.ledger.enqueue({ jobs: [named] });
    const _id = `${name.length}/${name}/${laneOfGroup('crashed')}`;
    const held = [{ job: named._id, fence: 1 }];
    await lanes().insertOne({ _id, held, token: 'of who crashed', usedAt: at(0) } as never);
    await mongo.ledger.enqueue({ jobs: [{ ...other, rank: -50 }] });
    const { jobs } = await claim(mongo.ledger, 5);
    expect(jobs.map((job) => job._id)).toEqual([named._id]);
    await set(mongo.ledger, { concurrency: null });
  });

  test('starts no more than a rate allows by the clock of the server', async () => {
    const rate = { limit: 2, perMs: 3_600_000, burst: 2 };
    await set(mongo.ledger, { group: 'rated', rate });
    await mongo.ledger.enqueue({ jobs: inGroups(4, () => 'rated') });
    const now = await mongo.ledger.readTime();
    expect((await claim(mongo.ledger, 5, now)).jobs).toHaveLength(2);
    // A clock that is an hour ahead is not believed.
    const ahead = await claim(mongo.ledger, 5, new Date(now.getTime() + 3_600_000));
    expect({ jobs: ahead.jobs, lost: ahead.lost }).toEqual({ jobs: [], lost: 1 });
  });

  test('goes on behind those it has looked at, when more groups have no room than one claim looks at', async () => {
    await lanes().deleteMany({});
    await set(mongo.ledger, { concurrency: 0 });
    await jobsIn(mongo.db).insertMany(inGroups(3_000, (index) => `full ${index}`));
    const fresh = openLedger(mongo.db);
    const found = [await claim(fresh, 5), await claim(fresh, 5)];
    await fresh.close();
    expect(found.map(({ jobs, saturated, drained }) => ({ jobs, saturated, drained }))).toEqual([
      { jobs: [], saturated: [name], drained: [] },
      { jobs: [], saturated: [], drained: [name] },
    ]);
    await set(mongo.ledger, { concurrency: null });
  });

  test('leaves a document for groups that are limited alone, which is swept when it is old', async () => {
    await lanes().deleteMany({});
    const jobs = inGroups(3, (index) => ['free', 'bound', 'kept'][index] as string);
    await mongo.ledger.enqueue({ jobs });
    await set(mongo.ledger, { group: 'bound', concurrency: 1 });
    await set(mongo.ledger, { group: 'kept', concurrency: 1 });
    expect((await claim(mongo.ledger, 9)).jobs).toHaveLength(3);
    expect(await lanes().countDocuments()).toBe(2);
    await set(mongo.ledger, { group: 'bound', concurrency: null });
    const old = { usedBefore: new Date(Date.now() + 60_000), limit: 10 };
    expect(await mongo.ledger.sweepOrders(old)).toEqual({ swept: 0 });
    await jobsIn(mongo.db).deleteMany({});
    expect(await mongo.ledger.sweepOrders(old)).toEqual({ swept: 1 });
    expect(await lanes().countDocuments()).toBe(1);
    await lanes().deleteMany({});
  });
});

interface Cost {
  readonly commands: number;
  /** That were inserted, changed or read. */
  readonly documents: number;
  /** That were looked at in indexes. */
  readonly keys: number;
}

describeWithOwnMongo('the cost of a job with a group', (binary) => {
  const mongo = ownMongoFixture(binary);

  const JOBS = 100;
  const ROUNDS = volume(12, 6);

  /** What storing, claiming and ending so many jobs costs, when it was done some times before. */
  async function costOf(
    jobs: () => readonly Job[],
    take: () => Promise<{ readonly jobs: readonly Job[] }>,
  ): Promise<Cost> {
    const round = async (): Promise<void> => {
      await mongo.ledger.enqueue({ jobs: jobs() });
      const claimed = (await take()).jobs;
      expect(claimed).toHaveLength(JOBS);
      const settlements = claimed.map((job) => settlement('complete', job));
      await mongo.ledger.settle({ settlements, now: at(2_000) });
    };
    for (let warmUp = 0; warmUp < ROUNDS; warmUp += 1) await round();
    const before = await counters();
    const commands: Document[] = [];
    for (let counted = 0; counted < ROUNDS; counted += 1) {
      commands.push(...(await mongo.log.during(round)));
    }
    const after = await counters();
    return {
      commands: commands.length / ROUNDS,
      documents: (after.documents - before.documents) / ROUNDS,
      keys: (after.keys - before.keys) / ROUNDS,
    };
  }

  async function counters(): Promise<Omit<Cost, 'commands'>> {
    const { metrics } = await mongo.db.admin().serverStatus();
    const { inserted, updated, returned } = metrics.document;
    return {
      documents: Number(inserted) + Number(updated) + Number(returned),
      keys: Number(metrics.queryExecutor.scanned),
    };
  }

  test.each([
    ['one job of each group a claim', 100, 2],
    ['five jobs of each group a claim', 20, 1.65],
  ])(
    'is bounded by that of a plain job: %s',
    async (_, groups, most) => {
      const plain = await costOf(
        () => makeJobs(JOBS),
        () => claimPlain(mongo.ledger, { limit: JOBS }),
      );
      await set(mongo.ledger, { concurrency: 8 });
      const grouped = await costOf(
        () => inGroups(JOBS, (index) => `group ${index % groups}`),
        () => claim(mongo.ledger, JOBS),
      );
      const ratio = (part: keyof Cost): number => grouped[part] / plain[part];
      expect(ratio('documents')).toBeLessThanOrEqual(most);
      expect(ratio('keys')).toBeLessThanOrEqual(most);
      expect(ratio('commands')).toBeLessThanOrEqual(2);
    },
    60_000,
  );

  test('changes nothing for a job without one', async () => {
    const commands = async (): Promise<readonly string[]> => {
      const sent = await mongo.log.during(async () => {
        await mongo.ledger.enqueue({ jobs: makeJobs(50) });
        const { jobs } = await claimPlain(mongo.ledger, { limit: 50 });
        const settlements = jobs.map((job) => settlement('complete', job));
        await mongo.ledger.settle({ settlements, now: at(2_000) });
      });
      return namesOf(sent);
    };
    const alone = await commands();
    expect(alone).toEqual(['insert', 'find', 'update', 'find', 'update']);
    await mongo.ledger.enqueue({ jobs: inGroups(1_000, (index) => `group ${index % 10}`) });
    const before = await counters();
    expect(await commands()).toEqual(alone);
    const after = await counters();
    // Each job: one key of the look, of the claim, of what was won and of the end, and the one that ends the look.
    expect(after.keys - before.keys).toBeLessThanOrEqual(4 * 50 + 1);
  });
});

interface Plan {
  readonly stages: readonly string[];
  readonly keys: number;
  readonly documents: number;
  /** Of all parts of a union. */
  readonly all: { readonly keys: number; readonly documents: number };
}

async function explainHeads(db: Db, { aggregate, pipeline, hint }: Document): Promise<Plan> {
  const reply = await db.command({
    explain: { aggregate, pipeline, hint, cursor: {} },
    verbosity: 'executionStats',
  });
  const text = JSON.stringify(reply);
  const of = (field: string): number[] =>
    [...text.matchAll(new RegExp(`"${field}":(\\d+)`, 'g'))].map(([, count]) => Number(count));
  const [keys, documents] = [of('totalKeysExamined'), of('totalDocsExamined')];
  return {
    stages: [...text.matchAll(/"stage":"(\w+)"/g)].map(([, stage = '']) => stage),
    ...{ keys: keys[0] ?? Number.NaN, documents: documents[0] ?? Number.NaN },
    all: { keys: sum(keys), documents: sum(documents) },
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
