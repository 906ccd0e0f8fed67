// Documents that another hand wrote: with the shell, by another tool, by an older or a newer version.
import { type Db, Decimal128, Double, Int32, Long, ObjectId } from 'mongodb';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Monque, stage } from '../../src/index.ts';
import type { Job } from '../../src/job/job.ts';
import { unfitReason } from '../../src/job/unfit-reason.ts';
import type { FindJobsParams, JobOrder } from '../../src/ledger/ledger-repository.ts';
import type { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import {
  at,
  claim,
  INSTANCE,
  JOB_NAME,
  jobsIn,
  makeClaimed,
  makeForeign,
  makeJobs,
  onlyJob,
  openLedger,
  put,
  settlement,
} from './jobs.ts';

describeWithMongo('a document that was written manually', () => {
  let db: Db;
  let ledger: MongoLedgerRepository;

  beforeEach(async () => {
    db = await getTestDb('handwritten');
    ledger = openLedger(db);
    await ledger.open();
  });

  afterEach(() => cleanupTestDb(db));

  afterAll(closeMongoDb);

  test('with no more than a name, a state, a time and data runs like any other', async () => {
    await write({ data: { to: 'somebody' } });
    const [job] = await claimed();
    expect(job).toMatchObject({
      ...{ data: { to: 'somebody' }, priority: 0, failCount: 0, fence: 1, documentVersion: 0 },
      createdAt: job?._id.getTimestamp(),
    });
    expect(unfitReason(job as Job)).toBeUndefined();
    expect(await settle('retry', job as Job)).toBe('settled');
    expect(await onlyJob(db)).toMatchObject({ status: 'pending', failCount: 1, fence: 1 });
  });

  test.each([
    ['32-bit integers', new Int32(2)],
    ['64-bit integers', Long.fromNumber(2)],
    ['doubles', new Double(2)],
    ['decimals', Decimal128.fromString('2')],
  ])('may have its numbers as %s', async (_, two) => {
    await write({ ...{ priority: two, failCount: two, fence: two, maxRetries: two } });
    const [job] = await claimed();
    expect(job).toMatchObject({ priority: 2, failCount: 2, fence: 3, maxRetries: 2 });
    expect(unfitReason(job as Job)).toBeUndefined();
    const retry = settlement('retry', job as Job, { lastFailCount: 5 });
    expect((await ledger.settle({ settlements: [retry], now: at(1) })).answers).toEqual([
      'settled',
    ]);
    expect((await ledger.getJob({ jobId: (job as Job)._id }))?.failCount).toBe(3);
  });

  test('may have nulls in place of fields that are left out', async () => {
    await write({ claimedBy: null, lockedAt: null, cancelRequestedAt: null, seriesVersion: null });
    const [job] = await claimed();
    expect(unfitReason(job as Job)).toBeUndefined();
    expect(await settle('release', job as Job)).toBe('settled');
    expect(await ledger.cancel({ jobId: (job as Job)._id, now: at(2) })).toMatchObject({
      outcome: 'cancelled',
    });
  });

  test.each([
    ['fence', 'high'],
    ['failCount', 'none'],
    ['priority', 'urgent'],
    ['history', 'long'],
    ['logs', { line: 1 }],
    ['maxRetries', 'three'],
    ['rescueCount', 'no'],
    ['fence', null],
  ])('whose field %s is %j keeps no other back, and ends as failed', async (field, value) => {
    await write({ priority: -5, [field]: value });
    await put(db, makeJobs(2));
    const jobs = await claimed(3);
    expect(jobs).toHaveLength(3);
    const unfit = jobs.find(({ documentVersion }) => documentVersion === 0) as Job;
    const isRepaired = field === 'fence';
    expect(unfitReason(unfit) === undefined).toBe(isRepaired);
    const discard = settlement('discard', unfit, {
      failReason: 'Unfit',
      record: { reason: 'Unfit' },
      logLines: ['line'],
    });
    expect((await ledger.settle({ settlements: [discard], now: at(1) })).answers).toEqual([
      'settled',
    ]);
    expect(await ledger.getJob({ jobId: unfit._id })).toMatchObject({
      ...{ status: 'failed', failCount: 1, failReason: 'Unfit' },
      ...{ history: [{ verb: 'discard', reason: 'Unfit' }], logs: ['line'] },
    });
  });

  test.each([
    ['no list', { a: 1 }],
    ['a list of something else', ['scanned']],
    ['a list with a null', [null]],
  ])('whose gates and stages are %s opens no gate, and fails with the reason', async (_, value) => {
    await write({ gates: value, stages: value });
    const monque = new Monque(ledger);
    const { _id } = await onlyJob(db);
    const opening = monque.openGate(_id, 'checked', { evidence: 1 });
    await expect(opening).rejects.toMatchObject({ name: 'JobStateError' });
    const failed = new Promise((resolve) => monque.on('job:fail', resolve));
    monque.worker(JOB_NAME, { stages: [stage('a', () => expect.unreachable())] });
    await monque.start();
    await failed;
    await monque.stop();
    expect((await onlyJob(db)).failReason).toMatch(/does not fit/);
  });

  test('of a newer version is claimed, so that it can be set aside with the reason', async () => {
    await write({ documentVersion: 99 });
    const [job] = await claimed();
    expect(unfitReason(job as Job)).toContain('version 99');
  });

  test('whose id is no ObjectId is no job: it is passed over, and keeps none back', async () => {
    const ids = ['text', 7, { nested: 1 }];
    for (const _id of ids) await write({ _id, priority: -5 });
    for (const _id of ['a', 'b']) {
      await write({ _id, status: 'processing', claimedBy: INSTANCE, claimToken: 't' });
    }
    await write({ _id: 'c', status: 'processing', lockedAt: at(0) });
    const [job] = makeJobs(1) as [Job];
    await put(db, [job]);
    const before = await strangers();
    expect((await claimed(1)).map(({ _id }) => _id)).toEqual([job._id]);
    expect(await claimed(10)).toEqual([]);
    expect(await ledger.findClaimants({ except: [] })).toEqual([INSTANCE]);
    expect(await ledger.readClaims({ instanceId: INSTANCE, limit: 10 })).toHaveLength(1);
    await ledger.rescue({ deadInstanceId: INSTANCE, rescueLimit: 5, now: at(1), limit: 10 });
    await ledger.recover({ staleBefore: at(0), now: at(1), limit: 10 });
    expect(await list()).toHaveLength(1);
    expect(await ledger.readStats({ now: at(1) })).toMatchObject([{ count: 1 }]);
    expect(await strangers()).toEqual(before);
  });

  test('that holds a unique key with an id of its own kind is shown as the holder', async () => {
    await write({ _id: 'text', uniqueLock: 'key:a' });
    const [job] = makeJobs(1, { uniqueKey: 'a', uniqueLock: 'key:a' }) as [Job];
    expect((await ledger.enqueue({ jobs: [job] })).answers).toMatchObject([
      { outcome: 'existing', job: { _id: 'text', createdAt: new Date(0) } },
    ]);
  });

  test('for another tool comes back when it was locked long ago, nulls or not', async () => {
    const [plain, asked] = makeForeign(2) as [Job, Job];
    await put(db, [plain, { ...asked, cancelRequestedAt: at(0) }]);
    await write({ status: 'processing', lockedAt: at(0), claimedBy: null });
    await write({ status: 'processing', lockedAt: at(1) });
    await put(db, makeClaimed(1));
    const recover = () => ledger.recover({ staleBefore: at(0), now: at(5), limit: 10 });
    expect(await recover()).toEqual({ pending: 2, cancelled: 1 });
    expect(await recover()).toEqual({ pending: 0, cancelled: 0 });
    expect(await ledger.getJob({ jobId: plain._id })).toMatchObject({
      ...{ status: 'pending', rescueCount: 1, history: [{ verb: 'recover', at: at(5) }] },
    });
    expect(await ledger.getJob({ jobId: asked._id })).toMatchObject({
      ...{ status: 'cancelled', history: [{ verb: 'recoverToCancelled', at: at(5) }] },
    });
  });

  describe('in a list by', () => {
    test.each<JobOrder>(['_id', 'createdAt', 'updatedAt', 'nextRunAt'])(
      '%s stands in its place, and no page repeats or loses one',
      async (orderBy) => {
        const times = [3, 1, 2].map((seconds) => at(seconds * 1000));
        await put(
          db,
          times.map((time, index) => ({
            ...(makeJobs(1)[0] as Job),
            _id: idAt(time, index),
            ...{ createdAt: time, updatedAt: time, nextRunAt: time },
          })),
        );
        // The stamps of these are those of their ids.
        await write({ _id: idAt(at(1_000), 7), nextRunAt: at(1_500) });
        await write({ _id: idAt(at(2_000), 7), createdAt: 'now', updatedAt: 5, nextRunAt: at(0) });
        for (const direction of ['ascending', 'descending'] as const) {
          const all = await list({ orderBy, direction });
          expect(all).toHaveLength(5);
          expect(keysOf(all, orderBy)).toEqual(inOrder(keysOf(all, orderBy), direction));
          expect(await pages(orderBy, direction)).toEqual(all);
        }
      },
    );

    test('creation time is in the range of its id', async () => {
      const inside = await write({ _id: idAt(at(2_000), 1) });
      await write({ _id: idAt(at(1_000), 1), createdAt: 'never' });
      await write({ _id: idAt(at(3_000), 1) });
      const ids = async (filter: FindJobsParams['filter']) =>
        (await list({ filter })).map(({ _id }) => _id);
      expect(await ids({ createdFrom: at(2_000), createdBefore: at(3_000) })).toEqual([inside]);
      expect(await ids({ createdFrom: at(2_000) })).toHaveLength(2);
      expect(await ids({ createdBefore: at(2_001) })).toHaveLength(2);
    });
  });

  test('cannot make the counts fail, and counts by its state', async () => {
    await write({ nextRunAt: 'soon' });
    await write({ status: 'completed', startedAt: 'once', finishedAt: 5 });
    await write({ status: 'parked' });
    await jobsIn(db).insertOne({ status: 'pending', name: 7 } as unknown as Job);
    expect(await ledger.readStats({ now: at(1) })).toMatchObject([
      { name: JOB_NAME, status: 'completed', count: 1, meanRunMs: 0, longestRunMs: 0 },
      { name: JOB_NAME, status: 'pending', count: 1, due: 0, queueLagMs: 0 },
    ]);
    expect(await list({ filter: { names: [JOB_NAME] } })).toHaveLength(2);
  });

  test('is not counted as a run when it was cancelled before its next one', async () => {
    const run = { startedAt: at(0), status: 'cancelled', finishedAt: at(9_000) } as const;
    await put(db, makeJobs(1, { ...run, nextRunAt: at(5_000) }));
    expect(await ledger.readStats({ now: at(1) })).toMatchObject([
      { count: 1, meanWaitMs: 0, meanRunMs: 0, longestRunMs: 0 },
    ]);
  });

  /** As the shell would. */
  async function write(fields: Record<string, unknown>): Promise<unknown> {
    const document = { name: JOB_NAME, status: 'pending', nextRunAt: at(0), ...fields };
    const { insertedId } = await db.collection('jobs').insertOne(document as never);
    return insertedId;
  }

  async function claimed(limit = 10): Promise<readonly Job[]> {
    return (await claim(ledger, { limit })).jobs;
  }

  async function settle(verb: 'retry' | 'release', job: Job): Promise<unknown> {
    const settlements = [settlement(verb, job)];
    return (await ledger.settle({ settlements, now: at(1) })).answers[0];
  }

  function strangers(): Promise<unknown[]> {
    return jobsIn(db)
      .find({ _id: { $not: { $type: 'objectId' } } as never })
      .toArray();
  }

  function list(params: Partial<FindJobsParams> = {}): Promise<readonly Job[]> {
    return ledger.findJobs({
      filter: {},
      orderBy: '_id',
      direction: 'ascending',
      limit: 100,
      ...params,
    });
  }

  /** The whole list, in pages of two. */
  async function pages(
    orderBy: JobOrder,
    direction: FindJobsParams['direction'],
  ): Promise<readonly Job[]> {
    const jobs: Job[] = [];
    for (;;) {
      const last = jobs.at(-1);
      const place = last && {
        jobId: last._id,
        ...(orderBy !== '_id' && { at: last[orderBy] }),
      };
      const page = await list({ orderBy, direction, limit: 2, ...(place && { after: place }) });
      if (page.length === 0) return jobs;
      jobs.push(...page);
    }
  }
});

function idAt(time: Date, last: number): ObjectId {
  const seconds = ObjectId.createFromTime(time.getTime() / 1000).toHexString();
  return ObjectId.createFromHexString(seconds.slice(0, -1) + last);
}

function keysOf(jobs: readonly Job[], orderBy: JobOrder): string[] {
  return jobs.map((job) => {
    const id = job._id.toHexString();
    return orderBy === '_id' ? id : `${job[orderBy].toISOString()} ${id}`;
  });
}

function inOrder(keys: readonly string[], direction: FindJobsParams['direction']): string[] {
  const sorted = [...keys].sort();
  return direction === 'ascending' ? sorted : sorted.reverse();
}
