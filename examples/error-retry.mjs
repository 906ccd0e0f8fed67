import { Monque } from '@monque/core';

// A job that failed n times runs again after 2^n x baseRetryInterval: here 20, 40 and 80 ms.
const monque = Monque.inMemory({ baseRetryInterval: 10, maxRetries: 4 });

// Throwing means failure. failCount and failReason tell a run what went wrong before.
monque.worker('charge-card', async (job) => {
  console.log(`charge: try ${job.failCount + 1}, last error: ${job.failReason ?? 'none'}`);
  if (job.failCount < 2) throw new Error('the bank does not answer');
});
monque.worker('import-file', async () => {
  throw new Error('the file is broken');
});

// Errors outside of handlers: a ledger that does not answer, a listener that threw.
monque.on('job:error', ({ error }) => console.error(error.message));

// Fires for each failure, after it was recorded.
const failedForGood = new Promise((resolve) => {
  monque.on('job:fail', ({ job, error, willRetry }) => {
    if (job.name !== 'import-file') return;
    console.log(`import: ${error.message}; ${willRetry ? 'is tried again' : 'failed for good'}`);
    if (!willRetry) resolve();
  });
});
const charged = new Promise((resolve) => monque.on('job:complete', resolve));

await monque.start();
await monque.enqueue('charge-card', { amount: 42 });
await charged;

// After maxRetries failures a job is failed for good. It stays in the ledger to be looked at.
const broken = await monque.enqueue('import-file');
await failedForGood;
const { status, failCount, failReason } = await monque.getJob(broken._id);
console.log(`import is ${status} after ${failCount} failures: ${failReason}`);
await monque.stop();
