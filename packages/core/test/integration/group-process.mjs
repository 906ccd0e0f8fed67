// One process with a worker of groups: node group-process.mjs <entry> <uri> <database> <limit of each group>
// Each handler notes when it begins and ends, by the clock of the server.
import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';

const [entry, uri, database, limit] = process.argv.slice(2);
const { Monque } = await import(entry);
const client = await new MongoClient(uri).connect();
const db = client.db(database);
const runs = db.collection('runs');
const monque = new Monque(db, {
  collectionName: 'jobs',
  leaseDuration: 3_000,
  pollInterval: 300,
  logger: false,
});

monque.worker(
  'sync',
  async ({ _id: jobId, group, fence, data }) => {
    const _id = `${jobId} ${fence}`;
    const begin = { jobId, group, pid: process.pid, begunAt: '$$NOW' };
    await runs.updateOne({ _id }, [{ $set: begin }], { upsert: true });
    await pause(data.ms);
    await runs.updateOne({ _id }, [{ $set: { endedAt: '$$NOW' } }]);
  },
  { concurrency: 16, groups: { concurrency: Number(limit) } },
);
await monque.start();
process.send({ ready: true });

process.on('message', async () => {
  await monque.stop();
  await client.close();
  process.disconnect();
});
