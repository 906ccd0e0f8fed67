// What the dashboard costs the database, by the server's own counters.
import { Monque } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { TestDashboard } from './dashboards.ts';

const JOBS = 20_000;

describeWithMongo('in a collection of many jobs', () => {
  let db: Db;
  let monque: Monque;

  beforeAll(async () => {
    db = await getTestDb('dashboard_costs');
    monque = new Monque(db);
    await monque.initialize();
    const now = new Date();
    const states = ['completed', 'completed', 'completed', 'failed', 'pending'];
    const documents = Array.from({ length: JOBS }, (_, index) => ({
      name: `name-${index % 10}`,
      status: states[index % states.length],
      data: { index },
      priority: 0,
      nextRunAt: now,
      failCount: 0,
      fence: 0,
      createdAt: now,
      updatedAt: now,
      documentVersion: 1,
      ...(index % 5 === 3 && { failReason: `Order ${index} is gone`, finishedAt: now }),
    }));
    await db.collection('monque_jobs').insertMany(documents);
    await db.command({ profile: 2 });
  });

  afterAll(async () => {
    await db.command({ profile: 0 });
    await monque.stop();
    await cleanupTestDb(db);
    await closeMongoDb();
  });

  /** What the server did meanwhile, of the jobs. */
  async function costOf(work: () => Promise<unknown>) {
    const from = new Date();
    await work();
    const ns = `${db.databaseName}.monque_jobs`;
    const entries = await db
      .collection('system.profile')
      .find({ ns, ts: { $gte: from } })
      .toArray();
    return {
      calls: entries.length,
      plans: entries.map(({ planSummary }) => String(planSummary)),
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

  test('counts read everything, once a minute and only when they are asked for', async () => {
    const dashboard = new TestDashboard(monque);
    const cost = await costOf(async () => {
      const answers = await Promise.all([dashboard.ask('stats'), dashboard.ask('stats')]);
      expect(answers.map(({ body }) => body.total)).toEqual([JOBS, JOBS]);
      await dashboard.ask('stats');
    });
    expect(cost.calls).toBe(1);
  });
});
