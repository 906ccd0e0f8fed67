import { Monque } from '@monque/core';

const monque = Monque.inMemory();

// While a job with this name and key is pending or processing, no second one is stored.
const first = await monque.enqueue('sync-user', { userId: 7 }, { uniqueKey: 'user:7' });
const second = await monque.enqueue('sync-user', { userId: 7 }, { uniqueKey: 'user:7' });
console.log(`enqueued twice, same job: ${second._id.equals(first._id)}`);

// The key belongs to the job's name: the same key under another name is another lock.
const other = await monque.enqueue('export-user', { userId: 7 }, { uniqueKey: 'user:7' });
console.log(`same key, other name, same job: ${other._id.equals(first._id)}`);

// A thousand callers at once still make one job.
const many = await Promise.all(
  Array.from({ length: 1000 }, () =>
    monque.enqueue('sync-user', { userId: 8 }, { uniqueKey: 'user:8' }),
  ),
);
console.log(`enqueued 1000 times, jobs: ${new Set(many.map(({ _id }) => _id.toHexString())).size}`);

// enqueueMany says which entry was stored and which met a job that exists.
const answers = await monque.enqueueMany(
  [7, 9].map((userId) => ({
    name: 'sync-user',
    data: { userId },
    options: { uniqueKey: `user:${userId}` },
  })),
);
console.log(answers.map(({ status }) => status).join(', '));

// The key is free again as soon as the job has finished: completed, failed or cancelled.
const firstFinished = new Promise((resolve) => {
  monque.on('job:complete', ({ job }) => job._id.equals(first._id) && resolve());
});
monque.worker('sync-user', async () => {});
await monque.start();
await firstFinished;
const third = await monque.enqueue('sync-user', { userId: 7 }, { uniqueKey: 'user:7' });
console.log(`enqueued after the first has completed, same job: ${third._id.equals(first._id)}`);
await monque.stop();
