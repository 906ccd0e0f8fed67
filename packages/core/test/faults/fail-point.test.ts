import type { Collection, MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { freshDb, type OwnServer, startOwnServer } from '../mongodb/own-server.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { type FailPoint, failCommand } from './fail-point.ts';

describeWithOwnMongo('failCommand', (binary) => {
  let server: OwnServer;
  let client: MongoClient;
  let jobs: Collection<{ _id: number; n: number }>;
  let failPoint: FailPoint | undefined;

  beforeAll(async () => {
    server = await startOwnServer(binary);
    client = server.direct;
    const [db] = freshDb(client);
    if (!db) throw new Error('Expected a handle');
    jobs = db.collection('jobs');
  });

  beforeEach(async () => {
    await jobs.deleteMany();
    await jobs.insertOne({ _id: 1, n: 0 });
  });

  afterEach(() => failPoint?.off());

  afterAll(() => server?.stop());

  test('an error code fails the command before it is executed, once', async () => {
    failPoint = await failCommand(client, { failCommands: ['update'], errorCode: 8000 });
    await expect(increment()).rejects.toMatchObject({ code: 8000 });
    expect(await n()).toBe(0);
    await increment();
    expect(await n()).toBe(1);
  });

  test('a write concern error comes after the command is executed', async () => {
    failPoint = await failCommand(client, {
      failCommands: ['update'],
      writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' },
    });
    await expect(increment()).rejects.toMatchObject({ code: 64 });
    expect(await n()).toBe(1);
  });

  test('with times it fails that often, and off ends it', async () => {
    const data = { failCommands: ['update'], errorCode: 8000 };
    failPoint = await failCommand(client, data, { times: 2 });
    await expect(increment()).rejects.toThrow();
    await expect(increment()).rejects.toThrow();
    await increment();
    failPoint = await failCommand(client, data, 'alwaysOn');
    await expect(increment()).rejects.toThrow();
    await failPoint.off();
    await increment();
    expect(await n()).toBe(2);
  });

  test('entered resolves while the command is held inside', async () => {
    const data = { failCommands: ['update'], blockConnection: true, blockTimeMS: 300 };
    failPoint = await failCommand(client, data);
    let done = false;
    const blocked = increment().then(() => {
      done = true;
    });
    await failPoint.entered(1);
    expect(done).toBe(false);
    await blocked;
    expect(await n()).toBe(1);
  });

  test('entered gives up at its deadline', async () => {
    failPoint = await failCommand(client, { failCommands: ['update'], errorCode: 8000 });
    await expect(failPoint.entered(1, 50)).rejects.toMatchObject({ codeName: 'MaxTimeMSExpired' });
  });

  async function increment(): Promise<void> {
    await jobs.updateMany({}, { $inc: { n: 1 } });
  }

  async function n(): Promise<number | undefined> {
    return (await jobs.findOne({ _id: 1 }))?.n;
  }
});
