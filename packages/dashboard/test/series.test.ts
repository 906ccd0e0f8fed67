import { Monque } from '@monque/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { until } from '../../core/test/setup/until.ts';
import { inMemory, TestDashboard } from './dashboards.ts';

const POST = { method: 'POST' };

test('a series begins and ends when its plan says', async () => {
  const dashboard = new TestDashboard(inMemory());
  const json = {
    ...{ name: 'report', cron: '0 9 * * *', uniqueKey: 'spring' },
    ...{ startAt: '2100-03-01T00:00:00.000Z', endAt: '2100-03-03T00:00:00.000Z' },
  };
  const { body } = await dashboard.ask('series', { method: 'PUT', json });
  expect(body.series).toMatchObject({ startAt: json.startAt, endAt: json.endAt });
  expect(body.next).toEqual(['2100-03-01T09:00:00.000Z', '2100-03-02T09:00:00.000Z']);
  const listed = await dashboard.ask('series');
  expect(listed.body.series).toMatchObject([{ startAt: json.startAt, endAt: json.endAt }]);
  const read = await dashboard.ask(`series/${body.series.id}`);
  expect(read.body.series).toMatchObject({ startAt: json.startAt, endAt: json.endAt });
});

test('a series may have an interval, which is counted from its start and has no time zone', async () => {
  const dashboard = new TestDashboard(inMemory());
  const json = { name: 'sweep', cron: 'every 90 minutes', timezone: 'Europe/Berlin' };
  const startAt = '2100-03-01T00:00:00.000Z';
  const made = await dashboard.ask('series', { method: 'PUT', json: { ...json, startAt } });
  const { id } = made.body.series;
  const row = { cron: 'every 90 minutes', uniqueKey: 'every 90 minutes', timezone: 'UTC', startAt };
  expect(made.body.series).toMatchObject(row);
  expect(made.body.series).not.toHaveProperty('inWords');
  expect(made.body.next.slice(0, 2)).toEqual([startAt, '2100-03-01T01:30:00.000Z']);
  const changed = await dashboard.ask('series', { method: 'PUT', json: { ...row, name: 'sweep' } });
  expect([changed.status, changed.body.series]).toEqual([200, made.body.series]);
  const [from, to] = [startAt, '2100-03-01T04:00:00.000Z'];
  const { body } = await dashboard.ask(`series/${id}/occurrences?from=${from}&to=${to}`);
  expect(body.occurrences).toHaveLength(3);
  expect((await dashboard.ask(`jobs/${id}`)).body.job.cron).toBe('every 90 minutes');
});

test('what an interval means is shown before it is used, and one that cannot be read is refused', async () => {
  const dashboard = new TestDashboard(inMemory());
  const { body } = await dashboard.ask('cron?expression=every%2090%20minutes&timezone=UTC');
  const [first, second] = body.next.map((at: string) => Date.parse(at));
  expect(second - first).toBe(90 * 60_000);
  const json = { name: 'sweep', cron: 'every moon' };
  const refused = await dashboard.ask('series', { method: 'PUT', json });
  expect([refused.status, refused.body.code]).toEqual([400, 'INVALID_ARGUMENT']);
  const meaning = await dashboard.ask('cron?expression=every%20moon');
  expect([meaning.status, meaning.body.code]).toEqual([400, 'INVALID_CRON']);
});

test('a series that is changed keeps what its runs have and no request names', async () => {
  const monque = inMemory();
  const backoff = { type: 'fixed', delay: 5_000 } as const;
  const runs = { backoff, maxRetries: 7, timeout: 9_000, priority: 3 };
  const { _id } = await monque.schedule('0 9 * * *', 'report', 1, { uniqueKey: 'daily', ...runs });
  const bare = await monque.schedule('0 8 * * *', 'report');
  const dashboard = new TestDashboard(monque);
  const json = { name: 'report', cron: '0 10 * * *', uniqueKey: 'daily', data: 2, timeout: 4_000 };
  const { body } = await dashboard.ask('series', { method: 'PUT', json });
  expect(body.series).toMatchObject({ id: String(_id), cron: '0 10 * * *' });
  expect(await monque.getJob(_id)).toMatchObject({ ...runs, timeout: 4_000, data: 2 });
  const plain = { name: 'report', cron: '0 8 * * *', missed: 'skip' };
  await dashboard.ask('series', { method: 'PUT', json: plain });
  const changed = await monque.getJob(bare._id);
  expect(changed).toMatchObject({ missed: 'skip', priority: 0 });
  expect(changed).not.toHaveProperty('backoff');
});

test('who may make a series and not look for one makes it as it is asked for', async () => {
  const monque = inMemory({ access: { may: ({ verb }) => verb !== 'findSeries' } });
  const { body } = await new TestDashboard(monque).ask('series', {
    ...{ method: 'PUT', json: { name: 'report', cron: '0 9 * * *' } },
  });
  expect(body.series).toMatchObject({ name: 'report', cron: '0 9 * * *' });
});

test('a span of time that is turned round is refused', async () => {
  const monque = inMemory();
  const { _id } = await monque.schedule('0 9 * * *', 'report');
  const query = 'from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z';
  const { status, body } = await new TestDashboard(monque).ask(
    `series/${_id}/occurrences?${query}`,
  );
  expect([status, body.field]).toEqual([400, 'from']);
});

test('the run of a series that is on is neither begun nor skipped', async () => {
  const monque = inMemory({ pollInterval: 20 });
  const dashboard = new TestDashboard(monque);
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  monque.worker('report', () => ended);
  await monque.start();
  try {
    const { _id } = await monque.schedule('0 9 * * *', 'report');
    await monque.rescheduleJob(_id, new Date());
    await until('the run', async () => (await monque.getJob(_id))?.status === 'processing');
    for (const action of ['run', 'skip']) {
      const { status, body } = await dashboard.ask(`series/${_id}/actions/${action}`, POST);
      expect([status, body.code]).toEqual([409, 'JOB_STATE']);
      expect(body).toMatchObject({ jobId: String(_id), jobStatus: 'processing' });
    }
  } finally {
    end();
    await monque.stop();
  }
});

test('an actor who may see jobs of a name, but no series of it, sees none', async () => {
  const monque = inMemory({
    access: {
      may: ({ actor, name, verb }) => {
        return (
          actor === 'root' || (name !== undefined && !(name === 'own' && verb === 'findSeries'))
        );
      },
    },
  });
  const root = monque.as('root');
  for (const name of ['own', 'mail']) await root.schedule('0 9 * * *', name);
  const { body } = await new TestDashboard(monque).ask('series');
  expect(body.series).toMatchObject([{ name: 'mail' }]);
});

describeWithMongo('a series that somebody wrote manually', () => {
  let db: Awaited<ReturnType<typeof getTestDb>>;

  beforeAll(async () => {
    db = await getTestDb('dashboard-series');
  });

  afterAll(async () => {
    await cleanupTestDb(db);
    await closeMongoDb();
  });

  test('is shown without a key and with a zone that nobody knows, and can be ended', async () => {
    const monque = new Monque(db);
    const dashboard = new TestDashboard(monque);
    const { _id } = await monque.schedule('0 9 * * *', 'report');
    const changes = {
      $set: { timezone: 'Nowhere/Else' },
      $unset: { uniqueKey: true, scheduledFor: true },
    } as const;
    const { modifiedCount } = await db.collection('monque_jobs').updateOne({ _id }, changes);
    expect(modifiedCount).toBe(1);
    const { body } = await dashboard.ask(`series/${_id}`);
    expect(body.series).toMatchObject({
      ...{ id: String(_id), uniqueKey: '0 9 * * *', timezone: 'Nowhere/Else' },
      scheduledFor: body.series.nextRunAt,
    });
    expect(body.next).toEqual([]);
    const ended = await dashboard.ask(`series/${_id}`, { method: 'DELETE' });
    expect(ended.status).toBe(200);
    await monque.stop();
  });
});
