import { afterAll, expect, inject, test } from 'vitest';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  describeWithOwnMongo,
  getMongoDb,
  getTestDb,
} from './mongodb.ts';

describeWithMongo('the helpers for MongoDB', () => {
  afterAll(closeMongoDb);

  test('all callers in a file get the same client', async () => {
    expect(await getMongoDb()).toBe(await getMongoDb());
  });

  test('a closed client is replaced by a new one', async () => {
    const before = await getMongoDb();
    await closeMongoDb();
    const after = await getMongoDb();
    expect(after).not.toBe(before);
    expect(await after.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 });
  });

  test('two databases of the same name are different ones', async () => {
    const [one, other] = [await getTestDb('a name/with $ils'), await getTestDb('a name/with $ils')];
    await one.collection('jobs').insertOne({});
    expect(one.databaseName).toMatch(/^monque_a_name_with_ils_[0-9a-f]{12}$/);
    expect(await other.collection('jobs').countDocuments()).toBe(0);
    await cleanupTestDb(one);
  });

  test('a database that was cleaned up is gone', async () => {
    const db = await getTestDb('gone');
    await db.collection('jobs').insertOne({});
    await cleanupTestDb(db);
    expect(await db.listCollections().toArray()).toEqual([]);
  });
});

test('there is a shared MongoDB unless the run was asked to do without', () => {
  expect(inject('mongoUri') === '').toBe(process.env.MONQUE_TEST_MONGODB === 'skip');
});

describeWithOwnMongo('a test with a server of its own', (binary) => {
  test('gets the path of a mongod', () => {
    expect(binary).toBe(inject('mongodBinary'));
  });
});
