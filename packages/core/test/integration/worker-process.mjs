// One worker process: node worker-process.mjs <entry> <uri> <database> <options as JSON>
// Appends every run of a handler to the collection `runs`, and says over IPC what it did.
import { MongoClient } from 'mongodb';

const [entry, uri, database, options] = process.argv.slice(2);
const { Monque } = await import(entry);
const { handlerMs, ...monqueOptions } = JSON.parse(options);
const client = await new MongoClient(uri).connect();
const db = client.db(database);
const runs = db.collection('runs');
const monque = new Monque(db, monqueOptions);

monque.worker('count', async (job) => {
  await runs.insertOne({ jobId: job._id, fence: job.fence, pid: process.pid });
  process.send({ started: job._id.toHexString() });
  if (handlerMs > 0) await new Promise((resolve) => setTimeout(resolve, handlerMs));
});
monque.on('job:error', ({ error }) => process.send({ error: String(error) }));
await monque.start();
process.send({ ready: true });

process.on('message', async () => {
  await monque.stop();
  await client.close();
  process.disconnect();
});
