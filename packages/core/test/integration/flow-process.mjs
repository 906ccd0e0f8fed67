// One process with flows: node flow-process.mjs <entry> <uri> <database> <work or store>
// A worker notes down, before each run, which parents its job has whose ends nobody noted; a producer stores one flow
// after the other, and says before each that it begins, and after each that it is stored.
import { MongoClient } from 'mongodb';

const [entry, uri, database, mode] = process.argv.slice(2);
const { Monque } = await import(entry);
const client = await new MongoClient(uri).connect();
const db = client.db(database);
const starts = db.collection('starts');
const ends = db.collection('ends');
const monque = new Monque(db, { leaseDuration: 1_500, resendLimit: 2_000, logger: false });

const PARTS = 30;
const parts = Array.from({ length: PARTS }, (_, index) => `part${index}`);

if (mode === 'work') {
  monque.worker(
    'step',
    async ({ _id, flow, ref, fence, data }) => {
      const after = data?.after ?? [];
      const ended = await ends.distinct('ref', { flow, ref: { $in: after } });
      const early = after.filter((parent) => !ended.includes(parent));
      await starts.insertOne({ jobId: _id, flow, ref, fence, early });
      await ends.insertOne({ flow, ref }, { writeConcern: { w: 'majority' } });
    },
    { concurrency: 20 },
  );
  await monque.start();
  process.send({ ready: true });
} else {
  const step = (after) =>
    after.length === 0 ? { name: 'step' } : { name: 'step', data: { after }, after };
  const middle = Object.fromEntries(parts.map((ref) => [ref, step(['root'])]));
  const graph = { jobs: { root: step([]), ...middle, end: step(parts) } };
  for (let index = 0; ; index += 1) {
    process.send({ storing: index });
    const { id } = await monque.enqueueFlow(graph);
    process.send({ stored: id.toHexString() });
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

process.on('message', async () => {
  await monque.stop();
  await client.close();
  process.disconnect();
});
