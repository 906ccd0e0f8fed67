import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, type Job, Monque } from '../../src/index.ts';

/** Runs jobs of a scheduler in memory until the last of each key has ended. */
async function run(
  whenFailed: 'next' | 'halt',
  handler: (job: Job<number>) => void | Promise<void>,
  keys: readonly string[],
): Promise<{ readonly monque: Monque; readonly jobs: readonly Job[] }> {
  const monque = Monque.inMemory({ baseRetryInterval: 1, retryJitter: 0, maxRetries: 2 });
  monque.worker<number>('ship', handler, { order: { whenFailed }, concurrency: 8 });
  await monque.start();
  const jobs: Job[] = [];
  for (const [index, order] of keys.entries()) {
    jobs.push(await monque.enqueue('ship', index, { order }));
  }
  return { monque, jobs };
}

const ends = (monque: Monque, jobs: readonly Job[]): Promise<unknown> =>
  Promise.allSettled(jobs.map((job) => monque.waitFor(job, { timeout: 20_000 })));

describe('jobs with an order', () => {
  test('run one after the other by key, and beside each other across keys', async () => {
    const started: number[] = [];
    const running = new Map<string, number>();
    let most = 0;
    const keys = Array.from({ length: 30 }, (_, index) => `key ${index % 3}`);
    const { monque, jobs } = await run(
      'next',
      async (job) => {
        const key = job.order ?? '';
        running.set(key, (running.get(key) ?? 0) + 1);
        most = Math.max(most, ...running.values());
        started.push(job.data);
        await Promise.resolve();
        running.set(key, (running.get(key) ?? 0) - 1);
      },
      keys,
    );
    await ends(monque, jobs);
    await monque.stop();
    expect(most).toBe(1);
    expect(started).toHaveLength(30);
    for (const key of [0, 1, 2]) {
      const ofKey = started.filter((index) => index % 3 === key);
      expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b));
    }
  });

  test('let nobody by while one is retried', async () => {
    const runs: number[] = [];
    const { monque, jobs } = await run(
      'next',
      (job) => {
        runs.push(job.data);
        if (job.data === 0 && job.failCount === 0) throw new Error('not yet');
      },
      ['a', 'a'],
    );
    await ends(monque, jobs);
    await monque.stop();
    expect(runs).toEqual([0, 0, 1]);
  });

  test('go on behind one that has failed for good, unless it halts them', async () => {
    const { monque, jobs } = await run(
      'next',
      (job) => {
        if (job.data === 0) throw new Error('never');
      },
      ['a', 'a'],
    );
    await ends(monque, jobs);
    expect((await monque.getJob(jobs[1]?._id ?? ''))?.status).toBe('completed');
    await monque.stop();
  });

  test('wait behind one that has failed and halts them, until somebody cancels or retries it', async () => {
    let isRepaired = false;
    const { monque, jobs } = await run(
      'halt',
      (job) => {
        if (job.data === 0 && !isRepaired) throw new Error('not yet');
      },
      ['a', 'a', 'b'],
    );
    await ends(monque, [jobs[0] as Job, jobs[2] as Job]);
    const [first, second] = jobs as [Job, Job];
    expect((await monque.getJob(second._id))?.status).toBe('pending');
    expect(await monque.explain(second._id)).toMatchObject({
      reason: 'behindInOrder',
      details: { order: 'a', holder: first._id, status: 'failed' },
      message: `It waits behind job ${first._id.toHexString()} of its order 'a', which has failed; retryJob or deleteJob of that one ends that`,
    });
    const halted = { order: 'a', jobId: first._id, status: 'failed', waiting: 1 };
    expect(await monque.orders('ship', { halted: true })).toEqual([halted]);
    expect(await monque.orders('ship', { after: 'a', limit: 5, halted: true })).toEqual([]);
    expect(await monque.getJobs({ order: 'a' })).toHaveLength(2);
    isRepaired = true;
    await monque.retryJob(first._id);
    await ends(monque, [second]);
    await monque.stop();
    expect((await monque.getJob(first._id))?.status).toBe('completed');
    expect((await monque.getJob(second._id))?.status).toBe('completed');
  });

  test('run beside jobs of the same name without one', async () => {
    const runs: (string | undefined)[] = [];
    const monque = Monque.inMemory();
    monque.worker('ship', (job) => void runs.push(job.order), { order: {} });
    await monque.start();
    const inOrder = await monque.enqueue('ship', 1, { order: 'a' });
    const plain = await monque.enqueue('ship', 2, { priority: 5 });
    await ends(monque, [inOrder, plain]);
    await monque.stop();
    expect(runs.sort()).toEqual(['a', undefined]);
  });

  test('say behind whom they wait before anybody has started', async () => {
    const monque = Monque.inMemory();
    const first = await monque.enqueue('ship', 1, { order: 'a' });
    const second = await monque.enqueue('ship', 2, { order: 'a' });
    expect((await monque.explain(first._id)).reason).toBe('noInstance');
    const { message } = await monque.explain(second._id);
    expect(message).toBe(
      `It waits behind job ${first._id.toHexString()} of its order 'a', which is pending`,
    );
    await monque.stop();
  });

  test('keep their place when another enqueue replaces what they work on', async () => {
    const monque = Monque.inMemory();
    const options = { order: 'a', uniqueKey: 'k', whenTaken: 'replace' } as const;
    await monque.enqueue('ship', 1, options);
    const replaced = await monque.enqueue('ship', 2, options);
    expect(replaced).toMatchObject({ data: 2, order: 'a', priority: 101 });
    await monque.stop();
  });
});

describe('what is refused of an order before anything is sent', () => {
  const monque = Monque.inMemory();
  monque.worker('plain', () => undefined);

  test.each([
    ['ship', { order: '' }, 'options.order'],
    ['ship', { order: 'x'.repeat(257) }, 'options.order'],
    ['ship', { order: '\ud800' }, 'options.order'],
    ['ship', { order: 7 as never }, 'options.order'],
    ['ship', { order: 'a', priority: 1 }, 'options.priority'],
    ['plain', { order: 'a' }, 'options.order'],
  ])('for %s: %j', async (name, options, field) => {
    const error = await monque.enqueue(name, 1, options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ field });
  });

  test.each([
    ['', {}, 'name'],
    ['ship', { halted: 1 as never }, 'options.halted'],
    ['ship', { after: '' }, 'options.after'],
    ['ship', { limit: 0 }, 'options.limit'],
  ])('of a page of orders: %s %j', async (name, options, field) => {
    const error = await monque.orders(name, options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ field });
  });

  test('a worker that says something else of failures', () => {
    const options = { order: { whenFailed: 'stop' as never } };
    expect(() => monque.worker('other', () => undefined, options)).toThrow(InvalidArgumentError);
  });
});
