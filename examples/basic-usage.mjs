import { Monque } from '@monque/core';

// In memory, to try it out. In production: new Monque(client.db('shop')).
const monque = Monque.inMemory();

// The worker runs the jobs of one name: returning means success, throwing means try again later.
monque.worker('send-email', async (job, { signal }) => {
  signal.throwIfAborted();
  console.log(`send "${job.data.subject}" to ${job.data.to}`);
});

// Events tell what happened, after it was recorded.
monque.on('job:error', ({ error }) => console.error(error.message));
const lastOneDone = new Promise((resolve) => {
  monque.on('job:complete', ({ job }) => {
    console.log(`completed "${job.data.subject}"`);
    if (job.data.subject === 'Later') resolve();
  });
});

// Due at once. Of two due jobs the one with the lower priority number goes first.
await monque.enqueue('send-email', { to: 'user@example.com', subject: 'Second' });
await monque.enqueue('send-email', { to: 'user@example.com', subject: 'First' }, { priority: -10 });

// Not before half a second has passed. A certain time goes as `runAt`.
await monque.enqueue('send-email', { to: 'user@example.com', subject: 'Later' }, { delay: 500 });

// Many at once: the answer says for each what happened.
const answers = await monque.enqueueMany(
  ['Cancelled', 'Deleted'].map((subject) => ({
    name: 'send-email',
    data: { to: 'user@example.com', subject },
    options: { runAt: new Date('2100-01-01') },
  })),
);
console.log(answers.map(({ status }) => status).join(', '));

// A pending job can be cancelled; then it stays on record. Any job that does not run can be deleted.
const [cancelledId, deletedId] = answers.map(({ job }) => job._id);
const cancelled = await monque.cancelJob(cancelledId);
console.log(`cancelled job: ${cancelled.status}`);
await monque.deleteJob(deletedId);
console.log(`deleted job: ${await monque.getJob(deletedId)}`);

// start() begins to run jobs; stop() waits for those that run.
await monque.start();
await lastOneDone;
await monque.stop();
