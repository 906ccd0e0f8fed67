// Walks through very many orders: each look is bounded, goes on behind the last one, and gives every order its turn.
import { Collection, type Document } from 'mongodb';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemRandom } from '../../src/foundation/random.ts';
import type { Job } from '../../src/job/job.ts';
import { hashStart, LANE_HASHES, orderFields } from '../../src/job/lanes.ts';
import type { ClaimOrdersParams, ClaimResult } from '../../src/ledger/ledger-repository.ts';
import { volume } from '../setup/volume.ts';
import { mongoFixture } from './fixture.ts';
import { at, JOB_NAME, jobsIn, makeJobs, openLedger, put, settlement } from './jobs.ts';

const mongo = mongoFixture('order-walks');

/** More than one look reads, and than one claim looks at. */
const MANY = 5_000;
const MOST_A_LOOK = 2_000;

afterEach(() => {
  vi.restoreAllMocks();
});

/** The first job of so many orders. */
function firstOfMany(count: number, overrides: Partial<Job> = {}): Job[] {
  return makeJobs(count, overrides).map((job, index) => ({ ...job, ...orderFields(`${index}`) }));
}

function claim(
  limit: number,
  params: Partial<ClaimOrdersParams> = {},
  ledger = mongo.ledger,
): Promise<ClaimResult> {
  return ledger.claimOrders({
    demand: [{ name: JOB_NAME, limit, halts: false }],
    ...{ instanceId: 'me', claimToken: systemRandom.token(), now: at(1_000), suspects: false },
    ...params,
  });
}

/** A ledger that has learned from looks at nothing that all orders go in one. */
async function openWide(): Promise<typeof mongo.ledger> {
  const ledger = openLedger(mongo.db);
  for (let look = 0; look < 3; look += 1) await claim(1, {}, ledger);
  return ledger;
}

function rangesOf(commands: readonly Document[]): { readonly $gt: string; readonly $lt: string }[] {
  return commands
    .filter(({ aggregate }) => aggregate !== undefined)
    .map(({ pipeline }) => pipeline[0].$match.lane);
}

/** How many lanes and jobs each of the other reads asks for. */
function asked(commands: readonly Document[]): number[] {
  return commands.flatMap(({ filter }) => filter?._id?.$in?.length ?? []);
}

describe('where very many orders become due at once', () => {
  test('a look that was wide is bounded all the same, and the next ones are for less', async () => {
    const ledger = await openWide();
    await put(mongo.db, firstOfMany(MANY, { nextRunAt: at(60_000) }));
    const commands = await mongo.log.during(() => claim(5, {}, ledger));
    expect(rangesOf(commands)).toEqual([{ $gt: hashStart(0), $lt: hashStart(LANE_HASHES) }]);
    expect(asked(commands)).toEqual([MOST_A_LOOK]);
    const more = await mongo.log.during(() => claim(5, {}, ledger));
    const ranges = rangesOf(more);
    expect(ranges.length).toBeGreaterThan(1);
    expect(Math.max(...asked(more))).toBeLessThan(MOST_A_LOOK / 2);
    // It begins behind the last lane that was read.
    const lanes = await jobsIn(mongo.db).distinct('lane');
    expect(ranges[0]?.$gt).toBe((lanes as string[]).sort()[MOST_A_LOOK - 1]);
    await ledger.close();
  });

  test.each([
    ['', MANY, undefined],
    [', also where each look is made twice', 2_500, 'earlier'],
  ])('all are found by claims that go on behind one another%s', async (_, count, earlier) => {
    const leases = mongo.db.collection<{ _id: string; status: string }>('jobs.instances');
    if (earlier) await leases.insertOne({ _id: earlier, status: 'live' });
    const ledger = await openWide();
    await put(mongo.db, firstOfMany(count));
    const keys = new Set<string | undefined>();
    for (let round = 0; round < 9 && keys.size < count; round += 1) {
      const { jobs } = await claim(1_000, {}, ledger);
      for (const { order } of jobs) keys.add(order);
    }
    expect(keys.size).toBe(count);
    await leases.deleteMany();
    await ledger.close();
  });

  test('a look that fails is for less the next time', async () => {
    const ledger = await openWide();
    await put(mongo.db, firstOfMany(10));
    vi.spyOn(Collection.prototype, 'aggregate').mockImplementationOnce(() => {
      throw new Error('Exceeded memory limit');
    });
    await expect(claim(1, {}, ledger)).rejects.toThrow('Exceeded memory limit');
    const ranges = rangesOf(await mongo.log.during(() => claim(1, {}, ledger)));
    expect(ranges[0]).toEqual({ $gt: hashStart(0), $lt: hashStart(LANE_HASHES / 16) });
    await ledger.close();
  });
});

describe('where one of very many orders begins with a suspect', () => {
  const look = (): Promise<ClaimResult> => claim(1, { suspects: true });

  test('it is found by a few looks, though other jobs are claimed between them', async () => {
    const [suspect, ...others] = firstOfMany(MANY) as [Job, ...Job[]];
    await put(mongo.db, [{ ...suspect, rescueCount: 2 }, ...others]);
    const found: Job[] = [];
    for (let round = 0; round < 5 && found.length === 0; round += 1) {
      found.push(...(await look()).jobs);
      await claim(1);
    }
    expect(found.map(({ _id }) => _id)).toEqual([suspect._id]);
  });

  test('it is known when there is none', async () => {
    await put(mongo.db, firstOfMany(MANY));
    const answers: ClaimResult[] = [];
    while (answers.length < 5 && !answers.at(-1)?.drained.length) {
      answers.push(await look());
      await claim(1);
    }
    expect(answers.length).toBeGreaterThan(1);
    expect(answers.at(-1)?.drained).toEqual([JOB_NAME]);
  });
});

test('of orders that all have more to do than there is room for, each gets its turn', async () => {
  await put(mongo.db, firstOfMany(3_200));
  const [room, rounds] = [5, volume(60, 30)];
  const keys = new Set<string | undefined>();
  for (let round = 0; round < rounds; round += 1) {
    const { jobs } = await claim(room);
    for (const { order } of jobs) keys.add(order);
    // Each has another one behind it.
    const settlements = jobs.map((job) => settlement('release', job));
    await mongo.ledger.settle({ settlements, now: at(1_000) });
  }
  // Of 16 parts of the hashes each was looked at more than once.
  expect(keys.size).toBeGreaterThan(0.8 * room * rounds);
});
