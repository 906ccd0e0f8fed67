// One process with a worker of three stages: node stage-process.mjs <entry> <uri> <database> <stage to stop in>
// Each stage notes its start, and its effect at its end; in the stage to stop in it hangs after the effect.
import { MongoClient } from 'mongodb';

const [entry, uri, database, stopIn] = process.argv.slice(2);
const { Monque, stage, gate } = await import(entry);
const client = await new MongoClient(uri).connect();
const db = client.db(database);
const starts = db.collection('starts');
const monque = new Monque(db, { leaseDuration: 1_500 });

const step = (name) =>
  stage(name, async (job, { results }) => {
    await starts.insertOne({ jobId: job._id, stage: name, pid: process.pid });
    process.send({ started: name });
    if (name === stopIn) await new Promise(() => undefined);
    return { name, before: Object.keys(results) };
  });

monque.worker('import', {
  stages: [step('download'), gate('pdf-ready'), step('parse'), step('store')],
});
monque.on('job:blocked', () => process.send({ blocked: true }));
await monque.start();
process.send({ ready: true });

process.on('message', async () => {
  await monque.stop();
  await client.close();
  process.disconnect();
});
