// What the dashboard costs the database, by the server's own counters: with 20,000 jobs, or with as many as
// MONQUE_TEST_COST_JOBS says. The bounds are the same for any number.
import { Monque } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { until } from '../../core/test/setup/until.ts';
import { openLedgers } from '../demo/ledgers.mjs';
import { ROUTE_LIST } from '../src/api/routes.ts';
import { requestOf, TestDashboard } from './dashboards.ts';
import { askingOf, type Known, ROUTE_COSTS, storeKnown } from './route-costs.ts';

const JOBS = Number(process.env.MONQUE_TEST_COST_JOBS ?? 20_000);
const PART = 100_000;
const STATES = ['completed', 'completed', 'completed', 'failed', 'pending'];
const FILLING_MS = 600_000;

describeWithMongo('in a collection of many jobs', () => {
  let db: Db;
  let monque: Monque;
  let known: Known;
  const measured: object[] = [];
  let ledgers: Awaited<ReturnType<typeof openLedgers>>;

  beforeAll(async () => {
    db = await getTestDb('dashboard_costs');
    monque = new Monque(db);
    await monque.initialize();
    await fill(db);
    const stored = new Monque(db, { baseRetryInterval: 100, logger: false });
    [known, ledgers] = await Promise.all([storeKnown(stored), openLedgers()]);
    await db.command({ profile: 2 });
  }, FILLING_MS);

  afterAll(async () => {
    if (JOBS > 20_000) console.table(measured);
    await db.command({ profile: 0 });
    await monque.stop();
    await cleanupTestDb(db);
    await closeMongoDb();
  });

  /** What the server did meanwhile, with its own profile left out. */
  async function costOf(work: () => Promise<unknown>) {
    const from = new Date();
    await work();
    const entries = await db
      .collection('system.profile')
      .find({ ns: { $not: /\.system\./ }, ts: { $gte: from } })
      .toArray();
    return {
      calls: entries.length,
      plans: entries
        .filter(({ ns }) => ns === `${db.databaseName}.monque_jobs`)
        .map(({ planSummary }) => String(planSummary)),
      documents: entries.reduce((sum, { docsExamined = 0 }) => sum + docsExamined, 0),
      keys: entries.reduce((sum, { keysExamined = 0 }) => sum + keysExamined, 0),
    };
  }

  test('a snapshot reads the indexes of the engine, within their bounds, and for all who ask at once', async () => {
    const dashboard = new TestDashboard(monque);
    const paths = ['overview', 'names', 'instances', 'capabilities', 'metrics', 'health'];
    const cost = await costOf(() => Promise.all(paths.map((path) => dashboard.ask(path))));
    expect(cost.plans.filter((plan) => plan.includes('COLLSCAN'))).toEqual([]);
    expect(cost.documents).toBeLessThan(100);
    // Ten names with 400 due jobs each, which are counted within the index.
    expect(cost.keys).toBeLessThan(6_000);
    expect(cost.calls).toBeLessThan(40);
    const again = await costOf(() => dashboard.ask('overview'));
    expect(again.calls).toBe(0);
  });

  test('a page of a list reads about what it shows', async () => {
    const dashboard = new TestDashboard(monque);
    const cost = await costOf(async () => {
      const page = await dashboard.ask('jobs?limit=50');
      expect(page.body.jobs).toHaveLength(50);
      await dashboard.ask(`jobs?limit=50&cursor=${page.body.nextCursor}`);
    });
    expect(cost.documents).toBeLessThanOrEqual(2 * 51);
    expect(cost.plans.filter((plan) => plan.includes('COLLSCAN'))).toEqual([]);
  });

  test('errors read so many failed jobs as their window says, and walk the ids for them', async () => {
    const dashboard = new TestDashboard(monque);
    const cost = await costOf(async () => {
      const { body } = await dashboard.ask('errors?window=200');
      expect(body).toMatchObject({ examined: 200, isComplete: false });
      expect(body.groups[0].pattern).toBe('Order <n> is gone');
    });
    expect(cost.documents).toBeLessThanOrEqual(1_100);
  });

  test.each(ROUTE_LIST)('%s stays within its bounds', async (routeId, route) => {
    const row = ROUTE_COSTS[routeId];
    const dashboard = new TestDashboard(monque, { ledgers, timeout: 120_000 });
    const path = row.path?.(known) ?? route.path;
    const cost = await costOf(async () => {
      if (route.endless) return firstOf(dashboard, path);
      const { status, body } = await dashboard.ask(path, askingOf(route.method, row));
      expect([status, body.detail]).toEqual([row.status ?? route.status ?? 200, body.detail]);
      if (routeId === 'startOperation') await ended(dashboard, body.operation.id);
    });
    const { calls, documents, keys } = cost;
    measured.push({ routeId, calls, documents, keys });
    // A few jobs were stored besides.
    const all = (row.readsAll ?? 0) * (JOBS + 100);
    expect(calls).toBeLessThanOrEqual(row.commands);
    expect(documents).toBeLessThanOrEqual(row.documents + all);
    expect(keys).toBeLessThanOrEqual(row.keys + all);
    const scans = cost.plans.filter((plan) => plan.includes('COLLSCAN'));
    expect(scans.length).toBeLessThanOrEqual(row.readsAll ?? 0);
  });

  async function firstOf(dashboard: TestDashboard, path: string): Promise<void> {
    const stream = await dashboard.handler(requestOf(`/api/v1/${path}`, {}));
    const reader = stream.body?.getReader();
    let text = '';
    while (reader && !text.includes('event: snapshot')) {
      text += Buffer.from((await reader.read()).value ?? []).toString();
    }
    await reader?.cancel();
  }

  async function ended(dashboard: TestDashboard, operation: string): Promise<void> {
    await until('the end of the operation', async () => {
      const { body } = await dashboard.ask(`operations/${operation}`);
      return body.operation.state !== 'running';
    });
  }

  test('counts read everything, once a minute and only when they are asked for', async () => {
    const dashboard = new TestDashboard(monque, { timeout: 120_000 });
    const cost = await costOf(async () => {
      const answers = await Promise.all([dashboard.ask('stats'), dashboard.ask('stats')]);
      const [first, second] = answers.map(({ body }) => body.total);
      expect(first).toBeGreaterThanOrEqual(JOBS);
      expect(second).toBe(first);
      await dashboard.ask('stats');
    });
    expect(cost.calls).toBe(1);
  });
});

/** The server makes the documents itself; ten names, a fifth of the jobs has failed, a fifth is due. */
async function fill(db: Db): Promise<void> {
  const seed = db.collection('seed');
  await seed.insertOne({});
  const state = { $arrayElemAt: [STATES, { $mod: ['$n', STATES.length] }] };
  const name = { $concat: ['name-', { $toString: { $mod: ['$n', 10] } }] };
  const reason = { $concat: ['Order ', { $toString: '$n' }, ' is gone'] };
  const times = { nextRunAt: '$$NOW', createdAt: '$$NOW', updatedAt: '$$NOW' };
  const ended = { failReason: reason, finishedAt: '$$NOW' };
  for (let from = 0; from < JOBS; from += PART) {
    const numbers = { $range: [from, Math.min(JOBS, from + PART)] };
    await seed
      .aggregate([
        { $project: { _id: 0, n: numbers } },
        { $unwind: '$n' },
        { $set: { status: state } },
        {
          $replaceWith: {
            $mergeObjects: [
              {
                name,
                status: '$status',
                data: { index: '$n' },
                priority: 0,
                failCount: 0,
                fence: 0,
              },
              { documentVersion: 1, ...times },
              { $cond: [{ $eq: ['$status', 'failed'] }, ended, {}] },
            ],
          },
        },
        { $merge: { into: 'monque_jobs', whenMatched: 'fail' } },
      ])
      .toArray();
  }
}
