/**
 * Documents of the real Agenda, as its own library writes them, and what Monque makes of them.
 *
 * @module
 */
import { once } from 'node:events';
import { MongoBackend } from '@agendajs/mongo-backend';
import { Agenda } from 'agenda';
import type { Db } from 'mongodb';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { type Job, Monque } from '../../src/index.ts';
import { type MigrationReport, migrateJobs } from '../../src/migration/index.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';

const LATER = new Date('2040-01-01T10:00:00Z');

describeWithMongo('the jobs of the real Agenda', () => {
  let db: Db;
  let agenda: Agenda;
  let letGo: () => void;

  beforeEach(async () => {
    db = await getTestDb('migrate_agenda');
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    agenda = new Agenda({ backend: new MongoBackend({ mongo: db }), processEvery: 20 });
    agenda.define('done', async () => undefined);
    agenda.define('broken', async () => {
      throw new Error('Out of paper');
    });
    agenda.define('held', () => held);
    await agenda.ready;
    return async () => {
      letGo();
      await agenda.stop();
      await cleanupTestDb(db);
    };
  });

  afterAll(closeMongoDb);

  function migrate(options: object = {}): Promise<MigrationReport> {
    return migrateJobs({ source: db.collection('agendaJobs'), db, format: 'agenda', ...options });
  }

  /** Three jobs that were run, of which one was not finished when its process died. */
  async function runSome(): Promise<void> {
    for (const name of ['done', 'broken', 'held']) await agenda.now(name, { of: name });
    const ended = Promise.all([once(agenda, 'success:done'), once(agenda, 'complete:broken')]);
    const started = once(agenda, 'start:held');
    await agenda.start();
    await Promise.all([ended, started]);
    const source = db.collection('agendaJobs');
    await until('the ends are stored', async () => {
      const ends = await source.countDocuments({ lastFinishedAt: { $ne: null }, lockedAt: null });
      return ends === 2;
    });
  }

  function jobsByName(): Promise<Map<string, Job>> {
    return db
      .collection<Job>('monque_jobs')
      .find()
      .toArray()
      .then((jobs) => new Map(jobs.map((job) => [job.name, job])));
  }

  test('are stored with what they were and what they had', async () => {
    await runSome();
    await agenda.schedule(LATER, 'later', { n: 1 });
    await agenda.create('urgent', { n: 2 }).priority('highest').schedule(LATER).save();
    await agenda.every('0 9 * * 1-5', 'report', { n: 3 }, { timezone: 'Europe/Berlin' });
    await agenda.every('5 minutes', 'sweep');
    await agenda.every('7 minutes', 'odd');
    await agenda.every('1 month', 'moon');
    await agenda.every('0 4 * * *', 'off');
    await agenda.disable({ name: 'off' });
    await agenda.create('weekdays', {}).skipDays([0, 6]).repeatEvery('0 9 * * *').save();

    const report = await migrate({ finished: 'all' });

    expect(report).toStrictEqual({
      dryRun: false,
      read: 11,
      stored: { pending: 3, series: 3, completed: 1, failed: 1, cancelled: 0 },
      storedBefore: 0,
      left: { interval: 2, disabled: 1 },
      notes: { interrupted: 1 },
    });
    const jobs = await jobsByName();
    expect([...jobs.keys()].sort()).toEqual([
      ...['broken', 'done', 'held', 'later', 'odd', 'report', 'sweep', 'urgent'],
    ]);
    expect(jobs.get('done')).toMatchObject({ status: 'completed', data: { of: 'done' } });
    expect(jobs.get('broken')).toMatchObject({ status: 'failed', failReason: 'Out of paper' });
    expect(jobs.get('held')).toMatchObject({ status: 'pending', data: { of: 'held' } });
    expect(jobs.get('later')).toMatchObject({ nextRunAt: LATER, priority: 0, data: { n: 1 } });
    expect(jobs.get('urgent')).toMatchObject({ priority: -20 });
    expect(jobs.get('report')).toMatchObject({
      repeatInterval: '0 9 * * 1-5',
      timezone: 'Europe/Berlin',
      uniqueLock: 'series:0 9 * * 1-5',
    });
    for (const [name, every] of Object.entries({ sweep: '5 minutes', odd: '7 minutes' })) {
      const from = jobs.get(name)?.nextRunAt.toISOString();
      expect(jobs.get(name)).toMatchObject({ repeatInterval: `every ${every} from ${from}` });
    }
  });

  test('are left as they were', async () => {
    await runSome();
    await agenda.every('5 minutes', 'sweep');
    const source = db.collection('agendaJobs');
    const before = await source.find().toArray();
    await migrate({ finished: 'all' });
    expect(await source.find().toArray()).toEqual(before);
  });

  test('run in Monque, those that were interrupted too, and each once', async () => {
    await runSome();
    await agenda.now('waiting', { of: 'waiting' });
    const report = await migrate();
    expect(report).toMatchObject({ stored: { pending: 2 }, left: { finished: 2 } });
    const monque = new Monque(db, { pollInterval: 50 });
    const runs: string[] = [];
    for (const name of ['held', 'waiting', 'done', 'broken']) {
      monque.worker(name, (job) => void runs.push(job.name));
    }
    await monque.start();
    await until('both are completed', async () => {
      const jobs = await jobsByName();
      return [...jobs.values()].every(({ status }) => status === 'completed');
    });
    expect((await migrate()).storedBefore).toBe(2);
    await monque.stop();
    expect(runs.toSorted()).toEqual(['held', 'waiting']);
    expect(await db.collection('monque_jobs').countDocuments({ status: 'completed' })).toBe(2);
  });

  test('that recur are taken over by a schedule of the same plan', async () => {
    await agenda.every('0 9 * * 1-5', 'report', { n: 3 }, { timezone: 'Europe/Berlin' });
    await agenda.every('5 minutes', 'sweep');
    await migrate({ series: { sweep: { uniqueKey: 'sweeper' } } });
    const before = await jobsByName();
    const monque = new Monque(db);
    const report = await monque.schedule(
      '0 9 * * 1-5',
      'report',
      { n: 3 },
      { timezone: 'Europe/Berlin' },
    );
    const sweep = await monque.schedule({ every: '5 minutes' }, 'sweep', undefined, {
      uniqueKey: 'sweeper',
    });
    expect(report).toStrictEqual(before.get('report'));
    expect(sweep).toStrictEqual(before.get('sweep'));
    expect(await monque.getSchedules()).toHaveLength(2);
    await monque.stop();
  });

  test('that recur are changed, not doubled, by a schedule with other data', async () => {
    await agenda.every('0 9 * * 1-5', 'report', { n: 3 });
    await migrate();
    const monque = new Monque(db);
    const changed = await monque.schedule('0 9 * * 1-5', 'report', { n: 4 });
    expect(changed).toMatchObject({ data: { n: 4 }, seriesVersion: 2 });
    expect(await monque.getSchedules()).toHaveLength(1);
    await monque.stop();
  });
});
