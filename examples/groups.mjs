import { Monque } from '@monque/core';

const monque = Monque.inMemory();
const started = [];

// One job at a time of each customer, in turns of all customers.
monque.worker('sync', ({ group }) => void started.push(group), {
  concurrency: 1,
  groups: { concurrency: 1 },
});

// A busy customer comes first, with many jobs.
await monque.enqueueMany(
  Array.from({ length: 6 }, () => ({ name: 'sync', options: { group: 'busy' } })),
);
await monque.enqueue('sync', undefined, { group: 'small' });
await monque.enqueue('sync', undefined, { group: 'small' });

// What holds for one customer can be changed at any time, for all processes.
await monque.setGroup('sync', 'late', { paused: true });
const waiting = await monque.enqueue('sync', undefined, { group: 'late' });

for (const { group, waiting: jobs } of await monque.groups('sync')) console.log(group, jobs);
await monque.start();
console.log((await monque.explain(waiting._id)).reason);
await monque.setGroup('sync', 'late', { paused: false });
await monque.waitFor(waiting);
console.log(started.slice(0, 4).sort().join(', '));
await monque.stop();
