import { describe, expect, test } from 'vitest';
import { InvalidArgumentError } from '../../src/index.ts';
import { deferred, makeOne, payloads } from './kit.ts';

describe('verbs by filter', () => {
  test('change what they apply to and count the rest by reasons', async () => {
    const { monque, clock, events } = makeOne({ maxRetries: 1 });
    const gate = deferred();
    monque.worker('runs', () => gate.promise);
    monque.worker('fails', () => Promise.reject(new Error('no')));
    await monque.start();
    await monque.enqueue('runs');
    const failed = await monque.enqueue('fails', 1, { uniqueKey: 'k' });
    await clock.advance(100);
    await monque.enqueueMany(Array.from({ length: 5 }, () => ({ name: 'idle' })));
    expect(await monque.cancelJobs({ name: ['idle', 'fails'] })).toEqual({
      matched: 6,
      changed: 5,
      left: [{ reason: 'failed', count: 1 }],
      isComplete: true,
    });
    expect(payloads(events, 'job:cancelled')).toHaveLength(5);
    await monque.pause('fails');
    await monque.enqueue('fails', 2, { uniqueKey: 'k' });
    expect(await monque.retryJobs({ status: ['failed', 'cancelled'] })).toEqual({
      matched: 6,
      changed: 5,
      left: [{ reason: 'unique key taken', count: 1 }],
      isComplete: true,
    });
    expect(await monque.deleteJobs({})).toEqual({
      matched: 8,
      changed: 7,
      left: [{ reason: 'processing', count: 1 }],
      isComplete: true,
    });
    expect(payloads(events, 'job:deleted')).toHaveLength(7);
    expect(await monque.getJob(failed._id)).toBeNull();
    gate.resolve();
    await monque.stop();
  });

  test.each(['cancelJobs', 'retryJobs', 'deleteJobs'] as const)(
    '%s wants to be told which jobs: nothing, or a field of nothing, does not mean all',
    async (verb) => {
      const { monque, faulty, ledger } = makeOne();
      const { _id } = await monque.enqueue('work');
      if (verb === 'retryJobs') await monque.cancelJob(_id);
      const refusal = async (filter: unknown): Promise<unknown> =>
        monque[verb](filter as never).catch((error: unknown) => error);
      for (const filter of [undefined, null, [], 'work']) {
        const error = await refusal(filter);
        expect(error).toBeInstanceOf(InvalidArgumentError);
        expect(error).toMatchObject({ field: 'filter' });
        expect(String(error)).toContain('{} for all jobs');
      }
      const error = await refusal({ status: 'pending', name: undefined });
      expect(error).toBeInstanceOf(InvalidArgumentError);
      expect(error).toMatchObject({ field: 'filter.name' });
      expect(faulty.calls('findJobs')).toBe(0);
      expect(ledger.size).toBe(1);
      expect((await monque[verb]({})).changed).toBe(1);
    },
  );

  test('go through any number of jobs, page by page', async () => {
    const { monque, faulty } = makeOne();
    await monque.enqueueMany(Array.from({ length: 1_200 }, () => ({ name: 'many' })));
    expect(await monque.deleteJobs({ name: 'many' })).toEqual({
      matched: 1_200,
      changed: 1_200,
      left: [],
      isComplete: true,
    });
    expect(faulty.calls('findJobs')).toBe(3);
  });

  test('count jobs that went meanwhile, and answers that were lost', async () => {
    const { monque, faulty } = makeOne();
    const [first] = [
      await monque.enqueue('a'),
      await monque.enqueue('a'),
      await monque.enqueue('a'),
    ];
    faulty.plan('remove', { onArrival: () => monque.deleteJob(first._id).catch(() => undefined) });
    faulty.plan('remove', {}, 1);
    faulty.plan('remove', { fail: 'before' });
    const result = await monque.deleteJobs({ name: 'a' });
    expect(result.matched).toBe(3);
    expect(result.left.map(({ reason }) => reason).join()).toMatch(/lost/);
    expect(result.changed + result.left.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    await expect(monque.deleteJobs({ limit: 1 } as never)).rejects.toBeInstanceOf(
      InvalidArgumentError,
    );
  });

  test('of jobs that share a unique key retry one of them', async () => {
    const { monque } = makeOne();
    for (let index = 0; index < 3; index += 1) {
      const { _id } = await monque.enqueue('work', index, { uniqueKey: 'k' });
      await monque.cancelJob(_id);
    }
    expect(await monque.retryJobs({ name: 'work' })).toEqual({
      matched: 3,
      changed: 1,
      left: [{ reason: 'unique key taken', count: 2 }],
      isComplete: true,
    });
    expect(await monque.getJobs({ status: 'pending' })).toHaveLength(1);
  });

  test('that find a job gone count it as gone', async () => {
    const { monque, faulty } = makeOne();
    await monque.enqueue('work');
    const findJobs = faulty.findJobs.bind(faulty);
    faulty.findJobs = async (params) => {
      const jobs = await findJobs(params);
      faulty.findJobs = findJobs;
      await monque.deleteJobs({ name: 'work' });
      return jobs;
    };
    expect(await monque.cancelJobs({ name: 'work' })).toEqual({
      matched: 1,
      changed: 0,
      left: [{ reason: 'gone', count: 1 }],
      isComplete: true,
    });
  });
});
