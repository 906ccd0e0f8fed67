import { Monque } from '@monque/core';

const monque = Monque.inMemory();
const started = [];

// One job at a time of each customer, in turns of all customers.
monque.worker('sync', ({ group }) => void started.push(group), {
  concurrency: 1,
  groups: { concurrency: 1 },
});

// A busy customer comes first, with many jobs.
const many = Array.from({ length: 5 }, () => ({ name: 'sync', options: { group: 'busy' } }));
await monque.enqueueMany(many);
await monque.enqueue('sync', undefined, { group: 'small' });
await monque.enqueue('sync', undefined, { group: 'small' });

// What holds for one customer can be changed at any time, for all processes.
await monque.setGroup('sync', 'late', { paused: true });
const last = await monque.enqueue('sync', undefined, { group: 'late' });

for (const { group, waiting } of await monque.groups('sync')) console.log(group, waiting);
monque.on('job:complete', () => {
  if (started.length === 7) monque.setGroup('sync', 'late', { paused: false });
});
await monque.start();
console.log((await monque.explain(last._id)).reason);
await monque.waitFor(last);
console.log(started.join(', '));
await monque.stop();
