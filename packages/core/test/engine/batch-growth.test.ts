import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/index.ts';
import { deferred, makeOne } from './kit.ts';

/** A process with a worker of batches, which are noted down by the data of their jobs and end when that is said. */
async function growing(instanceConcurrency: number) {
  const one = makeOne({ instanceConcurrency });
  const end = deferred();
  const batches: unknown[][] = [];
  const batch = (jobs: readonly Job[]): unknown => {
    batches.push(jobs.map(({ data }) => data));
    return end.promise;
  };
  one.monque.worker('index', { batch, size: 3, wait: 5_000 });
  await one.monque.start();
  const put = async (...data: readonly string[]): Promise<void> => {
    await one.monque.enqueueMany(data.map((datum) => ({ name: 'index', data: datum })));
    await one.clock.advance(500);
  };
  return { ...one, end, batches, put };
}

describe('a batch that gathers', () => {
  test('grows in the place that it keeps, where the process has no other', async () => {
    const { monque, clock, end, batches, put } = await growing(1);
    await put('a');
    expect(batches).toEqual([]);
    await put('b', 'c', 'd', 'e');
    expect(batches).toEqual([['a', 'b', 'c']]);
    await clock.advance(2_000);
    // What is behind the batch is for others.
    expect(monque.health()).toMatchObject({ runningJobs: 3, bufferedJobs: 0 });
    end.resolve();
    await clock.advance(6_000);
    expect(batches).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
    await monque.stop();
  });

  test('grows beside others that run, and no more once its process may run only those', async () => {
    const { monque, clock, end, put } = await growing(2);
    monque.worker('other', () => end.promise);
    await put('a');
    await monque.enqueue('other');
    await clock.advance(500);
    await put('b');
    expect(monque.health()).toMatchObject({ runningJobs: 1, bufferedJobs: 2 });
    await monque.reconfigure({ instanceConcurrency: 1 });
    await put('c');
    expect(monque.health()).toMatchObject({ runningJobs: 1, bufferedJobs: 2 });
    end.resolve();
    await monque.stop();
  });
});
