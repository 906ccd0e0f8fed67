// Starts the dashboard with jobs of a small shop that does not exist, and the ledgers of those who build it, and prints its address. In memory by default; on
// MongoDB when MONGODB_URI is set. Ctrl-C ends it.
import { createServer } from 'node:http';
import { InMemoryLedgerRepository, Monque } from '@monque/core';
import { createDashboard } from '@monque/dashboard';
import { toNodeListener } from '@monque/dashboard/node';
import { MongoClient } from 'mongodb';
import { openLedgers } from './ledgers.mjs';
import { openShop } from './shop.mjs';

const PORT = 4747;
const COLLECTION = 'monque_demo';

const uri = process.env.MONGODB_URI;
const client = uri && (await new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 }).connect());
const source = client ? client.db() : new InMemoryLedgerRepository({ transitionLog: true });
const options = client ? { collectionName: COLLECTION, transitionLog: true } : {};

// The dashboard shows what would be written to stderr.
const instances = Array.from(
  { length: 3 },
  () =>
    new Monque(source, {
      baseRetryInterval: 2_000,
      shutdownTimeout: 500,
      throughputHistory: 7 * 86_400_000,
      logger: false,
      ...options,
    }),
);
const shop = await openShop(instances);

const dashboard = createDashboard({
  monque: instances[1],
  actor: () => 'demo',
  title: 'Monque demo',
  environment: client ? 'MongoDB' : 'in memory',
  ledgers: await openLedgers(),
});
const server = createServer(toNodeListener(dashboard));
const port = await listen(Number(process.env.PORT ?? PORT));
console.log(`The dashboard is at http://127.0.0.1:${port}/`);
console.log(
  client
    ? `Jobs are kept in MongoDB: ${client.db().databaseName}.${COLLECTION}`
    : 'Jobs are kept in memory.',
);
console.log('Ctrl-C ends it.');

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void close());

async function close() {
  server.close();
  server.closeAllConnections();
  await shop.close();
  await client?.close();
}

/** On the port, or on any free one when that is taken. */
async function listen(wanted) {
  const tryPort = (number) =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(number, '127.0.0.1', () => {
        server.off('error', reject);
        resolve(server.address().port);
      });
    });
  try {
    return await tryPort(wanted);
  } catch (error) {
    if (error.code !== 'EADDRINUSE') throw error;
    return tryPort(0);
  }
}
