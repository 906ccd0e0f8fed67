import { existsSync } from 'node:fs';
import { MongoClient } from 'mongodb';
import { afterEach, expect, test } from 'vitest';
import { describeWithOwnMongo } from './mongodb.ts';
import { isRunning } from './process-state.ts';
import { type ReplicaSet, type ReplicaSetOptions, startReplicaSet } from './replica-set.ts';
import { until } from './until.ts';

describeWithOwnMongo('startReplicaSet', (binary) => {
  const sets: ReplicaSet[] = [];

  afterEach(async () => {
    await Promise.all(sets.splice(0).map((set) => set.stop()));
  });

  test('a set of three takes a majority write at once', async () => {
    const set = await start({ members: 3 });
    expect(set.ports).toHaveLength(3);
    await withClient(set.uri, async (client) => {
      const jobs = client.db('test').collection('jobs');
      await jobs.insertOne({ n: 1 }, { writeConcern: { w: 'majority', wtimeoutMS: 5_000 } });
      const hello = await client.db('admin').command({ hello: 1 });
      expect([...hello.hosts].sort()).toEqual([...set.hosts].sort());
    });
  });

  test('a killed member comes back with its data, in a new process', async () => {
    const set = await start();
    const [port = 0] = set.ports;
    const before = set.pid(port);
    await withClient(set.uri, (client) => client.db('test').collection('jobs').insertOne({ n: 1 }));
    set.kill(port);
    await set.restart(port);
    expect(set.pid(port)).not.toBe(before);
    expect(isRunning(before)).toBe(false);
    await withClient(set.uri, async (client) => {
      expect(await client.db('test').collection('jobs').countDocuments()).toBe(1);
    });
  });

  test('stop leaves neither processes nor files, and may be called again', async () => {
    const set = await start();
    const pids = [set.supervisorPid, ...set.ports.map((port) => set.pid(port))];
    await set.stop();
    await set.stop();
    await until('all processes to be gone', () => !pids.some(isRunning));
    expect(existsSync(set.folder)).toBe(false);
  });

  test('a mongod that ends at once is reported with its exit code', async () => {
    await expect(start({ binary: '/bin/false' })).rejects.toThrow(/mongod ended \(exit code 1\)/);
  });

  test('a binary that is not there is reported', async () => {
    await expect(start({ binary: '/missing/mongod' })).rejects.toThrow(
      '/missing/mongod did not start: spawn /missing/mongod ENOENT',
    );
  });

  async function start(options: Partial<ReplicaSetOptions> = {}): Promise<ReplicaSet> {
    const set = await startReplicaSet({ binary, ...options });
    sets.push(set);
    return set;
  }
});

async function withClient<T>(uri: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(uri);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
