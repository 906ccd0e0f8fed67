// Pauses: documents among the jobs, so that one change stream carries them, and that nothing takes for jobs.
import { type Db, MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, inject, test } from 'vitest';
import type { LedgerWatch } from '../../src/ledger/ledger-repository.ts';
import type { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { CommandLog, namesOf } from './command-log.ts';
import { Hints } from './hints.ts';
import { at, claim, jobsIn, makeJobs, makeSeries, openLedger, put, settlement } from './jobs.ts';

describeWithMongo('pauses', () => {
  let client: MongoClient;
  let log: CommandLog;
  let db: Db;
  let ledger: MongoLedgerRepository;
  let hints: Hints;
  let watch: LedgerWatch | undefined;

  beforeEach(async () => {
    client = new MongoClient(inject('mongoUri'), { monitorCommands: true });
    log = new CommandLog(client);
    db = client.db((await getTestDb('pauses')).databaseName);
    ledger = openLedger(db);
    hints = new Hints();
    await ledger.open();
  });

  afterEach(async () => {
    await watch?.close();
    watch = undefined;
    await cleanupTestDb(db);
    await client.close();
  });

  afterAll(closeMongoDb);

  test('are read by one command, and set by one', async () => {
    await put(db, makeJobs(50));
    expect(namesOf(await log.during(() => pause('a')))).toEqual(['update']);
    await pause('b');
    const reads = await log.during(async () => {
      expect((await ledger.readPaused()).map(({ name }) => name)).toEqual(['a', 'b']);
    });
    expect(namesOf(reads)).toEqual(['find']);
    expect(namesOf(await log.during(() => resume('a')))).toEqual(['delete']);
    expect((await ledger.readPaused()).map(({ name }) => name)).toEqual(['b']);
  });

  test('that many set at once are one', async () => {
    await Promise.all(Array.from({ length: 20 }, () => pause('a')));
    expect((await ledger.readPaused()).map(({ name }) => name)).toEqual(['a']);
    await Promise.all(Array.from({ length: 20 }, () => resume('a')));
    expect(await ledger.readPaused()).toEqual([]);
  });

  test('keep any name as it is', async () => {
    const names = ['', ':', ';', 'pause:a', '{"$gt":""}', 'ünï\u{1F600}', 'a'.repeat(256)];
    for (const name of names) await pause(name);
    expect(new Set((await ledger.readPaused()).map(({ name }) => name))).toEqual(new Set(names));
  });

  test('say when they began, and again does not change that', async () => {
    await pause('a');
    await ledger.setPaused({ name: 'a', paused: true, now: at(9) });
    expect(await jobsIn(db).findOne({ _id: 'pause:a' as never })).toEqual({
      ...{ _id: 'pause:a', pausedName: 'a', pausedAt: at(1) },
    });
  });

  test('are reported when they begin, change and end, and are no jobs', async () => {
    watch = await ledger.watch(hints.hear);
    await hints.nth('opened');
    await pause('a');
    await hints.nth('pausesChanged', 1);
    await jobsIn(db).updateOne({ _id: 'pause:a' as never }, { $set: { pausedName: 'b' } as never });
    await hints.nth('pausesChanged', 2);
    await jobsIn(db).replaceOne({ _id: 'pause:a' as never }, { pausedName: 'c' } as never);
    await hints.nth('pausesChanged', 3);
    await resume('a');
    await hints.nth('pausesChanged', 4);
    expect(hints.kinds.filter((kind) => kind !== 'clockChanged')).toEqual([
      ...['opened', 'pausesChanged', 'pausesChanged', 'pausesChanged', 'pausesChanged'],
    ]);
  });

  test('are not in the way of what is known of jobs', async () => {
    const [waiting, failed] = [makeJobs(1)[0], makeJobs(1, { status: 'failed' })[0]];
    const series = makeSeries('key', { nextRunAt: at(1_000) });
    if (!waiting || !failed) throw new Error('Expected jobs');
    await put(db, [waiting, failed, series]);
    watch = await ledger.watch(hints.hear);
    await hints.nth('opened');
    await ledger.amend({ jobId: waiting._id, changes: { nextRunAt: at(7) }, now: at(1) });
    expect(await hints.nth('due', 1)).toEqual({ kind: 'due', dueAt: at(7) });
    await ledger.redrive({ jobId: failed._id, now: at(1), nextRunAt: at(8) });
    expect(await hints.nth('due', 2)).toEqual({ kind: 'due', dueAt: at(8) });
    await ledger.cancel({ jobId: series._id, now: at(1) });
    expect(await hints.nth('due', 3)).toEqual({ kind: 'due', dueAt: at(60_000) });
    const nextRun = { nextRunAt: at(9), scheduledFor: at(9) };
    const plan = { repeatInterval: '@daily' };
    await ledger.replan({
      ...{ jobId: series._id, seriesVersion: 1, series: plan, nextRun, now: at(1) },
    });
    expect(await hints.nth('due', 4)).toEqual({ kind: 'due', dueAt: at(9) });
    const [job] = (await claim(ledger, { now: at(10), limit: 1 })).jobs;
    if (!job) throw new Error('Expected a job');
    const snooze = settlement('snooze', job, { nextRunAt: at(60) });
    await ledger.settle({ settlements: [snooze], now: at(11) });
    expect(await hints.nth('due', 5)).toEqual({ kind: 'due', dueAt: at(60) });
    expect(hints.count('due')).toBe(5);
    expect(hints.count('pausesChanged')).toBe(0);
  });

  test('and jobs that were put in place manually are reported alike', async () => {
    const [job] = makeJobs(1, { status: 'completed' });
    if (!job) throw new Error('Expected a job');
    await put(db, [job]);
    watch = await ledger.watch(hints.hear);
    await hints.nth('opened');
    await jobsIn(db).replaceOne({ _id: job._id }, { ...job, status: 'pending', nextRunAt: at(5) });
    expect(await hints.nth('due')).toEqual({ kind: 'due', name: job.name, dueAt: at(5) });
  });

  function pause(name: string): Promise<void> {
    return ledger.setPaused({ name, paused: true, now: at(1) });
  }

  function resume(name: string): Promise<void> {
    return ledger.setPaused({ name, paused: false, now: at(2) });
  }
});
