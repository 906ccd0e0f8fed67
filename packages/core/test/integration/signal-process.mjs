// One process that is asked to end: node signal-process.mjs <entry> <uri> <database> <what else listens: none or once>
// Says over IPC what it did; it runs one job, which ends when it is told to go on.
import { once } from 'node:events';
import { MongoClient } from 'mongodb';

const [entry, uri, database, listener] = process.argv.slice(2);
const { Monque } = await import(entry);
const client = await new MongoClient(uri).connect();
const monque = new Monque(client.db(database), { handleSignals: true });

if (listener === 'once') {
  process.once('SIGTERM', async () => {
    process.send('asked');
    // Both have seen the signal; the scheduler is done first, and this one is not.
    await monque.stop();
    process.send('stopped');
    await once(process, 'message');
    await client.close();
    process.send('cleaned up');
    process.exitCode = 7;
    process.disconnect();
  });
}
monque.worker('work', async () => {
  process.send('running');
  await once(process, 'message');
});
await monque.start();
await monque.enqueue('work');
