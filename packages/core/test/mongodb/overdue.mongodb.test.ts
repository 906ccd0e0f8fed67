// How overdue jobs are found: which commands it takes, and what these read.
import type { Document } from 'mongodb';
import { afterEach, expect, test } from 'vitest';
import type { ClaimResult, Demand } from '../../src/ledger/ledger-repository.ts';
import type { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { ManualClock, makeJob, SeededRandom } from '../../src/testing/index.ts';
import { describeWithMongo } from '../setup/mongodb.ts';
import { namesOf } from './command-log.ts';
import { explain } from './explain.ts';
import { mongoFixture } from './fixture.ts';
import { at, claim, JOB_NAME, makeJobs, openLedger, put } from './jobs.ts';

const PRIORITIES = [-10, -1, 0, 3, 50];

describeWithMongo('overdue jobs in MongoDB', () => {
  const mongo = mongoFixture('overdue');

  afterEach(async () => {
    await mongo.db.command({ planCacheClear: 'jobs' });
  });

  /** Each ledger remembers priorities of its own. */
  async function open(clock = new ManualClock()): Promise<MongoLedgerRepository> {
    const ledger = openLedger(mongo.db, { clock, random: new SeededRandom(7) });
    await ledger.open();
    return ledger;
  }

  /** The commands of a claim that wants so many, of these so many that are overdue by one second. */
  function commandsOf(ledger: MongoLedgerRepository, limit: number, most: number) {
    return mongo.log.during(() => claim(ledger, { demand: [impatient(limit, most)] }));
  }

  test('are read in the order of their due times from all priorities at once, within the index', async () => {
    for (const priority of PRIORITIES) {
      const jobs = Array.from({ length: 4_000 }, (_, index) =>
        makeJob({ name: JOB_NAME, priority, nextRunAt: at(-20_000 + index * 5) }),
      );
      await put(mongo.db, jobs);
    }
    const finds = findsOf(await commandsOf(await open(), 100, 50));
    expect(finds.hops).toHaveLength(PRIORITIES.length + 1);
    for (const hop of finds.hops) {
      const plan = await explain(mongo.db, hop);
      expect(plan).toMatchObject({ indexes: ['monque_claim'], documents: 0 });
      expect(plan.keys).toBeLessThanOrEqual(2);
    }
    expect(finds.reads[0]?.filter.priority).toEqual({ $in: PRIORITIES.toReversed() });
    const [plan] = await Promise.all(finds.reads.map((read) => explain(mongo.db, read)));
    expect(plan).toMatchObject({ indexes: ['monque_claim'], documents: 0 });
    expect(plan?.stages).toContain('SORT_MERGE');
    expect(plan?.stages).not.toContain('SORT');
    expect(plan?.keys).toBeLessThanOrEqual(50 + PRIORITIES.length);
    expect(finds.reads).toHaveLength(1);
  }, 60_000);

  test('that are not there cost one small read every two seconds', async () => {
    for (const priority of PRIORITIES) await put(mongo.db, makeJobs(1_000, { priority }));
    const clock = new ManualClock();
    const ledger = await open(clock);
    const first = await commandsOf(ledger, 10, 5);
    expect(namesOf(first)).toEqual(['find', 'find', 'update', 'find']);
    const { hops } = findsOf(first);
    expect(hops).toHaveLength(1);
    const plan = await explain(mongo.db, hops[0] as Document);
    expect(plan).toMatchObject({ indexes: ['monque_claim'], documents: 0 });
    expect(plan.keys).toBeLessThanOrEqual(2 * PRIORITIES.length + 1);
    await put(mongo.db, makeJobs(1, { priority: 60, nextRunAt: at(-5_000) }));
    await clock.advance(1_999);
    expect(namesOf(await commandsOf(ledger, 10, 5))).toEqual(['find', 'update', 'find']);
    await clock.advance(1);
    const { jobs } = await claim(ledger, { demand: [impatient(10, 5)], claimToken: 'third' });
    expect(jobs.at(-1)).toMatchObject({ priority: 60 });
  });

  test('of a name that nobody asks overdue jobs of cost no command', async () => {
    await put(mongo.db, makeJobs(20, { nextRunAt: at(-5_000) }));
    const demand = [{ name: JOB_NAME, limit: 10 }];
    const ledger = await open();
    const commands = await mongo.log.during(() => claim(ledger, { demand }));
    expect(namesOf(commands)).toEqual(['find', 'update', 'find']);
  });

  test('are no matter of a claim of suspects', async () => {
    await put(mongo.db, makeJobs(2, { rescueCount: 2, nextRunAt: at(-5_000) }));
    const ledger = await open();
    const work = () => claim(ledger, { demand: [impatient(2, 1)], suspects: true });
    expect(namesOf(await mongo.log.during(work))).toEqual(['find', 'findAndModify']);
  });

  test('are shared by chance among rivals, from as many more as there are rivals', async () => {
    const jobs = Array.from({ length: 40 }, (_, index) =>
      makeJob({ name: JOB_NAME, priority: 40 - index, nextRunAt: at(-5_000 + index) }),
    );
    await put(mongo.db, jobs);
    const ledger = await open();
    let result: ClaimResult | undefined;
    const work = async () => {
      result = await claim(ledger, { demand: [impatient(4, 2)], widening: 4 });
    };
    const { reads } = findsOf(await mongo.log.during(work));
    expect(reads[0]?.limit).toBe(8);
    expect(result?.attempted).toBe(4);
    const oldest = jobs.slice(0, 8).map(({ priority }) => priority);
    const taken = result?.jobs.filter(({ priority }) => oldest.includes(priority)) ?? [];
    expect(taken).toHaveLength(2);
    expect(taken.map(({ priority }) => priority)).not.toEqual([39, 40]);
  });

  test('at more priorities than the server can merge are taken from the least urgent ones', async () => {
    const jobs = Array.from({ length: 203 }, (_, index) =>
      makeJob({ name: JOB_NAME, priority: index / 10, nextRunAt: at(-5_000 + index) }),
    );
    await put(mongo.db, jobs);
    const ledger = await open();
    const { hops, reads } = findsOf(await commandsOf(ledger, 2, 1));
    expect(hops).toHaveLength(200);
    const plan = await explain(mongo.db, reads[0] as Document);
    expect(plan.stages).not.toContain('SORT');
    const left = await claim(ledger, { demand: [impatient(1, 1)], claimToken: 'second' });
    // The first claim took the one that was due first of the 200, and the most urgent.
    expect(left.jobs.map(({ priority }) => priority)).toEqual([0.4]);
  }, 60_000);
});

function impatient(limit: number, most: number): Demand {
  return { name: JOB_NAME, limit, overdue: { before: at(-1_000), limit: most } };
}

/** The looks for priorities, and the reads by due time. */
function findsOf(commands: readonly Document[]): { hops: Document[]; reads: Document[] } {
  const hops = commands.filter(({ projection }) => projection?.priority === 1);
  const reads = commands.filter(({ sort }) => Object.keys(sort ?? {})[0] === 'nextRunAt');
  return { hops, reads };
}
