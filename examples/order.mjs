import { Monque } from '@monque/core';

const monque = Monque.inMemory();
const steps = [];

// Jobs of one key run one after the other, those of other keys beside them.
monque.worker(
  'ship',
  async ({ order, data, failCount }) => {
    steps.push(`${order}: ${data.step}${failCount > 0 ? ' (again)' : ''}`);
    if (data.step === 'pack' && failCount === 0) throw new Error('The box was too small');
  },
  { order: { whenFailed: 'halt' }, backoff: { type: 'fixed', delay: 50 } },
);
monque.on('job:fail', ({ error }) => console.log(`failed: ${error.message}`));
await monque.start();

// A retry keeps its place: `send` waits for the second try of `pack`.
await monque.enqueue('ship', { step: 'pack' }, { order: 'order-17' });
const sent = await monque.enqueue('ship', { step: 'send' }, { order: 'order-17' });
console.log((await monque.explain(sent._id)).reason);
await monque.waitFor(sent);
console.log(steps.join(', '));
await monque.stop();
