import { Monque } from '@monque/core';

const monque = Monque.inMemory();

monque.worker('extract', async ({ data }) => ({ rows: data.rows }));

// What a job adds while it runs is waited for by whatever waits for that job.
monque.worker('split', async ({ data }, context) => {
  const parts = data.regions.map((region) => [region, { name: 'extract', data: { rows: 10 } }]);
  await context.addToFlow(Object.fromEntries(parts));
});

// Starts when all parents have completed, and reads what they returned.
monque.worker('load', async (_job, context) => {
  const results = Object.values(await context.parentResults());
  return results.reduce((sum, { rows = 0 } = {}) => sum + rows, 0);
});
monque.worker('report', ({ ref }) => console.log(`${ref} is done`));
await monque.start();

const flow = await monque.enqueueFlow({
  jobs: {
    customers: { name: 'extract', data: { rows: 5 } },
    orders: { name: 'split', data: { regions: ['north', 'south'] } },
    load: { name: 'load', after: ['customers', 'orders'] },
    report: { name: 'report', after: [{ ref: 'load', onFailure: 'continue' }] },
  },
});
console.log(`rows: ${await monque.waitFor(flow.jobs.load)}`);
await monque.waitFor(flow.jobs.report);
const { state, counts } = await monque.getFlow(flow.id);
console.log(state, counts);
await monque.stop();
