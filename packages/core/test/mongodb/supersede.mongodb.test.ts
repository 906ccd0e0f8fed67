// What an enqueue that supersedes costs on MongoDB: its commands, and what its reads look at, counted.
import type { Document } from 'mongodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { systemRandom } from '../../src/foundation/random.ts';
import { type Job, Monque } from '../../src/index.ts';
import { orderFields } from '../../src/job/lanes.ts';
import type { Supersede } from '../../src/types-api.ts';
import { nameOf, namesOf } from './command-log.ts';
import { mongoFixture } from './fixture.ts';
import { at, INSTANCE, JOB_NAME, jobsIn, makeClaimed, makeJobs, settlement } from './jobs.ts';

const KEY = 'k';
const OTHERS = 300;

/** The one that is looked for, and the one behind it. */
const MOST_KEYS = 2;

describe('an enqueue that supersedes', () => {
  const mongo = mongoFixture('supersede');
  let monque: Monque;

  beforeEach(async () => {
    await mongo.db.dropDatabase();
    monque = new Monque(mongo.db, { collectionName: 'jobs', logger: false });
    await mongo.ledger.openLease({ instanceId: INSTANCE, leaseDurationMs: 30_000 });
    await monque.initialize();
  });

  test('reads twice where one of its key runs, and asks that one to cancel', async () => {
    await put();
    const running = await claimed();
    await putOthers();
    const commands = await sentBy({});
    // A cancel tries for a job that waits, then for one that runs.
    expect(namesOf(commands)).toEqual([
      ...['insert', 'find', 'find', 'findAndModify', 'findAndModify'],
    ]);
    expect(await looksOf(commands)).toEqual([LANE, HOLDER]);
    expect(await monque.getJob(running._id)).toMatchObject({ cancelRequestedAt: expect.any(Date) });
  });

  test('that leaves the one that runs to finish reads nothing', async () => {
    await put();
    await claimed();
    await putOthers();
    expect(namesOf(await sentBy({ running: 'finish' }))).toEqual(['insert']);
  });

  test('reads three times where the key is new, and once more of an instance that it never met', async () => {
    await putOthers();
    expect(namesOf(await sentBy({}))).toEqual(['insert', 'find', 'aggregate', 'find', 'find']);
    const commands = await sentBy({}, 'another');
    expect(namesOf(commands)).toEqual(['insert', 'find', 'aggregate', 'find']);
    expect(await looksOf(commands)).toEqual([NO_LANE, CLAIMANTS, FIRST]);
  });

  test('reads four times where the one before it has ended', async () => {
    await put();
    const settlements = [settlement('complete', await claimed())];
    await mongo.ledger.settle({ settlements, now: at(2_000) });
    await putOthers();
    await sentBy({}, 'another');
    const commands = await sentBy({});
    expect(namesOf(commands)).toEqual(['insert', 'find', 'find', 'aggregate', 'find']);
    expect(await looksOf(commands)).toEqual([LANE, HOLDER, CLAIMANTS, FIRST]);
  });

  test('that changes the one that waits finds it by its lock, and reads no more than before', async () => {
    const waiting = await put();
    await putOthers();
    await sentBy({}, 'another');
    const commands = await sentBy({});
    expect(namesOf(commands)).toEqual([
      ...['insert', 'find', 'findAndModify', 'find', 'aggregate', 'find'],
    ]);
    expect(await looksOf(commands)).toEqual([LOCK, NO_LANE, CLAIMANTS, FIRST]);
    expect(await monque.getJob(waiting._id)).toMatchObject({ data: 'new', status: 'pending' });
  });

  /** What a read looked at, by the lane, its holder, who claims at all, the first that waits, and the lock. */
  const LANE = { read: 'find', documents: 1 };
  const NO_LANE = { read: 'find', documents: 0 };
  const HOLDER = { read: 'find', documents: 1 };
  const CLAIMANTS = { read: 'aggregate', documents: 0 };
  const FIRST = { read: 'find', documents: 0 };
  const LOCK = { read: 'find', documents: 1 };

  function put(): Promise<Job> {
    return monque.enqueue(JOB_NAME, 'old', { supersede: { key: KEY }, runAt: at(0) });
  }

  /** What another instance claims. */
  async function claimed(): Promise<Job> {
    const { jobs } = await mongo.ledger.claimOrders({
      demand: [{ name: JOB_NAME, limit: 1, halts: false }],
      ...{ instanceId: INSTANCE, claimToken: systemRandom.token(), now: at(1), suspects: false },
    });
    return jobs[0] as Job;
  }

  /** What there is to pass by: jobs of other keys and of none, claims, and what the key had before. */
  async function putOthers(): Promise<void> {
    const ended = { status: 'completed', finishedAt: at(0), ...orderFields(KEY) } as const;
    await jobsIn(mongo.db).insertMany([
      ...makeJobs(OTHERS).map((job, index) => ({ ...job, ...orderFields(`other ${index % 50}`) })),
      ...[...makeJobs(OTHERS), ...makeJobs(OTHERS, ended), ...makeClaimed(OTHERS)],
    ]);
  }

  function sentBy(options: Omit<Supersede, 'key'>, key = KEY): Promise<Document[]> {
    const supersede = { key, ...options };
    return mongo.log.during(() => monque.enqueue(JOB_NAME, 'new', { supersede }));
  }

  async function looksOf(commands: readonly Document[]): Promise<Document[]> {
    const reads = commands.filter((command) => ['find', 'aggregate'].includes(nameOf(command)));
    return Promise.all(reads.map(lookOf));
  }

  async function lookOf(command: Document): Promise<Document> {
    const { find, filter, projection, sort, limit, aggregate, pipeline, hint } = command;
    const asked =
      find === undefined
        ? { aggregate, pipeline, hint, cursor: {} }
        : { find, filter, projection, sort, limit, hint };
    const given = Object.entries(asked).filter(([, value]) => value !== undefined);
    const reply = await mongo.db.command({
      explain: Object.fromEntries(given),
      verbosity: 'executionStats',
    });
    const text = JSON.stringify(reply);
    const first = (field: string): number =>
      Number(new RegExp(`"${field}":(\\d+)`).exec(text)?.[1] ?? Number.NaN);
    expect(first('totalKeysExamined')).toBeLessThanOrEqual(MOST_KEYS);
    return { read: nameOf(command), documents: first('totalDocsExamined') };
  }
});
