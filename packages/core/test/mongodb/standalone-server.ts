import { mkdtemp } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { startSupervisor } from '../setup/supervisor.ts';
import { until } from '../setup/until.ts';

/** A mongod that belongs to no replica set. */
export interface StandaloneServer {
  readonly uri: string;
  /** Kills it and removes its data. Idempotent. */
  stop(): Promise<void>;
}

export async function startStandaloneServer(
  binary: string,
  more: readonly string[] = [],
): Promise<StandaloneServer> {
  const folder = await mkdtemp(join(tmpdir(), 'monque-mongod-'));
  const supervisor = startSupervisor(folder);
  try {
    const port = await freePort();
    await supervisor.run(binary, [
      ...['--port', `${port}`, '--bind_ip', '127.0.0.1', '--nounixsocket'],
      ...['--dbpath', folder, '--logpath', join(folder, 'mongod.log')],
      ...['--wiredTigerCacheSizeGB', '0.25'],
      ...['--wiredTigerEngineConfigString', 'log=(prealloc=false,file_max=10MB)'],
      ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
      ...more,
    ]);
    const uri = `mongodb://127.0.0.1:${port}/`;
    await until('the standalone mongod', () => answers(uri), 30_000);
    return { uri, stop: () => supervisor.stop() };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

async function answers(uri: string): Promise<boolean> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 500 });
  try {
    await client.db('admin').command({ ping: 1 });
    return true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
