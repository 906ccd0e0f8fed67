import { Monque } from '@monque/core';

const monque = Monque.inMemory({ logger: false });

// One call of the handler for all jobs that wait, up to a hundred. Each of them has an outcome of its own.
monque.worker(
  'index',
  {
    batch: (jobs, context) => {
      console.log(`indexes ${jobs.length} pages`);
      for (const job of jobs) {
        if (job.data.url === 'broken') context.fail(job, new Error('The page is broken'));
      }
      return jobs.map((job) => `indexed ${job.data.url}`);
    },
    size: 100,
    wait: 200,
  },
  { maxRetries: 1 },
);
await monque.start();

const urls = ['a', 'broken', 'c'];
const jobs = await Promise.all(urls.map((url) => monque.enqueue('index', { url })));
for (const job of jobs) {
  console.log(await monque.waitFor(job).catch(({ job: failed }) => failed.failReason));
}
await monque.stop();
