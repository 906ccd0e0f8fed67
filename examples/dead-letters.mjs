import { Monque } from '@monque/core';

const monque = Monque.inMemory({ logger: false });
let isHostUp = false;

// A job that failed for good waits under the name `mail.dead`, with all that it was.
monque.worker(
  'mail',
  (job) => {
    if (!isHostUp) throw new Error('The mail host is down');
    return `sent to ${job.data.to}`;
  },
  { maxRetries: 1, deadLetter: 'mail.dead' },
);
await monque.start();

const jobs = await Promise.all(['anna', 'ben'].map((to) => monque.enqueue('mail', { to })));
for (const job of jobs) await monque.waitFor(job).catch((error) => console.log(error.reason));

for (const { data, source } of await monque.getJobs({ deadLettersOf: 'mail' })) {
  console.log(`${data.to}: ${source.name} failed: ${source.reason}`);
}

// First count what would be redriven, then do it: ten of them become due in a second.
isHostUp = true;
const { matched } = await monque.redriveDeadLetters({ name: 'mail.dead' }, { preview: true });
console.log(`would be redriven: ${matched}`);
await monque.redriveDeadLetters(
  { name: 'mail.dead' },
  { perSecond: 10, reason: 'The host is up again' },
);
for (const job of jobs) console.log(await monque.waitFor(job));
await monque.stop();
