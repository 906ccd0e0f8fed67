// One process under a global limit, with groups and orders: node flow-control-process.mjs <entry> <uri> <database> <limit of a group>
// Each handler notes when it begins and ends, by the clock of the server.
import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';

const [entry, uri, database, limit] = process.argv.slice(2);
const { Monque } = await import(entry);
const client = await new MongoClient(uri).connect();
const db = client.db(database);
const runs = db.collection('runs');
const words = db.collection('words');
const monque = new Monque(db, {
  collectionName: 'jobs',
  leaseDuration: 3_000,
  pollInterval: 300,
  // Many are taken from processes that stand still or are killed, through no fault of theirs.
  rescueLimit: 100,
  logger: false,
});

async function handle({ _id: jobId, name, group, order, fence, claimedBy, data }) {
  const _id = `${jobId} ${fence}`;
  const who = { jobId, name, group, order, pid: process.pid, lease: claimedBy };
  const what = { seq: data.seq, ...(data.holds && { holds: true }) };
  await runs.updateOne({ _id }, [{ $set: { ...who, ...what, begunAt: '$$NOW' } }], {
    upsert: true,
  });
  await pause(data.ms);
  // It ends when it is told to.
  while (data.holds && (await words.findOne()) === null) await pause(50);
  await runs.updateOne({ _id }, [{ $set: { endedAt: '$$NOW' } }]);
}

monque.worker('sync', handle, {
  concurrency: 8,
  limits: ['all'],
  groups: { concurrency: Number(limit) },
});
monque.worker('ship', handle, { concurrency: 8, limits: ['all'], order: { whenFailed: 'next' } });
await monque.start();
process.send({ ready: true });
