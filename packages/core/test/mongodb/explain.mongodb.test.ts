// Explains the very commands that the ledger sends, so that the plans cannot drift from the code.
import { afterEach, expect, test } from 'vitest';
import type { Job } from '../../src/job/job.ts';
import { describeWithMongo } from '../setup/mongodb.ts';
import { volume } from '../setup/volume.ts';
import { nameOf, onlyCommand } from './command-log.ts';
import { type Explained, explain, statementsOf } from './explain.ts';
import { mongoFixture } from './fixture.ts';
import {
  at,
  claim,
  INSTANCE,
  JOB_NAME,
  jobsIn,
  makeClaimed,
  makeForeign,
  makeJobs,
  put,
  settlement,
  TOKEN,
} from './jobs.ts';

const COVERED = ['LIMIT', 'PROJECTION_COVERED', 'IXSCAN'];

describeWithMongo('the plans of the commands of the ledger', () => {
  const mongo = mongoFixture('explain');

  afterEach(async () => {
    await mongo.db.command({ planCacheClear: 'jobs' });
  });

  test('a claim of one name reads as many keys as it takes jobs, and no document', async () => {
    await put(mongo.db, makeJobs(300));
    const plan = await planOf('find', () => claim(mongo.ledger, { limit: 100 }));
    expect(plan).toMatchObject({ stages: COVERED, keys: 100, documents: 0 });
  });

  test('jobs that are not due, ahead at a better priority, cost a claim one key', async () => {
    await put(mongo.db, makeJobs(volume(20_000, 2_000), { priority: -1, nextRunAt: at(60_000) }));
    await put(mongo.db, makeJobs(300));
    const plan = await planOf('find', () => claim(mongo.ledger, { limit: 100 }));
    expect(plan).toMatchObject({ stages: COVERED, keys: 101, documents: 0 });
  });

  test('a claim that finds nothing passes over the far future at each priority', async () => {
    for (const priority of [-1, 0, 1]) {
      await put(mongo.db, makeJobs(2_000, { priority, nextRunAt: at(3_600_000) }));
    }
    const plan = await planOf('find', () => claim(mongo.ledger, { limit: 100 }));
    expect(plan).toMatchObject({ stages: COVERED, documents: 0 });
    expect(plan.keys).toBeLessThanOrEqual(4);
  });

  test('a claim of 200 names merges sorted scans, with a few keys more than jobs', async () => {
    const demand = Array.from({ length: 200 }, (_, index) => ({ name: `name-${index}`, limit: 5 }));
    await put(
      mongo.db,
      demand.flatMap(({ name }) => makeJobs(10, { name })),
    );
    const plan = await planOf('find', () => claim(mongo.ledger, { demand }));
    expect(plan.stages.slice(0, 4)).toEqual([
      ...['LIMIT', 'PROJECTION_DEFAULT', 'SORT_MERGE', 'IXSCAN'],
    ]);
    expect(plan.documents).toBe(0);
    expect(plan.keys).toBeLessThanOrEqual(1_000 + 200);
  });

  test('each suspect that stands in front costs a claim one key, and no document', async () => {
    await put(mongo.db, makeJobs(50, { priority: -5, rescueCount: 2 }));
    await put(mongo.db, makeJobs(300));
    const plan = await planOf('find', () => claim(mongo.ledger, { limit: 100 }));
    expect(plan).toMatchObject({ stages: COVERED, keys: 150, documents: 0 });
  });

  test('a claim of suspects reads none of the other jobs', async () => {
    await put(mongo.db, makeJobs(1_000));
    await put(mongo.db, makeJobs(3, { priority: 5, rescueCount: 2 }));
    const plan = await planOf('find', () => claim(mongo.ledger, { suspects: true, limit: 3 }));
    expect(plan.indexes).toEqual(['monque_suspects']);
    expect(plan).toMatchObject({ keys: 1, documents: 1 });
  });

  test('what a claim won is read by its token, and nothing else', async () => {
    await put(mongo.db, [...makeClaimed(50), ...makeClaimed(50, { claimToken: 'other' })]);
    const plan = await planOf('find', () =>
      mongo.ledger.readClaim({ instanceId: INSTANCE, claimToken: TOKEN }),
    );
    expect(plan).toMatchObject({ stages: ['FETCH', 'IXSCAN'], keys: 50, documents: 50 });
  });

  test('the claims of an instance are read up to the limit', async () => {
    await put(mongo.db, [...makeClaimed(50), ...makeClaimed(50, { claimedBy: 'other' })]);
    const plan = await planOf('find', () =>
      mongo.ledger.readClaims({ instanceId: INSTANCE, limit: 20 }),
    );
    expect(plan.indexes).toEqual(['monque_claims']);
    expect(plan).toMatchObject({ keys: 20, documents: 20 });
  });

  test('the search for claimants hops from one instance to the next', async () => {
    for (const claimedBy of ['a', 'b', 'known', 'z'])
      await put(mongo.db, makeClaimed(500, { claimedBy }));
    const hops = await mongo.log.during(() => mongo.ledger.findClaimants({ except: ['known'] }));
    expect(hops).toHaveLength(4);
    for (const hop of hops) {
      const plan = await explain(mongo.db, hop);
      expect(plan.indexes).toEqual(['monque_claims']);
      expect(plan.stages).not.toContain('SORT');
      expect(plan.keys).toBeLessThanOrEqual(2);
    }
  });

  test('the claims of an instance, and those of tools without a lease, are counted up to the limit', async () => {
    const foreign = makeForeign(50);
    await put(mongo.db, [
      ...makeClaimed(50),
      ...makeClaimed(50, { claimedBy: 'other' }),
      ...foreign,
    ]);
    for (const instanceId of [INSTANCE, undefined]) {
      const params = { ...(instanceId && { instanceId }), limit: 20 };
      const plan = await planOf('find', () => mongo.ledger.countClaims(params));
      expect(plan.indexes).toEqual(['monque_claims']);
      expect(plan).toMatchObject({ keys: 20, documents: 20 });
    }
  });

  test('due jobs are counted from name to name, past the rest of each, without a document', async () => {
    for (const name of ['a', 'b', 'c']) {
      await put(mongo.db, makeJobs(1_000, { name, nextRunAt: at(-1_000) }));
      await put(mongo.db, makeJobs(1_000, { name, priority: 1, nextRunAt: at(-9_000) }));
      await put(mongo.db, makeJobs(1_000, { name, priority: 2, nextRunAt: at(3_600_000) }));
    }
    await put(mongo.db, makeForeign(500));
    const params = { now: at(0), mostNames: 2, mostJobs: 100 };
    const commands = await mongo.log.during(async () => {
      const { names, isCut } = await mongo.ledger.countDue(params);
      const row = { due: 100, isCut: true, queueLagMs: 9_000 };
      expect([names, isCut]).toEqual([['a', 'b'].map((name) => ({ name, ...row })), true]);
    });
    // Three looks for the next name; for each name its jobs, and twice the first of a less urgent priority.
    expect(commands).toHaveLength(3 + 2 * 3);
    for (const command of commands) {
      const plan = await explain(mongo.db, command);
      expect(plan.indexes).toEqual(['monque_claim']);
      expect(plan.stages).not.toContain('SORT');
      expect(plan.documents).toBe(0);
      expect(plan.keys).toBeLessThanOrEqual(Number(command.limit) + 3);
    }
  });

  test('failed jobs of names are counted within the index for lists, and not at all without it', async () => {
    await put(mongo.db, makeJobs(500, { name: 'a', status: 'failed' }));
    const params = {
      ...{ now: at(0), mostNames: 9, mostJobs: 9, mostFailed: 100 },
      names: ['a', 'b'],
    };
    const without = await mongo.log.during(async () => {
      const { names } = await mongo.ledger.countDue(params);
      expect(names.map(({ failed }) => failed)).toEqual([undefined, undefined]);
    });
    expect(without.filter(({ hint }) => hint === 'monque_list_by_name')).toHaveLength(1);
    const jobs = jobsIn(mongo.db);
    await jobs.createIndex(
      ...([{ name: 1, status: 1, nextRunAt: 1, _id: 1 }, { name: 'monque_list_by_name' }] as const),
    );
    const commands = await mongo.log.during(async () => {
      const { names } = await mongo.ledger.countDue(params);
      expect(names.map(({ failed }) => failed)).toEqual([100, 0]);
    });
    const [count] = commands.filter(({ hint }) => hint === 'monque_list_by_name');
    const plan = await explain(mongo.db, count as never);
    expect(plan.documents).toBe(0);
    expect(plan.keys).toBeLessThanOrEqual(101);
    await jobs.dropIndex('monque_list_by_name');
  });

  test('the next due time is found without a document, past the far future', async () => {
    await put(mongo.db, makeJobs(5_000, { nextRunAt: at(3_600_000) }));
    await put(mongo.db, makeJobs(5, { priority: 1, nextRunAt: at(50) }));
    const plan = await planOf('find', () =>
      mongo.ledger.nextDue({ names: [JOB_NAME], after: at(0), until: at(1_000) }),
    );
    expect(plan).toMatchObject({ stages: COVERED, documents: 0 });
    expect(plan.keys).toBeLessThanOrEqual(5 + 4);
  });

  test('the holder of a unique lock is found by one key', async () => {
    await put(mongo.db, makeJobs(100));
    await put(mongo.db, makeJobs(1, { uniqueLock: 'lock' }));
    const plan = await planOf('find', () =>
      mongo.ledger.enqueue({ jobs: makeJobs(1, { uniqueLock: 'lock' }) }),
    );
    expect(plan).toMatchObject({ stages: ['FETCH', 'IXSCAN'], keys: 1, documents: 1 });
  });

  test('a claim never walks the backlog to find the jobs it chose', async () => {
    // The chosen ones lie far apart by id, and close together in the claim index.
    const urgent = (index: number): boolean => index % 40 === 0;
    const backlog = makeJobs(10_000).map((job, index) => ({
      ...job,
      nextRunAt: urgent(index) ? at(-60_000) : at(-30_000 + index),
    }));
    await put(mongo.db, backlog);
    const plan = await planOf('update', () => claim(mongo.ledger, { limit: 250 }));
    expect(plan.indexes).toEqual(['_id_']);
    expect(plan).toMatchObject({ rejected: 0, documents: 250 });
    expect(plan.keys).toBeLessThanOrEqual(2 * 250);
  });

  test('a settle reads the jobs by their ids, whatever other indexes there are', async () => {
    await jobsIn(mongo.db).createIndex({ status: 1, name: 1 }, { name: 'listing' });
    await put(mongo.db, [
      ...makeClaimed(50),
      ...makeJobs(500),
      ...makeClaimed(500, { name: 'other' }),
    ]);
    const jobs = await jobsIn(mongo.db).find({ status: 'processing', name: JOB_NAME }).toArray();
    const settlements = jobs.map((job) => settlement('complete', job));
    const plan = await planOf('update', () => mongo.ledger.settle({ settlements, now: at(1) }));
    expect(plan.indexes).toEqual(['_id_']);
    expect(plan).toMatchObject({ rejected: 0, documents: 50 });
    await jobsIn(mongo.db).dropIndex('listing');
  });

  test('a rescue writes to the claims it read by their ids', async () => {
    await put(mongo.db, [...makeClaimed(50), ...makeClaimed(500, { claimedBy: 'other' })]);
    const plan = await planOf('update', () =>
      mongo.ledger.rescue({ deadInstanceId: INSTANCE, rescueLimit: 5, now: at(1), limit: 100 }),
    );
    expect(plan.indexes).toEqual(['_id_']);
    expect(plan).toMatchObject({ rejected: 0, documents: 50 });
  });

  test('no command of any verb scans the collection or sorts in memory', async () => {
    const jobs = makeClaimed(5);
    await put(mongo.db, [...jobs, ...makeJobs(5)]);
    await put(mongo.db, makeJobs(2, { rescueCount: 3 }));
    await put(mongo.db, makeJobs(1, { uniqueLock: 'lock' }));
    const before = await dueSoon();
    const commands = await mongo.log.during(() => everyVerb(jobs));
    await restore(before);
    const explained = commands.filter((command) => EXPLAINED.has(nameOf(command)));
    expect(new Set(explained.map(nameOf))).toEqual(EXPLAINED);
    for (const command of explained.flatMap(statementsOf)) {
      const { stages } = await explain(mongo.db, command);
      // The leases are read as a whole: one small document an instance.
      const readsAllLeases = command.find === 'jobs.instances' && !('limit' in command);
      if (!readsAllLeases) expect(stages).not.toContain('COLLSCAN');
      expect(stages).not.toContain('SORT');
    }
  });

  const EXPLAINED: ReadonlySet<string> = new Set(['find', 'update', 'findAndModify', 'delete']);

  async function everyVerb([first, ...others]: readonly Job[]): Promise<void> {
    if (first === undefined) throw new Error('Expected jobs');
    const now = at(1);
    const [jobId, instanceId] = [first._id, INSTANCE];
    await mongo.ledger.openLease({ instanceId, leaseDurationMs: 1_000 });
    await mongo.ledger.renewLease({ instanceId });
    await mongo.ledger.readLeases();
    await mongo.ledger.declareDead({ instanceId, counter: 1 });
    await claim(mongo.ledger, { limit: 2, claimToken: 'next' });
    await claim(mongo.ledger, { limit: 2, claimToken: 'suspect', suspects: true });
    await mongo.ledger.enqueue({ jobs: makeJobs(1, { uniqueLock: 'lock' }) });
    await mongo.ledger.getJob({ jobId });
    await mongo.ledger.cancel({ jobId, now });
    await mongo.ledger.remove({ jobId });
    const settlements = [first, first, ...others].map((job) => settlement('retry', job));
    await mongo.ledger.settle({ settlements, now });
    await mongo.ledger.findClaimants({ except: [] });
    await mongo.ledger.readClaims({ instanceId, limit: 10 });
    await mongo.ledger.countClaims({ instanceId, limit: 10 });
    await mongo.ledger.countDue({ now, mostNames: 10, mostJobs: 10 });
    await mongo.ledger.nextDue({ names: [JOB_NAME], after: at(0), until: at(1) });
    await mongo.ledger.rescue({ deadInstanceId: instanceId, rescueLimit: 5, now, limit: 10 });
    await mongo.ledger.endLease({ instanceId });
    await mongo.ledger.removeLease({ instanceId });
  }

  /** The plan of the command of this name, on the jobs as they were before it. */
  async function planOf(name: string, work: () => Promise<unknown>): Promise<Explained> {
    const before = await dueSoon();
    const commands = await mongo.log.during(work);
    const [first] = commands.filter((command) => nameOf(command) === name);
    await restore(before);
    return explain(mongo.db, first ?? onlyCommand(commands, name));
  }

  /** What a verb of these tests may change. */
  function dueSoon(): Promise<Job[]> {
    return jobsIn(mongo.db)
      .find({ nextRunAt: { $lte: at(0) } })
      .toArray();
  }

  async function restore(jobs: readonly Job[]): Promise<void> {
    if (jobs.length === 0) return;
    await jobsIn(mongo.db).deleteMany({ _id: { $in: jobs.map(({ _id }) => _id) } });
    await put(mongo.db, jobs);
  }
});
