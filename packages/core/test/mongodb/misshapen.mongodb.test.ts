// Documents with every field of a wrong shape: no one of them keeps another job back, and no verb on them fails otherwise
// than by a typed error.
import { type Db, ObjectId } from 'mongodb';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { Monque, MonqueError } from '../../src/index.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { volume } from '../setup/volume.ts';
import { JOB_NAME, jobsIn, makeJobs, openLedger, put } from './jobs.ts';

const FIELDS = [
  ...['data', 'metadata', 'priority', 'nextRunAt', 'failCount', 'failReason', 'fence'],
  ...['rescueCount', 'maxRetries', 'backoff', 'timeout', 'lockedAt', 'startedAt', 'claimedBy'],
  ...['claimToken', 'lastToken', 'cancelRequestedAt', 'uniqueKey', 'uniqueHold', 'windowUntil'],
  ...['repeatInterval', 'timezone', 'startAt', 'endAt', 'missed', 'seriesVersion', 'scheduledFor'],
  ...['stages', 'gates', 'blockedBy', 'blockedAt', 'blockedUntil', 'progress', 'logs', 'result'],
  ...['history', 'trace', 'finishedAt', 'createdAt', 'updatedAt', 'documentVersion'],
];

const ALL_VALUES: readonly unknown[] = [
  ...[{}, [null], 'text', 7.5, Number.NaN, true, new Date(8.64e15)],
  [{ name: 'ok', at: 'x', verb: 1, scheduledFor: 'y' }],
];

/** With less volume each field has every other one. */
const valuesOf = (field: string): readonly unknown[] =>
  volume(
    ALL_VALUES,
    ALL_VALUES.filter((_, index) => (index + FIELDS.indexOf(field)) % 2 === 0),
  );

const SERIES = { repeatInterval: '* * * * *', seriesVersion: 1, scheduledFor: new Date(0) };

describeWithMongo('a stored job of which a field has a wrong shape', () => {
  let db: Db;

  beforeEach(async () => {
    db = await getTestDb('misshapen');
  });

  afterEach(() => cleanupTestDb(db));

  afterAll(closeMongoDb);

  function misshapen(extra: Record<string, unknown>, name = JOB_NAME): Record<string, unknown>[] {
    return FIELDS.flatMap((field) =>
      valuesOf(field).map((value) => ({
        ...{ _id: new ObjectId(), name, status: 'pending', nextRunAt: new Date(1), failCount: 0 },
        ...{ fence: 0, priority: 0, data: 1, ...extra, [field]: value },
      })),
    );
  }

  test('keeps no other from running, as one job or as a run of a series', async () => {
    const ledger = openLedger(db);
    await ledger.open();
    const bad = [...misshapen({}), ...misshapen(SERIES)];
    await jobsIn(db).insertMany(bad as never[]);
    await put(db, makeJobs(50, { name: 'innocent' }));
    const monque = new Monque(ledger, { pollInterval: 20 });
    const faults = new Set<string>();
    monque.on('job:error', ({ error }) => {
      if (!(error instanceof MonqueError)) faults.add(String(error.stack));
    });
    let innocent = 0;
    monque.worker('innocent', () => {
      innocent += 1;
    });
    monque.worker(JOB_NAME, () => undefined, { concurrency: 100 });
    await monque.start();
    const rest = { name: JOB_NAME, status: { $in: ['pending', 'processing'] as const } };
    const due = { ...rest, nextRunAt: { $lt: new Date() } } as const;
    await until(
      'the innocent jobs',
      async () => innocent === 50 && (await jobsIn(db).countDocuments(due as never)) < 1,
    );
    await monque.stop();
    expect(monque.health().unsettledJobs).toBe(0);
    expect([...faults]).toEqual([]);
  });

  test('is answered for by every verb, in every state', { timeout: 60_000 }, async () => {
    const ledger = openLedger(db);
    await ledger.open();
    const statuses = ['pending', 'processing', 'completed', 'failed', 'blocked', 'cancelled'];
    // Each field with each value in two of the states, in a series and not.
    const bad = volume([0, 3], [0]).flatMap((shift): Record<string, unknown>[] =>
      misshapen({ claimedBy: 'gone', claimToken: 't', blockedBy: 'ok' }).map((document, index) => ({
        ...(shift === 0 && SERIES),
        ...document,
        status: statuses[(index + Math.floor(index / ALL_VALUES.length) + shift) % statuses.length],
      })),
    );
    await jobsIn(db).insertMany(bad as never[]);
    const monque = new Monque(ledger);
    const faults = new Set<string>();
    const attempt = async (verb: string, call: () => Promise<unknown>): Promise<void> => {
      try {
        await call();
      } catch (error) {
        if (!(error instanceof MonqueError)) faults.add(`${verb}: ${Object(error).stack}`);
      }
    };
    const later = new Date(Date.now() + 1_000);
    const verbs: Record<string, (id: ObjectId) => Promise<unknown>> = {
      getJob: (id) => monque.getJob(id),
      getHistory: (id) => monque.getHistory(id),
      explain: (id) => monque.explain(id),
      setMetadata: (id) => monque.setMetadata(id, { a: 1 }),
      openGate: (id) => monque.openGate(id, 'ok', { evidence: 1 }),
      rescheduleJob: (id) => monque.rescheduleJob(id, later),
      cancelJob: (id) => monque.cancelJob(id),
      retryJob: (id) => monque.retryJob(id),
      deleteJob: (id) => monque.deleteJob(id),
    };
    await attempt('inspect', () => monque.inspect());
    await attempt('audit', () => monque.audit());
    await attempt('getSchedules', () => monque.getSchedules());
    await attempt('getQueueStats', () => monque.getQueueStats());
    await attempt('getJobs', () => monque.getJobs({ limit: 1_000 }));
    await attempt('pages', async () => {
      let page = await monque.getJobsWithCursor({ limit: 500 });
      while (page.nextCursor !== null) {
        page = await monque.getJobsWithCursor({ limit: 500, cursor: page.nextCursor });
      }
    });
    const ids = bad.map(({ _id }) => _id as ObjectId);
    for (const [verb, call] of Object.entries(verbs)) {
      for (let from = 0; from < ids.length; from += 50) {
        const some = ids.slice(from, from + 50);
        await Promise.all(some.map((id) => attempt(verb, () => call(id))));
      }
    }
    await attempt('cancelJobs', () => monque.cancelJobs({}));
    await attempt('retryJobs', () => monque.retryJobs({}));
    await attempt('deleteJobs', () => monque.deleteJobs({}));
    await monque.stop();
    expect([...faults]).toEqual([]);
  });
});
