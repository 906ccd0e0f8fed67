// Orders as MongoDB has them: the place of a job is stamped by the server, and heads are read without a document.
import type { Document, Timestamp } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { OrderSweep } from '../../src/engine/upkeep/order-sweep.ts';
import { systemRandom } from '../../src/foundation/random.ts';
import type { Job } from '../../src/job/job.ts';
import { laneOf, orderFields } from '../../src/job/lanes.ts';
import type { ClaimResult } from '../../src/ledger/ledger-repository.ts';
import { until } from '../setup/until.ts';
import { onlyCommand } from './command-log.ts';
import { mongoFixture } from './fixture.ts';
import { at, JOB_NAME, jobsIn, makeJobs, openLedger, settlement } from './jobs.ts';

const mongo = mongoFixture('orders');

const LANES = 50;

function inOrder(count: number, key: (index: number) => string): Job[] {
  return makeJobs(count).map((job, index) => ({ ...job, ...orderFields(key(index)) }));
}

function claim(name: string, limit: number, ledger = mongo.ledger): Promise<ClaimResult> {
  return ledger.claimOrders({
    demand: [{ name, limit, halts: false }],
    ...{ instanceId: 'me', claimToken: systemRandom.token(), now: at(1_000), suspects: false },
  });
}

async function ranksOf(filter: Document): Promise<Timestamp[]> {
  const found = await jobsIn(mongo.db).find(filter).sort({ 'data.place': 1 }).toArray();
  return found.map(({ rank }) => rank as Timestamp);
}

describe('the place of a job in its order', () => {
  test('is stamped by the server, in the order of the insert', async () => {
    const jobs = inOrder(40, () => 'a').map((job, place) => ({ ...job, data: { place } }));
    await mongo.ledger.enqueue({ jobs: jobs.slice(0, 20) });
    await mongo.ledger.enqueue({ jobs: jobs.slice(20) });
    const ranks = await ranksOf({});
    expect(ranks).toHaveLength(40);
    for (const [index, rank] of ranks.slice(1).entries()) {
      expect(rank.greaterThan(ranks[index] as Timestamp)).toBe(true);
    }
  });

  test.each([
    ['without a key', {}],
    ['with one, which an upsert takes', { uniqueKey: 'k', uniqueLock: 'key:k' }],
  ])('is given in a transaction too, %s', async (_, lock) => {
    const [before, job, after] = inOrder(3, () => 'a').map((one, place) => ({
      ...one,
      data: { place },
    })) as [Job, Job, Job];
    await mongo.ledger.enqueue({ jobs: [before] });
    await mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        const { answers } = await mongo.ledger.enqueue({ jobs: [{ ...job, ...lock }], session });
        expect(answers).toMatchObject([{ outcome: 'enqueued' }]);
      }),
    );
    await mongo.ledger.enqueue({ jobs: [after] });
    const [first, second, third] = (await ranksOf({})) as [Timestamp, Timestamp, Timestamp];
    expect(second.greaterThan(first)).toBe(true);
    expect(third.greaterThan(second)).toBe(true);
    const stored = await jobsIn(mongo.db).findOne({ _id: job._id });
    expect(stored).toMatchObject({ ...lock, name: job.name, status: 'pending', order: 'a' });
  });

  test('stays when a key is taken in a transaction, and so does all else of the holder', async () => {
    const lock = { uniqueKey: 'k', uniqueLock: 'key:k' };
    const [holder, job] = inOrder(2, () => 'a') as [Job, Job];
    await mongo.ledger.enqueue({ jobs: [{ ...holder, ...lock }] });
    const before = await mongo.ledger.getJob({ jobId: holder._id });
    await mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        const taken = { ...job, ...lock, timeout: 7 };
        const { answers } = await mongo.ledger.enqueue({ jobs: [taken], session });
        expect(answers).toMatchObject([{ outcome: 'existing' }]);
      }),
    );
    expect(await mongo.ledger.getJob({ jobId: holder._id })).toEqual(before);
    expect(await jobsIn(mongo.db).countDocuments()).toBe(1);
  });
});

describe('a claim for orders', () => {
  test('reads one key a lane, and no document, whatever lies behind the heads', async () => {
    const jobs = inOrder(LANES * 20, (index) => `key ${index % LANES}`);
    await mongo.ledger.enqueue({ jobs });
    const name = jobs[0]?.name ?? '';
    // The first walk learns how many lanes there are.
    await claim(name, 1);
    const commands = await mongo.log.during(() => claim(name, LANES));
    const heads = commands
      .filter(({ aggregate }) => aggregate !== undefined)
      .map(({ pipeline, ...rest }) => ({ ...rest, pipeline: pipeline.slice(0, -1) }));
    const plans = await Promise.all(heads.map((command) => explainHeads(command)));
    expect(plans.every(({ stages }) => stages.includes('DISTINCT_SCAN'))).toBe(true);
    expect(sum(plans.map(({ documents }) => documents))).toBe(0);
    expect(sum(plans.map(({ keys }) => keys))).toBeLessThanOrEqual(LANES + plans.length);
  });

  test('looks at all lanes in one read where there are few', async () => {
    const [job] = inOrder(1, () => 'a') as [Job];
    await mongo.ledger.enqueue({ jobs: [job] });
    for (let round = 0; round < 3; round += 1) await claim('nobody', 1);
    const commands = await mongo.log.during(() => claim('nobody', 1));
    expect(onlyCommand(commands, 'aggregate')).toBeDefined();
    expect(commands).toHaveLength(1);
  });

  test('names the job in its lane before it claims it', async () => {
    const [job] = inOrder(1, () => 'a') as [Job];
    await mongo.ledger.enqueue({ jobs: [job] });
    const commands = await mongo.log.during(() => claim(job.name, 1));
    const writes = commands.filter(({ insert, update }) => insert ?? update);
    expect(writes.map(({ insert, update }) => insert ?? update)).toEqual([
      `${jobsIn(mongo.db).collectionName}.lanes`,
      jobsIn(mongo.db).collectionName,
    ]);
    for (const { writeConcern } of writes) expect(writeConcern).toEqual({ w: 'majority' });
  });

  test('does not take a job by the word of a lane that was changed meanwhile', async () => {
    const [first] = inOrder(2, () => 'b') as [Job, Job];
    await mongo.ledger.enqueue({ jobs: [first] });
    const lanes = mongo.db.collection<{ _id: string }>(`${jobsIn(mongo.db).collectionName}.lanes`);
    const won = await Promise.all(Array.from({ length: 6 }, () => claim(first.name, 1)));
    expect(won.flatMap(({ jobs }) => jobs)).toHaveLength(1);
    const lane = await lanes.findOne({ _id: `${first.name.length}/${first.name}/${laneOf('b')}` });
    expect(lane).toMatchObject({ held: [{ job: first._id, fence: 1 }] });
  });
});

describe('many orders', () => {
  const lanes = () =>
    mongo.db.collection<{ _id: string }>(`${jobsIn(mongo.db).collectionName}.lanes`);

  test('are looked at a part at a time, once it is known that there are many', async () => {
    await jobsIn(mongo.db).insertMany(inOrder(600, (index) => `many ${index}`));
    const seen: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const commands = await mongo.log.during(() => claim(JOB_NAME, 1));
      for (const { pipeline } of commands.filter(({ aggregate }) => aggregate !== undefined)) {
        seen.push((await jobsIn(mongo.db).aggregate(pipeline).toArray()).length);
      }
    }
    const all = seen.findIndex((count) => count > 500);
    expect(all).toBeGreaterThan(-1);
    expect(seen[all + 1]).toBeLessThan(500);
  });

  test('are all looked at by a few claims, and wanted no more, when in none of them a job may start', async () => {
    const later = inOrder(5_000, (index) => `later ${index}`);
    await jobsIn(mongo.db).insertMany(later.map((job) => ({ ...job, nextRunAt: at(60_000) })));
    const fresh = openLedger(mongo.db);
    const answers: ClaimResult[] = [];
    do {
      answers.push(await claim(JOB_NAME, 5, fresh));
    } while (answers.at(-1)?.drained.length === 0 && answers.length < 10);
    await fresh.close();
    expect(answers.at(-1)).toMatchObject({ jobs: [], saturated: [], drained: [JOB_NAME] });
    expect(answers.length).toBeLessThanOrEqual(4);
  });

  test('are read and swept by page', async () => {
    await lanes().deleteMany({});
    await mongo.ledger.enqueue({ jobs: inOrder(5, (index) => `page ${index}`) });
    const { jobs } = await claim(JOB_NAME, 10);
    const [first] = await lanes().find().sort({ _id: 1 }).limit(1).toArray();
    const free = jobs.find(({ order = '' }) => first?._id.endsWith(laneOf(order))) as Job;
    await mongo.ledger.settle({ settlements: [settlement('complete', free)], now: at(2_000) });
    const read = { name: JOB_NAME, halted: false };
    const all = await mongo.ledger.readOrders({ ...read, limit: 10 });
    expect(all).toHaveLength(4);
    // Its first page has one that nobody holds, and its second one more than is left to say.
    expect(await mongo.ledger.readOrders({ ...read, limit: 2 })).toEqual(all.slice(0, 2));
    await jobsIn(mongo.db).deleteMany({});
    const sweep = { usedBefore: at(60_000), limit: 3 };
    const { swept, position } = await mongo.ledger.sweepOrders(sweep);
    expect(swept).toBe(3);
    expect(await mongo.ledger.sweepOrders({ ...sweep, after: String(position) })).toEqual({
      swept: 2,
    });
  });

  test('in which many jobs supersede others are looked at a part at a time, one behind the other', async () => {
    const place = (key: string) => ({ ...orderFields(key), supersedes: 'cancel' as const });
    await mongo.ledger.enqueue({ jobs: makeJobs(1, place('z')) });
    const [running] = (await claim(JOB_NAME, 1)).jobs;
    const waits = (key: string) => ({
      ...{ ...place(key), uniqueKey: key, uniqueHold: 'untilStarted' as const },
      startLock: `supersede:${key}`,
    });
    const many = Array.from(
      { length: 2_500 },
      (_, index) => makeJobs(1, waits(`k${index}`))[0] as Job,
    );
    await jobsIn(mongo.db).insertMany(many, { ignoreUndefined: true });
    const [newest] = makeJobs(1, waits('z')) as [Job];
    await mongo.ledger.enqueue({ jobs: [newest] });
    const look = async () =>
      (await mongo.ledger.sweepOrders({ usedBefore: at(0), limit: 1, superseded: true }))
        .superseded;
    expect(await look()).toBeUndefined();
    const found = [{ jobId: running?._id, by: newest._id }];
    expect(await look()).toEqual(found);
    expect(await look()).toBeUndefined();
    expect(await look()).toEqual(found);
  });

  test('that nobody used are swept by the upkeep, however many', async () => {
    const old = Array.from({ length: 5_600 }, (_, index) => ({
      ...{ _id: `4/none/${index}`, held: [], halts: false, token: 'old', usedAt: at(0) },
    }));
    await lanes().insertMany(old);
    const ledgerTime = { now: () => at(3_600_000) };
    const errors: unknown[] = [];
    const report = (error: unknown) => errors.push(error);
    const context = { ledger: mongo.ledger, ledgerTime, report };
    const workers = new Map([[JOB_NAME, { order: 'continue' }]]);
    const sweep = new OrderSweep(context as never, workers as never, async () => undefined);
    sweep.look();
    await until('all to be forgotten', async () => (await lanes().countDocuments()) === 0);
    await sweep.stop();
    expect(errors).toEqual([]);
  });
});

async function explainHeads(command: Document): Promise<{
  readonly stages: readonly string[];
  readonly keys: number;
  readonly documents: number;
}> {
  const { aggregate, pipeline, hint } = command;
  const reply = await mongo.db.command({
    explain: { aggregate, pipeline, hint, cursor: {} },
    verbosity: 'executionStats',
  });
  const text = JSON.stringify(reply);
  const stages = [...text.matchAll(/"stage":"(\w+)"/g)].map(([, stage = '']) => stage);
  const first = (field: string): number =>
    Number(new RegExp(`"${field}":(\\d+)`).exec(text)?.[1] ?? Number.NaN);
  return { stages, keys: first('totalKeysExamined'), documents: first('totalDocsExamined') };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
