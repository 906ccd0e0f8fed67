import { describe, expect, test } from 'vitest';
import { deferred, makeOne } from './kit.ts';

describe('giving back', () => {
  test('a job that never started keeps its key that is held until the start', async () => {
    const { monque, clock } = makeOne({ defaultConcurrency: 1, shutdownTimeout: 100 });
    const gate = deferred();
    const hold = { uniqueHold: 'untilStarted' } as const;
    let isSlow = false;
    monque.worker('work', () => (isSlow ? gate.promise : undefined));
    await monque.start();
    await monque.enqueueMany(Array.from({ length: 100 }, () => ({ name: 'work' })));
    await clock.settle();
    isSlow = true;
    const keys = Array.from({ length: 10 }, (_, index) => ({
      name: 'work',
      options: { uniqueKey: `k${index}`, ...hold },
    }));
    await monque.enqueueMany(keys);
    await clock.settle();
    const claimed = await monque.getJobs({ name: 'work', status: 'processing' });
    expect(claimed.length).toBeGreaterThan(1);
    const stopped = monque.stop();
    gate.resolve();
    await clock.advance(200);
    await stopped;
    const waiting = await monque.getJobs({ name: 'work', status: 'pending' });
    expect(waiting.length).toBeGreaterThan(1);
    for (const job of waiting) {
      const again = await monque.enqueue('work', 1, { uniqueKey: String(job.uniqueKey), ...hold });
      expect(again._id).toEqual(job._id);
    }
  });

  test('a job that never started goes without its key when another has taken that', async () => {
    const { monque, clock, faulty, ledger, makeInstance } = makeOne();
    const key = { uniqueKey: 'k', uniqueHold: 'untilStarted' } as const;
    const first = await monque.enqueue('work', 1, key);
    const claim = faulty.claim.bind(faulty);
    faulty.claim = async (params) => {
      const result = await claim(params);
      await makeInstance().monque.enqueue('work', 2, { ...key, runAt: new Date(8e12) });
      void monque.stop();
      return result;
    };
    monque.worker('work', () => undefined);
    await monque.start();
    await clock.advance(1_000);
    const { startLock, ...job } = (await ledger.getJob({ jobId: first._id })) ?? {};
    expect(job).toMatchObject({ status: 'pending', fence: 1 });
    expect(startLock).toBeUndefined();
    await monque.stop();
  });
});
