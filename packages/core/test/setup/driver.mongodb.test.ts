// Runs in both projects: proves that each one really uses its own major version of the driver.
import { BSON, MongoClient } from 'mongodb';
import { afterAll, expect, inject, test } from 'vitest';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from './mongodb.ts';

const major = Number(process.env.MONQUE_TEST_DRIVER_MAJOR);

test('BSON comes with the major version of the driver that the project asks for', () => {
  const id: object = new BSON.ObjectId();
  expect(Reflect.get(id, Symbol.for('@@mdb.bson.version'))).toBe(major);
});

describeWithMongo('the shared MongoDB', () => {
  afterAll(closeMongoDb);

  test('is told that major version by the driver', async () => {
    const appName = `driver-${major}`;
    const client = new MongoClient(inject('mongoUri'), { appName });
    const [own] = await client
      .db('admin')
      .aggregate([{ $currentOp: {} }, { $match: { appName, 'command.aggregate': 1 } }])
      .toArray();
    expect(own?.clientMetadata.driver.version).toMatch(new RegExp(`^${major}\\.`));
    await client.close();
  });

  test('takes a majority write and a transaction from this driver', async () => {
    const db = await getTestDb('driver');
    const jobs = db.collection<{ _id: string }>('jobs');
    await jobs.insertOne({ _id: 'a' }, { writeConcern: { w: 'majority' } });
    await db.client.withSession((session) =>
      session.withTransaction(() => jobs.insertOne({ _id: 'b' }, { session })),
    );
    expect(await jobs.countDocuments()).toBe(2);
    await cleanupTestDb(db);
  });
});
