import { gate, Monque, stage } from '@monque/core';

const monque = Monque.inMemory({ baseRetryInterval: 100 });
let tries = 0;

// Each finished stage is recorded: a retry, also one after a crash, goes on behind the last of them.
monque.worker('import-invoice', {
  stages: [
    stage('download', async (job) => {
      console.log(`download ${job.data.url}`);
      return { pages: 3 };
    }),
    // Nobody holds the job here, until somebody opens the gate.
    gate('approved', { timeout: 7 * 24 * 60 * 60 * 1000 }),
    stage('parse', async (_job, { results }) => {
      tries += 1;
      console.log(`parse ${results.download.pages} pages, try ${tries}`);
      if (tries === 1) throw new Error('the parser was busy');
      return { total: 120 };
    }),
    stage('book', async (_job, { results }) => `booked ${results.parse.total}`),
  ],
});

const waits = new Promise((resolve) => monque.on('job:blocked', resolve));
await monque.start();
const { _id } = await monque.enqueue('import-invoice', { url: 'https://example.com/7.pdf' });

const { job, gate: name } = await waits;
console.log(`${job.status} at ${name}, recorded: ${job.stages.map((done) => done.name)}`);
await monque.openGate(_id, 'approved', { evidence: { orderNumber: 4711 }, by: 'ann' });

console.log(await monque.waitFor(_id));
const { gates } = await monque.getJob(_id);
console.log(`opened by ${gates[0].by} on order ${gates[0].evidence.orderNumber}`);
await monque.stop();
