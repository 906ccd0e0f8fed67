// A process that is killed while it enqueues a job that is born claimed:
// node birth-process.mjs <entry> <uri> <database> <step>
// Steps: `before` the insert is sent, `sent` and carried out but not answered, `answered`, or in the `handler`.
import { MongoClient } from 'mongodb';

const [entry, uri, database, step] = process.argv.slice(2);
const { Monque } = await import(entry);
const client = await new MongoClient(uri, { monitorCommands: true }).connect();
const monque = new Monque(client.db(database), { leaseDuration: 3_000, transitionLog: true });
let isArmed = false;

function die() {
  process.kill(process.pid, 'SIGKILL');
}

/** Long enough for the server to carry out what was sent; nothing of its answer is read. */
function standStill() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
}

const isInsertOfJobs = ({ commandName, command }) =>
  isArmed && commandName === 'insert' && command.insert === 'monque_jobs';
const inserts = new Set();
client.on('commandStarted', (event) => {
  if (!isInsertOfJobs(event)) return;
  process.send({ births: event.command.documents.map(({ status }) => status) });
  inserts.add(event.requestId);
  if (step === 'before') die();
  if (step !== 'sent') return;
  setImmediate(() => {
    standStill();
    die();
  });
});
client.on('commandSucceeded', ({ requestId }) => {
  if (step === 'answered' && inserts.has(requestId)) die();
});
monque.worker('count', () => {
  if (isArmed && step === 'handler') die();
});
await monque.start();
const rest = monque.enqueue('count', 'rest');
await monque.waitFor(await rest);
const before = [];
for (let number = 0; number < 5; number += 1) {
  const job = await monque.enqueue('count', number);
  process.send({ acknowledged: job._id.toHexString() });
  before.push(job);
}
for (const job of before) await monque.waitFor(job);
await new Promise((resolve) => setTimeout(resolve, 200));
isArmed = true;
await monque.enqueue('count', 'last');
// Killed in its handler, which may come after the answer.
await new Promise((resolve) => setTimeout(resolve, 10_000));
