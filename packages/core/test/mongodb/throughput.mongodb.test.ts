// What happened by minute: what is stored of it, and what it costs.
import { type Document, Long } from 'mongodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { NO_COUNTS } from '../../src/ledger/throughput-sums.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { describeWithMongo } from '../setup/mongodb.ts';
import { namesOf, onlyCommand } from './command-log.ts';
import { mongoFixture } from './fixture.ts';
import { at, jobsIn, makeJobs, openLedger, put } from './jobs.ts';

const MINUTE_MS = 60_000;
/** A minute begins here. */
const FIRST = new Date(Math.floor(at(0).getTime() / MINUTE_MS) * MINUTE_MS);

const minuteAt = (minute: number): Date => new Date(FIRST.getTime() + minute * MINUTE_MS);
const row = (minute: number, name: string) => ({
  ...{ ...NO_COUNTS, enqueued: 1, waitMs: 2.5, longestWaitMs: 2.5, name, at: minuteAt(minute) },
});

describeWithMongo('what happened by minute', () => {
  const mongo = mongoFixture('throughput');

  beforeEach(async () => {
    await throughput().deleteMany();
  });

  function throughput() {
    return mongo.db.collection('jobs.throughput');
  }

  test('is added by one command, however many names and minutes there are', async () => {
    const rows = Array.from({ length: 40 }, (_, index) => row(index % 2, `job-${index >> 1}`));
    await mongo.ledger.addThroughput({ rows, keptMs: 1_000 });
    const keptMs = 10 * 365 * 86_400_000;
    const commands = await mongo.log.during(() => mongo.ledger.addThroughput({ rows, keptMs }));
    expect(namesOf(commands)).toEqual(['update']);
    expect(onlyCommand(commands, 'update').updates).toHaveLength(40);
    expect(await throughput().countDocuments()).toBe(40);
    expect(
      await throughput().findOne({ _id: { at: minuteAt(1), name: 'job-3' } as never }),
    ).toEqual({
      _id: { at: minuteAt(1), name: 'job-3' },
      ...{ enqueued: 2, waitMs: 5, longestWaitMs: 2.5 },
      expiresAt: new Date(minuteAt(1).getTime() + keptMs),
    });
  });

  test('of which one document is spoiled is added to the others, and that is reported', async () => {
    const _id = { at: minuteAt(0), name: 'a' } as never;
    await throughput().insertOne({ _id, enqueued: 'many' });
    const rows = [row(0, 'a'), row(0, 'b')];
    await expect(mongo.ledger.addThroughput({ rows, keptMs: 1e12 })).rejects.toMatchObject({
      ...{ code: 'LEDGER_REFUSED', message: expect.stringContaining('a minute') },
    });
    expect(await throughput().countDocuments({ enqueued: 1 })).toBe(1);
  });

  test('of nothing sends nothing', async () => {
    const call = () => mongo.ledger.addThroughput({ rows: [], keptMs: 1_000 });
    expect(await mongo.log.during(call)).toEqual([]);
  });

  test('is read by one command that looks at the minutes of its time alone', async () => {
    const minutes = Array.from({ length: 200 }, (_, minute) => minute);
    const keptMs = 10 * 365 * 86_400_000;
    const rows = minutes.flatMap((minute) => [row(minute, 'a'), row(minute, 'b')]);
    await mongo.ledger.addThroughput({ rows, keptMs });
    const commands = await mongo.log.during(async () => {
      const points = await mongo.ledger.readThroughput({
        ...{ from: minuteAt(50), before: minuteAt(60), stepMs: MINUTE_MS, limit: 100 },
        deadlineMs: 1_234,
      });
      expect(points).toHaveLength(10);
      expect(points[0]).toEqual({
        ...{ ...NO_COUNTS, at: minuteAt(50) },
        ...{ enqueued: 2, waitMs: 5, longestWaitMs: 2.5 },
      });
    });
    expect(namesOf(commands)).toEqual(['aggregate']);
    const { pipeline, hint, maxTimeMS } = onlyCommand(commands, 'aggregate');
    expect({ hint, maxTimeMS }).toEqual({ hint: '_id_', maxTimeMS: 1_234 });
    const { executionStats } = await mongo.db.command({
      explain: { aggregate: 'jobs.throughput', pipeline: pipeline.slice(0, 1), cursor: {}, hint },
      verbosity: 'executionStats',
    });
    expect(executionStats.totalDocsExamined).toBe(20);
    expect(executionStats.totalKeysExamined).toBeLessThanOrEqual(21);
  });

  test('that another tool stored as 64-bit integers is read as numbers', async () => {
    const stored = { enqueued: Long.fromNumber(5), started: 3 } as Document;
    const _id = { at: minuteAt(0), name: 'a' } as never;
    await throughput().insertOne({ _id, expiresAt: minuteAt(1e6), ...stored });
    const range = { from: minuteAt(0), before: minuteAt(1), stepMs: MINUTE_MS, limit: 1 };
    expect(await mongo.ledger.readThroughput(range)).toEqual([
      { ...NO_COUNTS, enqueued: 5, started: 3, at: minuteAt(0) },
    ]);
  });

  test('has an index by which the server forgets it, made with the first of it', async () => {
    const fresh = openLedger(mongo.db, { collectionName: 'fresh' });
    await fresh.open();
    const names = async (): Promise<string[]> =>
      (await mongo.db.listCollections().toArray()).map(({ name }) => name);
    expect(await names()).not.toContain('fresh.throughput');
    await fresh.readThroughput({ from: at(0), before: at(1), stepMs: MINUTE_MS, limit: 1 });
    expect(await names()).not.toContain('fresh.throughput');
    await fresh.addThroughput({ rows: [row(0, 'a')], keptMs: 1 });
    expect(await mongo.db.collection('fresh.throughput').indexes()).toMatchObject([
      { name: '_id_' },
      { name: 'monque_throughput', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
    ]);
    await mongo.db.collection('fresh.throughput').drop();
    const careful = openLedger(mongo.db, { collectionName: 'fresh', skipIndexCreation: true });
    await careful.addThroughput({ rows: [row(0, 'a')], keptMs: 1 });
    expect(await mongo.db.collection('fresh.throughput').indexes()).toMatchObject([
      { name: '_id_' },
    ]);
  });

  test('costs a process that works one command a minute, and one that is idle none', async () => {
    const clock = new ManualClock({ start: new Date() });
    const options = { collectionName: 'jobs', throughputHistory: 3_600_000, clock };
    const monque = new Monque(mongo.db, options);
    const sent = async (work: () => Promise<unknown>): Promise<number> => {
      const commands = await mongo.log.during(work);
      return commands.filter((command) => command.update === 'jobs.throughput').length;
    };
    await monque.initialize();
    const working = await sent(async () => {
      for (let minute = 0; minute < 3; minute += 1) {
        await monque.enqueueMany([{ name: 'a' }, { name: 'b' }, { name: 'a' }]);
        await clock.advance(2 * MINUTE_MS);
        await monque.enqueue('a');
      }
      await monque.stop();
    });
    // One each time that a minute or more was over, and what was left at the stop.
    expect(working).toBe(4);
    expect(await sent(() => monque.stop())).toBe(0);
    const { points } = await monque.getThroughput({ step: 3_600_000, perName: true });
    const sums = { a: 0, b: 0 };
    for (const { name, enqueued } of points) sums[name as 'a' | 'b'] += enqueued;
    expect(sums).toEqual({ a: 9, b: 3 });
  });

  describe('countJobs', () => {
    test('is one command that sends no job, and looks at no more than its limit', async () => {
      await put(mongo.db, makeJobs(50));
      const commands = await mongo.log.during(async () => {
        const filter = { names: [makeJobs(1)[0]?.name as string], statuses: ['pending'] as const };
        const params = { filter, limit: 10, deadlineMs: 999 };
        expect(await mongo.ledger.countJobs(params)).toBe(10);
      });
      expect(namesOf(commands)).toEqual(['aggregate']);
      const { pipeline, maxTimeMS } = onlyCommand(commands, 'aggregate');
      expect(maxTimeMS).toBe(999);
      expect(pipeline).toContainEqual({ $limit: 10 });
      expect(await jobsIn(mongo.db).countDocuments()).toBe(50);
    });
  });
});
