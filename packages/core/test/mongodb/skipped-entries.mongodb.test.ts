// Deleted keys of earlier jobs stay in an index for a while. What walks past them gets slower with every job.
import type { Document } from 'mongodb';
import { expect, test } from 'vitest';
import { systemRandom } from '../../src/foundation/random.ts';
import type { Job } from '../../src/job/job.ts';
import { LOCK_FIELDS, type LockField } from '../../src/job/unique-locks.ts';
import { IndexName } from '../../src/ledger/mongodb/server/indexes.ts';
import { describeWithMongo } from '../setup/mongodb.ts';
import { volume } from '../setup/volume.ts';
import { mongoFixture } from './fixture.ts';
import { at, jobsIn, makeJobs, settlement } from './jobs.ts';

const ROUNDS = volume(20, 8);
const JOBS_A_ROUND = 100;

const INDEX_OF: Readonly<Record<LockField, string>> = {
  uniqueLock: IndexName.LOCK,
  startLock: IndexName.LOCK_START,
  windowLock: IndexName.LOCK_WINDOW,
};

describeWithMongo('jobs that come and go', () => {
  const mongo = mongoFixture('skipped-entries');

  test.each(LOCK_FIELDS)('with random keys in %s skip no deleted keys of others', async (field) => {
    const before = await skippedIn(INDEX_OF[field]);
    for (let round = 0; round < ROUNDS; round += 1) {
      const jobs = keyedJobs(field);
      await mongo.ledger.enqueue({ jobs });
      await jobsIn(mongo.db).updateMany(
        { _id: { $in: jobs.map(({ _id }) => _id) } },
        { $unset: { [field]: 1 } },
        { hint: '_id_' },
      );
    }
    // With the name first it is about half of all jobs a job: of 20 rounds 2,000,000.
    expect((await skippedIn(INDEX_OF[field])) - before).toBeLessThan(ROUNDS * JOBS_A_ROUND);
  });

  test('through claims and their ends skip few deleted keys, however many went before', async () => {
    const skipped: number[] = [];
    for (let round = 0; round < 2 * ROUNDS; round += 1) {
      const before = await skippedIn(IndexName.CLAIMS);
      await mongo.ledger.enqueue({ jobs: makeJobs(JOBS_A_ROUND) });
      const { jobs } = await mongo.ledger.claim({
        ...{ instanceId: 'instance-a', claimToken: systemRandom.token(), now: at(1) },
        ...{ suspects: false, widening: 1 },
        demand: [{ name: 'test-job', limit: JOBS_A_ROUND }],
      });
      expect(jobs).toHaveLength(JOBS_A_ROUND);
      const settlements = (jobs as Job[]).map((job) => settlement('complete', job));
      await mongo.ledger.settle({ settlements, now: at(2) });
      skipped.push((await skippedIn(IndexName.CLAIMS)) - before);
    }
    // Without an end to the read of a claim it was half of all that went before.
    expect(skipped.reduce((sum, count) => sum + count, 0)).toBeLessThan(ROUNDS * JOBS_A_ROUND);
  });

  function keyedJobs(field: LockField): Job[] {
    return makeJobs(JOBS_A_ROUND).map((job) => ({
      ...job,
      // The end of an id counts up; turned round it is in no order.
      [field]: `key:${[...job._id.toHexString()].reverse().join('')}`,
    }));
  }

  /** How many deleted entries cursors walked past, since the server started. */
  async function skippedIn(index: string): Promise<number> {
    const [stats] = await jobsIn(mongo.db)
      .aggregate<Document>([{ $collStats: { storageStats: {} } }])
      .toArray();
    const details = stats?.storageStats.indexDetails[index];
    return Number(details.cursor['Total number of entries skipped by cursor next calls']);
  }
});
