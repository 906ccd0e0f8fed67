// Runs, retries, delays and deduplicates a few jobs, and shows what happens. Ends by itself.
// In memory by default; on MongoDB when MONGODB_URI is set.
import { Monque } from '@monque/core';
import { MongoClient } from 'mongodb';

const uri = process.env.MONGODB_URI;
const client = uri && (await new MongoClient(uri, { serverSelectionTimeoutMS: 5000 }).connect());
const options = { baseRetryInterval: 100 }; // short, so that you need not wait for a retry
const monque = client
  ? new Monque(client.db(), { ...options, collectionName: 'monque_quickstart' })
  : Monque.inMemory(options);

console.log(
  client
    ? `Jobs are kept in MongoDB: ${client.db().databaseName}.monque_quickstart\n`
    : 'Jobs are kept in memory. Set MONGODB_URI to keep them in MongoDB.\n',
);

// 1. A worker runs the jobs of one name. Throwing means: try again later.
monque.worker('send-email', async (job) => {
  say('runs', job, `to ${job.data.to}`);
});
monque.worker('charge-card', async (job) => {
  say('runs', job, `try ${job.failCount + 1}`);
  if (job.failCount < 2) throw new Error('the bank does not answer');
});

// 2. Enqueue: a plain job, one that fails twice, one for later, and one that may exist only once.
const unfinished = new Set();
await enqueue('send-email', { to: 'now@example.com' });
await enqueue('charge-card', { amount: 42 });
await enqueue('send-email', { to: 'later@example.com' }, { delay: 1_000 });
const once = { uniqueKey: 'welcome:42' };
const first = await enqueue('send-email', { to: 'welcome@example.com' }, once);
const second = await monque.enqueue('send-email', { to: 'welcome@example.com' }, once);
say('duplicate', second, `the key is taken; same job: ${second._id.equals(first._id)}`);

// 3. The events tell how runs ended.
monque.on('job:fail', ({ job, error }) => {
  say('failed', job, `${error.message}; next try after ${100 * 2 ** job.failCount} ms`);
});
monque.on('job:error', ({ error }) => console.error(error.message));
const allDone = new Promise((resolve) => {
  monque.on('job:complete', ({ job }) => {
    say('completed', job);
    unfinished.delete(job._id.toHexString());
    if (unfinished.size === 0) resolve();
  });
});

// 4. Start, wait for the last job, stop.
await monque.start();
await allDone;
await monque.stop();
if (client) await client.close();
console.log('\nAll jobs are done.');

async function enqueue(name, data, jobOptions) {
  const job = await monque.enqueue(name, data, jobOptions);
  unfinished.add(job._id.toHexString());
  say('enqueued', job, jobOptions?.delay && 'to run in a second');
  return job;
}

function say(what, job, detail = '') {
  const seconds = (performance.now() / 1000).toFixed(2).padStart(5);
  const id = job._id.toHexString().slice(-6);
  console.log(`${seconds} s  ${what.padEnd(10)} ${job.name.padEnd(12)} ${id}  ${detail}`.trimEnd());
}
