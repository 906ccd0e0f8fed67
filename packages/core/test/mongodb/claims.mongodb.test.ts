// What happens between the commands of one verb: other processes, late replies, large documents.
import type { Document } from 'mongodb';
import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/job/job.ts';
import type { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { makeJob, SeededRandom } from '../../src/testing/index.ts';
import type { HeldReplies } from '../faults/fault-rule.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { CommandLog, nameOf, namesOf, onlyCommand } from './command-log.ts';
import { ownMongoFixture } from './fixture.ts';
import {
  at,
  claim,
  INSTANCE,
  idsOf,
  JOB_NAME,
  jobsIn,
  leasesIn,
  makeClaimed,
  makeJobs,
  onlyJob,
  openLedger,
  put,
  settlement,
  statesOf,
} from './jobs.ts';

describeWithOwnMongo('claims in MongoDB', (binary) => {
  const mongo = ownMongoFixture(binary);

  test('a stale read between find and update claims nothing twice', async () => {
    await put(mongo.db, makeJobs(10));
    const [late, found] = await afterFind(() => claim(mongo.ledger));
    const taken = await claim(mongo.rival, { instanceId: 'rival', claimToken: 'rival', limit: 6 });
    found.release();
    const { jobs, attempted } = await late;
    expect(attempted).toBe(10);
    expect(jobs).toHaveLength(4);
    expect(idsOf([...jobs, ...taken.jobs])).toEqual(idsOf(await jobsIn(mongo.db).find().toArray()));
    expect(await jobsIn(mongo.db).distinct('fence')).toEqual([1]);
  });

  test.each<[string, Partial<Job>]>([
    ['cancelled', { status: 'cancelled' }],
    ['put off', { nextRunAt: at(1) }],
    ['made a suspect', { rescueCount: 2 }],
  ])('a job that is %s between find and update is not claimed', async (_, change) => {
    await put(mongo.db, makeJobs(1));
    const [late, found] = await afterFind(() => claim(mongo.ledger));
    await jobsIn(mongo.db).updateOne({}, { $set: change });
    found.release();
    expect(await late).toMatchObject({ jobs: [], attempted: 1 });
    expect(await onlyJob(mongo.db)).toMatchObject({ fence: 0, ...change });
  });

  test('what a claim runs is what was there after it won, not what it found', async () => {
    await put(mongo.db, makeJobs(1, { data: 'old' }));
    const [late, found] = await afterFind(() => claim(mongo.ledger));
    await jobsIn(mongo.db).updateOne({}, { $set: { data: 'new', priority: 7 } });
    found.release();
    expect((await late).jobs).toMatchObject([{ data: 'new', priority: 7 }]);
  });

  test('a claim that was given up while it searched claims nothing later', async () => {
    await put(mongo.db, makeJobs(1));
    const [late, found] = await afterFind(() => claim(mongo.ledger, { deadlineMs: 100 }));
    await expect(late).rejects.toMatchObject({ code: 'UNKNOWN_OUTCOME' });
    mongo.log.take();
    found.release();
    // A reply that comes later shows that the first one was dealt with.
    await mongo.ledger.readLeases();
    expect(namesOf(mongo.log.take())).toEqual(['find']);
    expect(await statesOf(mongo.db)).toEqual({ pending: 1 });
  });

  test('jobs that are equally urgent come by their ids, in whichever order they were stored', async () => {
    const jobs = makeJobs(5);
    await put(mongo.db, [...jobs].reverse());
    const { jobs: claimed } = await claim(mongo.ledger);
    expect(claimed.map(({ _id }) => _id)).toEqual(jobs.map(({ _id }) => _id));
  });

  test('a claim of hundreds of jobs takes three commands', async () => {
    await put(mongo.db, makeJobs(500));
    const commands = await mongo.log.during(() => claim(mongo.ledger, { limit: 500 }));
    expect(namesOf(commands)).toEqual(['find', 'update', 'find']);
    expect(onlyCommand(commands, 'update').updates).toHaveLength(1);
  });

  test("a name that another's backlog kept out is not called drained", async () => {
    await put(mongo.db, makeJobs(30));
    await put(mongo.db, [makeJob({ name: 'other', priority: 9, nextRunAt: at(-1) })]);
    const demand = [
      { name: JOB_NAME, limit: 10 },
      { name: 'other', limit: 5 },
    ];
    const first = await claim(mongo.ledger, { demand, claimToken: 'first' });
    expect(first).toMatchObject({ saturated: [JOB_NAME], drained: [] });
    expect(first.jobs).toHaveLength(10);
    const alone = await claim(mongo.ledger, { demand: demand.slice(1), claimToken: 'second' });
    expect(alone).toMatchObject({ saturated: [], drained: ['other'], attempted: 1 });
  });

  test('large jobs are claimed in batches that can be read in time', async () => {
    await put(mongo.db, makeJobs(60, { data: Buffer.alloc(500_000) }));
    const sizes: number[] = [];
    for (const claimToken of ['first', 'second', 'third']) {
      sizes.push((await claim(mongo.ledger, { claimToken, limit: 20 })).jobs.length);
    }
    expect(sizes).toEqual([20, 16, 16]);
  });

  test('of thousands of due times the earliest is found, also behind those of another name', async () => {
    const soon = (count: number, ms: number, name: string) =>
      Array.from({ length: count }, (_, index) => makeJob({ name, nextRunAt: at(ms + index) }));
    await put(mongo.db, [...soon(3_000, 10_000, 'a'), ...soon(1, 4_000, 'b')]);
    const window = { names: ['a', 'b'], after: at(0), until: at(30_000) };
    expect(await mongo.ledger.nextDue(window)).toEqual(at(4_000));
    const late = await mongo.ledger.nextDue({ ...window, names: ['a'] });
    expect(late?.getTime()).toBeGreaterThan(at(0).getTime());
    expect(late?.getTime()).toBeLessThanOrEqual(at(10_000).getTime());
    await put(
      mongo.db,
      Array.from({ length: 1_500 }, () => makeJob({ name: 'c', nextRunAt: at(50) })),
    );
    expect(await mongo.ledger.nextDue({ ...window, names: ['c'] })).toEqual(at(50));
  });

  test('a claim that finds nothing takes one command', async () => {
    const commands = await mongo.log.during(() => claim(mongo.ledger));
    expect(namesOf(commands)).toEqual(['find']);
  });

  test('a claim that wins nothing takes two commands', async () => {
    await put(mongo.db, makeJobs(1));
    mongo.log.take();
    const [late, found] = await afterFind(() => claim(mongo.ledger));
    await jobsIn(mongo.db).deleteMany();
    found.release();
    expect((await late).jobs).toEqual([]);
    expect(namesOf(mongo.log.take())).toEqual(['find', 'findAndModify']);
  });

  test('a claim of one job takes two commands, of two jobs three', async () => {
    const claimOf = async (count: number): Promise<string[]> => {
      await put(mongo.db, makeJobs(count));
      return namesOf(await mongo.log.during(() => claim(mongo.ledger)));
    };
    expect(await claimOf(1)).toEqual(['find', 'findAndModify']);
    expect(await claimOf(2)).toEqual(['find', 'update', 'find']);
  });

  test('large jobs are all read, in as many replies as they need', async () => {
    const megabytes = makeJobs(50).map((job, index) => ({
      ...job,
      data: { index, bytes: Buffer.alloc(900_000, index) },
    }));
    // Past the proxy, which is slow with so much.
    await openLedger(mongo.db).enqueue({ jobs: megabytes });
    const directly = new CommandLog(mongo.server.direct);
    const { jobs } = await claim(mongo.rival, { limit: 50 });
    expect(directly.take().filter((command) => nameOf(command) === 'getMore')).toHaveLength(2);
    expect(jobs.map((job) => (job.data as { index: number }).index)).toEqual(
      megabytes.map((_, index) => index),
    );
    expect(jobs.every(({ data }) => (data as { bytes: Buffer }).bytes.length === 900_000)).toBe(
      true,
    );
  });

  describe('among rivals', () => {
    const demand = [
      { name: 'a', limit: 10 },
      { name: 'b', limit: 5 },
    ];

    async function claimWith(seed: number, jobs: readonly Job[]) {
      await jobsIn(mongo.db).deleteMany();
      await put(mongo.db, jobs);
      const seeded = openLedger(mongo.through, { random: new SeededRandom(seed) });
      await seeded.open();
      const [result, commands] = await logged(() => claim(seeded, { demand, widening: 4 }));
      return { result, finds: commands.filter(({ projection }) => projection !== undefined) };
    }

    test('each takes jobs from a place of its own, of each name up to its limit', async () => {
      const jobs = Array.from({ length: 30 }, (_, index) => [
        ...makeJobs(2, { name: 'a', priority: index }),
        ...makeJobs(1, { name: 'b', priority: index }),
      ]).flat();
      const places = new Set<number>();
      for (let seed = 1; seed <= 10; seed += 1) {
        const { result, finds } = await claimWith(seed, jobs);
        expect(finds).toHaveLength(1);
        const { skip, limit } = finds[0] as Document;
        expect(limit).toBe(15);
        expect([0, 15, 30, 45]).toContain(skip);
        places.add(skip);
        expect(idsOf(result.jobs).sort()).toEqual(idsOf(jobs.slice(skip, skip + 15)).sort());
        expect(result.saturated).toEqual(['a', 'b']);
      }
      expect(places.size).toBeGreaterThan(2);
    });

    test('each takes a part of jobs that are fewer than all want, and knows of more', async () => {
      const jobs = makeJobs(25, { name: 'a' });
      const taken = new Set<string>();
      for (let seed = 1; seed <= 10; seed += 1) {
        const { result, finds } = await claimWith(seed, jobs);
        const [first, second] = finds as Document[];
        if (first?.skip > 10) {
          expect(second).toMatchObject({ limit: 60, skip: 0 });
          taken.add(idsOf(result.jobs).sort().join());
        }
        expect(result.jobs).toHaveLength(10);
        expect(result.saturated).toEqual(['a']);
        expect(result.drained).toEqual(first?.skip === 0 ? [] : ['b']);
      }
      expect(taken.size).toBeGreaterThan(1);
    });

    test('the very last jobs are taken by whoever comes first', async () => {
      for (let seed = 1; seed <= 5; seed += 1) {
        const { result } = await claimWith(seed, makeJobs(3, { name: 'b' }));
        expect(result.jobs).toHaveLength(3);
        expect(result.saturated).toEqual([]);
        expect(result.drained).toEqual(['a', 'b']);
      }
    });
  });

  test('a search that is not widened takes the most urgent', async () => {
    const jobs = makeJobs(30);
    await put(mongo.db, jobs);
    const [result, commands] = await logged(() => claim(mongo.ledger, { limit: 10 }));
    expect(commands[0]).toMatchObject({ find: 'jobs', limit: 10 });
    expect(idsOf(result.jobs)).toEqual(idsOf(jobs.slice(0, 10)));
    expect(result.saturated).toEqual([JOB_NAME]);
  });

  test('a job that a validator does not let be claimed keeps no other back', async () => {
    const jobs = makeJobs(5);
    await put(mongo.db, jobs);
    const stubborn = jobs[2] as Job;
    await mongo.db.command({
      collMod: 'jobs',
      validator: { $or: [{ _id: { $ne: stubborn._id } }, { status: 'pending' }] },
    });
    const result = await claim(mongo.ledger);
    expect(idsOf(result.jobs)).toEqual(idsOf(jobs.filter((job) => job !== stubborn)));
    expect(await statesOf(mongo.db)).toEqual({ processing: 4, pending: 1 });
  });

  test('a job that runs away from every try to cancel it has an unknown outcome', async () => {
    await put(mongo.db, makeClaimed(1));
    const { _id: jobId } = await onlyJob(mongo.db);
    const call = mongo.ledger.cancel({ jobId, now: at(1) }).catch((error: unknown) => error);
    for (let race = 0; race < 10; race += 1) {
      // Pending is what the first command looks for, processing the second.
      for (const status of ['pending', 'processing'] as const) {
        const missed = mongo.server.proxy.holdReply({ command: 'findAndModify' });
        await missed.entered();
        await jobsIn(mongo.db).updateOne({}, { $set: { status } });
        missed.release();
      }
    }
    expect(await call).toMatchObject({ code: 'UNKNOWN_OUTCOME', message: /changed too often/ });
    expect(await onlyJob(mongo.db)).not.toHaveProperty('cancelRequestedAt');
  });

  test('a rescue takes nothing that its late holder ended in the meantime', async () => {
    const jobs = makeClaimed(3);
    await put(mongo.db, jobs);
    const [late, found] = await afterFind(() => rescue(mongo.ledger), 'jobs');
    const settlements = jobs.slice(0, 2).map((job) => settlement('complete', job));
    await mongo.rival.settle({ settlements, now: at(1) });
    found.release();
    expect(await late).toMatchObject({ pending: 1, failed: 0, cancelled: 0 });
    expect(await statesOf(mongo.db)).toEqual({ completed: 2, pending: 1 });
  });

  test('a rescue never takes a job from the claim that came after the one it read', async () => {
    await put(mongo.db, makeClaimed(1));
    const [late, found] = await afterFind(() => rescue(mongo.ledger), 'jobs');
    await jobsIn(mongo.db).updateOne({}, { $set: { claimToken: 'next', fence: 2 } });
    found.release();
    expect(await late).toMatchObject({ pending: 0 });
    expect(await onlyJob(mongo.db)).toMatchObject({ status: 'processing', claimToken: 'next' });
  });

  test('a rescue looks at as many claims as it is asked to, until none is left', async () => {
    await put(mongo.db, [...makeClaimed(150), ...makeClaimed(100, { claimToken: 'other' })]);
    await put(mongo.db, makeClaimed(3, { claimedBy: 'somebody else' }));
    const pages = [
      await rescue(mongo.ledger, 120),
      await rescue(mongo.ledger, 120),
      await rescue(mongo.ledger, 120),
    ];
    expect(pages).toMatchObject([
      { pending: 120, more: true },
      { pending: 120, more: true },
      { pending: 10, more: false },
    ]);
    expect(await statesOf(mongo.db)).toEqual({ pending: 250, processing: 3 });
  });

  test('at a rescue limit of one the first rescue ends the job', async () => {
    await put(mongo.db, makeClaimed(1));
    expect(await mongo.ledger.rescue({ ...DEAD, rescueLimit: 1 })).toMatchObject({
      pending: 0,
      failed: 1,
    });
    expect(await onlyJob(mongo.db)).toMatchObject({ status: 'failed', rescueCount: 1 });
  });

  test('of a renewal and a declaration of death one wins', async () => {
    for (let round = 0; round < 25; round += 1) {
      const instanceId = `instance-${round}`;
      await mongo.ledger.openLease({ instanceId, leaseDurationMs: 1_000 });
      const [renewed, declared] = await Promise.all([
        mongo.ledger.renewLease({ instanceId }),
        mongo.rival.declareDead({ instanceId, counter: 0 }),
      ]);
      expect(renewed).toBe(!declared);
      const stored = await leasesIn(mongo.db).findOne({ _id: instanceId });
      expect(stored).toMatchObject(
        renewed ? { status: 'live', counter: 1 } : { status: 'dead', counter: 0 },
      );
    }
  });

  test('of many that declare one instance dead one does it', async () => {
    await mongo.ledger.openLease({ instanceId: INSTANCE, leaseDurationMs: 1_000 });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        mongo.ledger.declareDead({ instanceId: INSTANCE, counter: 0 }),
      ),
    );
    expect(answers.filter((isMine) => isMine)).toHaveLength(1);
  });

  test('a lease that ends keeps its record while its claims stand', async () => {
    await mongo.ledger.openLease({ instanceId: INSTANCE, leaseDurationMs: 1_000 });
    await put(mongo.db, makeClaimed(1));
    await mongo.ledger.endLease({ instanceId: INSTANCE });
    expect(await mongo.ledger.readLeases()).toMatchObject([
      { instanceId: INSTANCE, status: 'dead' },
    ]);
    await rescue(mongo.ledger);
    await mongo.ledger.endLease({ instanceId: INSTANCE });
    expect(await mongo.ledger.readLeases()).toEqual([]);
  });

  test('claimants are looked for up to a hundred at a time', async () => {
    const ids = Array.from({ length: 103 }, (_, index) => `instance-${1_000 + index}`);
    await put(
      mongo.db,
      ids.flatMap((claimedBy) => makeClaimed(1, { claimedBy })),
    );
    const strangers = await mongo.ledger.findClaimants({ except: [] });
    expect(strangers).toEqual(ids.slice(0, 100));
    expect(await mongo.ledger.findClaimants({ except: strangers })).toEqual(ids.slice(100));
  });

  const DEAD = { deadInstanceId: INSTANCE, rescueLimit: 5, now: at(1), limit: 100 };

  function rescue(by: MongoLedgerRepository, limit = 100) {
    return by.rescue({ ...DEAD, limit });
  }

  /** The call, held after its find in the collection was answered. */
  async function afterFind<T>(
    call: () => Promise<T>,
    collection = 'jobs',
  ): Promise<[Promise<T>, HeldReplies]> {
    const found = mongo.server.proxy.holdReply({
      command: 'find',
      when: ({ body }) => body.find === collection,
    });
    const running = call();
    running.catch(() => undefined);
    await found.entered();
    return [running, found];
  }

  async function logged<T>(work: () => Promise<T>) {
    mongo.log.take();
    const result = await work();
    return [result, mongo.log.take()] as const;
  }
});
