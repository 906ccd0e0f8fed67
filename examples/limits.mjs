import { Monque } from '@monque/core';

const monque = Monque.inMemory();

// Set while the scheduler runs or before it; it holds in all processes at once.
await monque.setLimit('openai', { concurrency: 2, rate: { limit: 500, per: 60_000, burst: 50 } });

let running = 0;
let most = 0;
async function ask() {
  running += 1;
  most = Math.max(most, running);
  await new Promise((resolve) => setTimeout(resolve, 20));
  running -= 1;
}

// Two names share the limit. One of them has another bound for itself.
monque.worker('summarise', ask, { concurrency: 10, limits: ['openai'] });
monque.worker('translate', ask, {
  concurrency: 10,
  limits: ['openai'],
  limit: { concurrency: 1 },
});
await monque.start();

const names = ['summarise', 'translate', 'summarise', 'translate', 'summarise', 'translate'];
const jobs = await Promise.all(names.map((name) => monque.enqueue(name)));
await Promise.all(jobs.map((job) => monque.waitFor(job)));
console.log(`jobs: ${jobs.length}, at most at once: ${most}`);
for (const { key, concurrency } of await monque.limits()) console.log(`${key}: ${concurrency}`);

await monque.stop();
