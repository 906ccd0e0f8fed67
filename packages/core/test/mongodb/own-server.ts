import { type Db, MongoClient, type MongoClientOptions } from 'mongodb';
import { type FaultProxy, startFaultProxy } from '../faults/proxy.ts';
import { type ReplicaSet, startReplicaSet } from '../setup/replica-set.ts';

/** The application whose commands fail points are for; the direct client goes free. */
export const APP_NAME = 'ledger';

/** A server that the file alone uses, behind a proxy, with clients that meet the faults and one that looks past them. */
export interface OwnServer {
  readonly proxy: FaultProxy;
  /** Past the proxy, straight to the member. */
  readonly direct: MongoClient;
  /** Through the proxy. */
  connect(options?: MongoClientOptions): MongoClient;
  /** Ends the clients and every fault; the server goes to who asks next. */
  stop(): Promise<void>;
}

interface Place {
  readonly set: ReplicaSet;
  readonly proxy: FaultProxy;
}

/**
 * Of this process, whose files run one after another: to start a server costs more than most files do with it. It ends
 * with the process.
 */
let place: Promise<Place> | undefined;
let isTaken = false;

export async function startOwnServer(binary: string): Promise<OwnServer> {
  if (isTaken) throw new Error('The server of this process is in use: whoever had it did not stop');
  isTaken = true;
  const { set, proxy } = await placeOfThisProcess(binary);
  const direct = new MongoClient(`mongodb://127.0.0.1:${set.ports[0]}/?directConnection=true`, {
    monitorCommands: true,
  });
  const clients = [direct];
  return {
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
      await direct.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' });
      await Promise.all(clients.map((client) => client.close()));
      proxy.cut();
      proxy.events.removeAllListeners();
      isTaken = false;
    },
  };
}

async function placeOfThisProcess(binary: string): Promise<Place> {
  place ??= startPlace(binary);
  try {
    return await place;
  } catch (error) {
    place = undefined;
    isTaken = false;
    throw error;
  }
}

async function startPlace(binary: string): Promise<Place> {
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
  return { set, proxy };
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
