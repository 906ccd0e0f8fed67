import { type Db, MongoClient, type MongoClientOptions } from 'mongodb';
import { type FaultProxy, startFaultProxy } from '../faults/proxy.ts';
import { type ReplicaSet, startReplicaSet } from '../setup/replica-set.ts';

/** The application whose commands fail points are for; the direct client goes free. */
export const APP_NAME = 'ledger';

/** A replica set of one member, behind a proxy, with one client that meets the faults and one that looks past them. */
export interface OwnServer {
  readonly set: ReplicaSet;
  readonly proxy: FaultProxy;
  /** Past the proxy, straight to the member. */
  readonly direct: MongoClient;
  /** Through the proxy. */
  connect(options?: MongoClientOptions): MongoClient;
  stop(): Promise<void>;
}

export async function startOwnServer(binary: string): Promise<OwnServer> {
  const proxies: FaultProxy[] = [];
  const set = await startReplicaSet({
    binary,
    advertise: async ([target = 0]) => {
      const proxy = await startFaultProxy({ target });
      proxies.push(proxy);
      return [`127.0.0.1:${proxy.port}`];
    },
  });
  const [proxy] = proxies;
  if (!proxy) throw new Error('The set did not ask for its hosts');
  const clients: MongoClient[] = [];
  const direct = new MongoClient(`mongodb://127.0.0.1:${set.ports[0]}/?directConnection=true`, {
    monitorCommands: true,
  });
  clients.push(direct);
  return {
    set,
    proxy,
    direct,
    connect: (options) => {
      const client = new MongoClient(set.uri, {
        appName: APP_NAME,
        heartbeatFrequencyMS: 500,
        serverSelectionTimeoutMS: 5_000,
        ...options,
      });
      clients.push(client);
      return client;
    },
    stop: async () => {
      proxy.clear();
      await Promise.all(clients.map((client) => client.close()));
      await proxy.close();
      await set.stop();
    },
  };
}

let databases = 0;

/** The same new database, as seen by each client. */
export function freshDb(...clients: readonly MongoClient[]): Db[] {
  databases += 1;
  return clients.map((client) => client.db(`test_${databases}`));
}

/**
 * Holds the reply to a command of this name while the first of the changes is made, the reply to the next one for the
 * next change, and so on. The holding begins with this call.
 */
export async function between(
  { proxy }: OwnServer,
  command: string,
  changes: readonly (() => Promise<unknown>)[],
): Promise<void> {
  let held = proxy.holdReply({ command });
  for (const [index, change] of changes.entries()) {
    await held.entered();
    await change();
    const holding = held;
    if (index < changes.length - 1) held = proxy.holdReply({ command });
    holding.release();
  }
}
