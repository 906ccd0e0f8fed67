import { expect, test } from 'vitest';
import { makeOne, payloads } from './kit.ts';

test('an enqueued job runs once, with its data, and ends completed', async () => {
  const { monque, clock, events } = makeOne();
  const seen: unknown[] = [];
  monque.worker('greet', (job) => {
    seen.push(job.data);
  });
  await monque.start();
  const job = await monque.enqueue('greet', { to: 'Ada' });
  await clock.settle();
  expect(seen).toEqual([{ to: 'Ada' }]);
  expect(payloads(events, 'job:complete')).toHaveLength(1);
  expect((await monque.getJob(job._id))?.status).toBe('completed');
  await monque.stop();
  expect(clock.pendingTimers).toBe(0);
});
