import type { Db } from 'mongodb';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';

describeWithMongo('groups', () => {
  let db: Db;

  beforeEach(async () => {
    db = await getTestDb('group_tenants');
    return () => cleanupTestDb(db);
  });

  afterAll(closeMongoDb);

  test('let a tenant with few jobs pass one with many that came first', async () => {
    const started: string[] = [];
    const monque = new Monque(db, { collectionName: 'jobs', logger: false });
    const noisy = Array.from({ length: 3_000 }, () => 'noisy');
    const small = Array.from({ length: 50 * 20 }, (_, index) => `small ${index % 50}`);
    const enqueue = (groups: readonly string[]) =>
      monque.enqueueMany(groups.map((group) => ({ name: 'sync', options: { group } })));
    await enqueue(noisy);
    await enqueue(small);
    const handler = ({ group = '' }: { readonly group?: string }): void => void started.push(group);
    monque.worker('sync', handler, { concurrency: 50, groups: {} });
    await monque.start();
    const total = noisy.length + small.length;
    await until('all jobs have started', async () => started.length === total, 60_000);
    await monque.stop();
    const lastOfSmall = started.findLastIndex((group) => group !== 'noisy');
    const before = started.slice(0, lastOfSmall).filter((group) => group === 'noisy');
    expect(before.length).toBeLessThanOrEqual(60);
  }, 120_000);
});
