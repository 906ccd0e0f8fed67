// A process of an earlier version claims a job of an order as any other: no lane names it.
import type { Document, ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { systemRandom } from '../../src/foundation/random.ts';
import type { Job } from '../../src/job/job.ts';
import { orderFields } from '../../src/job/lanes.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { ownMongoFixture } from './fixture.ts';
import { at, JOB_NAME, jobsIn, makeClaimed, makeJobs, put } from './jobs.ts';
import { between } from './own-server.ts';

describeWithOwnMongo('beside a process that knows of no lanes', (binary) => {
  const mongo = ownMongoFixture(binary);
  const leases = () => mongo.db.collection<{ _id: string }>('jobs.instances');

  /** So many jobs of a key, in their order. */
  const inOrder = async (key: string, count: number): Promise<[Job, ...Job[]]> => {
    const jobs = makeJobs(count).map((job) => ({ ...job, ...orderFields(key) }));
    for (const job of jobs) await mongo.ledger.enqueue({ jobs: [job] });
    return jobs as [Job, ...Job[]];
  };
  const openEarlierLease = async (): Promise<void> => {
    const lease = { counter: 0, status: 'live', leaseDurationMs: 60_000 };
    await leases().insertOne({ _id: 'earlier', ...lease } as { _id: string });
  };
  const claim = async (nowMs = 0): Promise<readonly ObjectId[]> => {
    const { jobs } = await mongo.ledger.claimOrders({
      demand: [{ name: JOB_NAME, limit: 10, halts: false }],
      ...{ instanceId: 'me', claimToken: systemRandom.token(), now: at(nowMs), suspects: false },
    });
    return jobs.map(({ _id }) => _id);
  };
  const takeAway = async ({ _id }: Job, claimedBy = 'earlier'): Promise<void> => {
    const claimed = { status: 'processing', claimToken: 'earlier-1', claimedBy } as const;
    await jobsIn(mongo.db).updateOne(
      { _id, status: 'pending' },
      { $set: { ...claimed, lockedAt: at(0), startedAt: at(0) }, $inc: { fence: 1 } },
    );
  };
  const setAside = async ({ _id }: Job): Promise<void> => {
    await jobsIn(mongo.db).updateOne(
      { _id, status: 'processing' },
      {
        $set: { status: 'pending', nextRunAt: at(60_000) },
        $unset: { claimToken: '', claimedBy: '', lockedAt: '' },
      },
    );
  };
  const sentBy = (call: () => Promise<unknown>): Promise<string[]> =>
    mongo.log
      .during(call)
      .then((commands) => commands.map((command) => Object.keys(command)[0] as string));

  test('a job that it has claimed holds its order up until it is back, and has its turn', async () => {
    const [first] = await inOrder('a', 2);
    const [other] = await inOrder('b', 1);
    await takeAway(first);
    expect(await claim()).toEqual([other._id]);
    expect(await claim()).toEqual([]);
    await setAside(first);
    expect(await claim()).toEqual([]);
    expect(await claim(60_000)).toEqual([first._id]);
  });

  test('one that it sets aside between two reads is not passed over', async () => {
    const [first, , ...rest] = await inOrder('a', 3);
    expect(rest).toHaveLength(1);
    await takeAway(first);
    expect(await claim()).toEqual([]);
    const idle = async (): Promise<void> => {};
    const claimed = claim();
    await Promise.all([between(mongo.server, 'aggregate', [() => setAside(first), idle]), claimed]);
    expect(await claimed).toEqual([]);
    expect(await claim(60_000)).toEqual([first._id]);
  });

  test('the job that it runs is the one that others of its order wait behind', async () => {
    const [first] = await inOrder('a', 2);
    const params = { name: JOB_NAME, lane: String(first.lane) };
    const ahead = async () => mongo.ledger.findAhead(params);
    expect(await ahead()).toEqual({ jobId: first._id, status: 'pending' });
    await takeAway(first);
    for (const instanceId of ['other', 'earlier'])
      await put(mongo.db, makeClaimed(1, { claimedBy: instanceId }));
    await mongo.ledger.openLease({ instanceId: 'other', leaseDurationMs: 60_000 });
    expect(await ahead()).toEqual({ jobId: first._id, status: 'processing' });
    await setAside(first);
    expect(await ahead()).toEqual({ jobId: first._id, status: 'pending' });
  });

  test('each look is made twice where it has a lease, even before it claims anything', async () => {
    await openEarlierLease();
    for (let look = 0; look < 3; look += 1) await claim();
    expect(await sentBy(() => claim())).toEqual(['aggregate', 'aggregate']);
  });

  test('one that it takes between two reads is not passed over', async () => {
    await takeAway((await inOrder('b', 1))[0]);
    expect(await claim()).toEqual([]);
    const [first] = await inOrder('a', 2);
    const claimed = claim();
    await Promise.all([between(mongo.server, 'aggregate', [() => takeAway(first)]), claimed]);
    expect(await claimed).toEqual([]);
    await setAside(first);
    expect(await claim(60_000)).toEqual([first._id]);
  });

  test('an instance of this version is asked about once, and costs no command after that', async () => {
    for (const instanceId of ['other', 'third'])
      await mongo.ledger.openLease({ instanceId, leaseDurationMs: 60_000 });
    await put(mongo.db, makeClaimed(3, { claimedBy: 'other' }));
    // Without a job in order nothing else is read; the first looks learn how many lanes there are.
    const finds = (sent: readonly string[]) => sent.filter((command) => command === 'find');
    expect(finds(await sentBy(() => claim()))).toHaveLength(2);
    for (let look = 0; look < 3; look += 1) await claim();
    expect(await sentBy(() => claim())).toEqual(['aggregate']);
    await inOrder('a', 1);
    const usual = ['aggregate', 'find', 'insert', 'update', 'find'];
    expect(await sentBy(() => claim())).toEqual(usual);
    await put(mongo.db, makeClaimed(3, { claimedBy: 'third' }));
    expect(await sentBy(() => claim())).toEqual(['aggregate', 'find']);
    expect(await sentBy(() => claim())).toEqual(['aggregate']);
  });

  test('many instances are asked about, and a few are remembered', async () => {
    const ids = Array.from({ length: 1_001 }, (_, index) => `many ${index}`);
    await leases().insertMany(
      ids.map((_id) => ({ _id, documentVersion: 2, status: 'live', counter: 0 })),
    );
    await put(
      mongo.db,
      ids.map((claimedBy) => makeClaimed(1, { claimedBy })[0] as Job),
    );
    await inOrder('a', 1);
    expect(await claim()).toHaveLength(1);
    await mongo.ledger.openLease({ instanceId: 'other', leaseDurationMs: 60_000 });
    await put(mongo.db, makeClaimed(1, { claimedBy: 'other' }));
    for (const key of ['b', 'c']) {
      await inOrder(key, 1);
      expect(await claim()).toHaveLength(1);
    }
  });

  test('the claims of others are sought in their index, one key for each that is known', async () => {
    const known = Array.from({ length: 20 }, (_, index) => `known ${index}`);
    for (const instanceId of known)
      await mongo.ledger.openLease({ instanceId, leaseDurationMs: 60_000 });
    await put(
      mongo.db,
      known.flatMap((claimedBy) => makeClaimed(10, { claimedBy })),
    );
    await inOrder('a', 1);
    await claim();
    const [command] = await mongo.log.during(() => claim());
    const { aggregate, pipeline } = command as Document;
    const $match = pipeline.at(-1).$unionWith.pipeline[0].$match;
    const plan = await mongo.db.command({
      explain: { find: aggregate, filter: $match },
      verbosity: 'executionStats',
    });
    expect(JSON.stringify(plan.queryPlanner.winningPlan)).toContain('monque_claims');
    const { totalKeysExamined, totalDocsExamined } = plan.executionStats;
    expect(totalKeysExamined).toBeLessThanOrEqual(known.length + 2);
    expect(totalDocsExamined).toBe(0);
  });
});
