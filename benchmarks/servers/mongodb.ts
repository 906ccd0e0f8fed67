/**
 * MongoDB: a replica set of one member at the server's own defaults, but for the size of its cache, which it would
 * take from the memory of the machine.
 *
 * @module
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { findMongod } from '../../packages/core/test/setup/find-mongod.ts';
import { startSupervisor } from '../../packages/core/test/setup/supervisor.ts';
import { until } from '../../packages/core/test/setup/until.ts';
import { cpuMsOf, freePort } from './processes.ts';
import { type Server, ServerMissingError } from './server.ts';

const CACHE_GB = 2;
const START_DEADLINE_MS = 45_000;

/** Starts it, and resolves when it takes writes. */
export async function startMongoDb(): Promise<Server> {
  const found = await findMongod({ log: () => {} });
  if (found.kind !== 'binary') {
    throw new ServerMissingError('needs a mongod program to start; MONGODB_URI cannot be used');
  }
  const folder = await mkdtemp(join(tmpdir(), 'benchmark-mongod-'));
  const port = await freePort();
  const supervisor = startSupervisor(folder);
  const mongod = await supervisor.run(found.binary, [
    ...['--port', `${port}`, '--dbpath', folder, '--logpath', join(folder, 'mongod.log')],
    ...['--replSet', 'rs0', '--bind_ip', '127.0.0.1', '--nounixsocket'],
    ...['--wiredTigerCacheSizeGB', `${CACHE_GB}`],
    ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
  ]);
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  await initiate(client, port);
  return {
    engine: 'mongodb',
    version: `MongoDB ${found.version}`,
    url: `mongodb://127.0.0.1:${port}/?replicaSet=rs0`,
    makeDatabase: async () => {},
    dropDatabase: async (name) => {
      await client.db(name).dropDatabase();
    },
    cpuMs: () => cpuMsOf(mongod.pid),
    counts: async () => {
      const { document } = (await client.db('admin').command({ serverStatus: 1 })).metrics;
      const { inserted, updated, deleted } = document;
      return { writes: Number(inserted) + Number(updated) + Number(deleted) };
    },
    bytes: async (name) => {
      const { dataSize, indexSize } = await client.db(name).stats();
      return Number(dataSize) + Number(indexSize);
    },
    stop: async () => {
      await client.close();
      await supervisor.stop();
    },
  };
}

async function initiate(client: MongoClient, port: number): Promise<void> {
  const admin = client.db('admin');
  const members = [{ _id: 0, host: `127.0.0.1:${port}` }];
  await admin.command({
    replSetInitiate: { _id: 'rs0', members, settings: { electionTimeoutMillis: 1_000 } },
  });
  await until(
    'a primary',
    async () => (await admin.command({ hello: 1 })).isWritablePrimary,
    START_DEADLINE_MS,
  );
}
