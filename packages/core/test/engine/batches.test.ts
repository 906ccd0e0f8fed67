import { describe, expect, test } from 'vitest';
import {
  type BatchContext,
  cancel,
  discard,
  InvalidArgumentError,
  type Job,
  type MonqueOptions,
  snooze,
  type WorkerOptions,
} from '../../src/index.ts';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';

type Handler = (jobs: readonly Job<number>[], context: BatchContext<number>) => unknown;

/** A scheduler with a worker that runs batches, which are noted down. */
async function batching(
  handler: Handler,
  given: { readonly size?: number; readonly wait?: number } & WorkerOptions = {},
  options: MonqueOptions = {},
) {
  const one = makeOne(options);
  const { size = 10, wait = 100, ...workerOptions } = given;
  const batches: number[][] = [];
  const batch = (jobs: readonly Job<number>[], context: BatchContext<number>): unknown => {
    batches.push(jobs.map(({ data }) => data));
    return handler(jobs, context);
  };
  one.monque.worker('index', { batch, size, wait }, { maxRetries: 1, ...workerOptions });
  await one.monque.start();
  const put = async (count: number): Promise<Job[]> => {
    const entries = Array.from({ length: count }, (_, data) => ({ name: 'index', data }));
    const results = await one.monque.enqueueMany(entries);
    return results.map((result) => (result as { readonly job: Job }).job);
  };
  const read = (jobs: readonly Job[]): Promise<Job[]> =>
    Promise.all(jobs.map(async ({ _id }) => (await one.monque.getJob(_id)) as Job));
  return { ...one, batches, put, read };
}

const statuses = (jobs: readonly Job[]): readonly string[] => jobs.map(({ status }) => status);

describe('a batch', () => {
  test('has all jobs that wait, up to its size, and completes those of which nothing is said', async () => {
    const { monque, clock, batches, put, read, events } = await batching(() => undefined, {
      size: 4,
      concurrency: 2,
    });
    const jobs = await put(10);
    await clock.advance(1_000);
    expect(batches.map(({ length }) => length)).toEqual([4, 4, 2]);
    expect(statuses(await read(jobs))).toEqual(jobs.map(() => 'completed'));
    expect(payloads(events, 'job:start')).toHaveLength(10);
    expect(payloads(events, 'job:complete')).toHaveLength(10);
    await monque.stop();
  });

  test('waits for others as long as it says, from the first job on, and no longer when it is full', async () => {
    const { monque, clock, batches, put } = await batching(() => undefined, {
      size: 3,
      wait: 5_000,
    });
    await put(1);
    await clock.advance(3_000);
    await put(1);
    await clock.advance(1_800);
    expect(batches).toEqual([]);
    await clock.advance(300);
    expect(batches).toEqual([[0, 0]]);
    await put(3);
    await clock.advance(100);
    expect(batches).toEqual([
      [0, 0],
      [0, 1, 2],
    ]);
    await monque.stop();
  });

  test('takes one place of the concurrency, of its worker and of the process', async () => {
    const gate = deferred();
    const { monque, clock, batches, put } = await batching(
      () => gate.promise,
      { size: 2, wait: 0, concurrency: 5 },
      { instanceConcurrency: 2 },
    );
    await put(10);
    await clock.advance(500);
    expect(batches.map(({ length }) => length)).toEqual([2, 2]);
    gate.resolve();
    await clock.advance(2_000);
    expect(batches.flat()).toHaveLength(10);
    await monque.stop();
  });

  test('gives each job the result at its position', async () => {
    const { monque, clock, put, read } = await batching((jobs) => jobs.map(({ data }) => data * 2));
    const jobs = await put(3);
    await clock.advance(500);
    expect((await read(jobs)).map(({ result }) => result)).toEqual([0, 2, 4]);
    await monque.stop();
  });

  test('gives each job its own outcome, and the bad ones cost the good ones nothing', async () => {
    const { monque, clock, put, read } = await batching(
      (jobs, context) => {
        context.fail(jobs[1] as Job<number>, new Error('no good'));
        context.fail(jobs[1] as Job<number>, new Error('nor twice'));
        return [
          'done',
          'lost',
          snooze(60_000),
          cancel('not wanted'),
          discard('hopeless'),
          new Error('bad'),
        ];
      },
      { maxRetries: 2 },
    );
    const jobs = await put(6);
    await clock.advance(500);
    const ended = await read(jobs);
    expect(statuses(ended)).toEqual([
      ...['completed', 'pending', 'pending', 'cancelled', 'failed', 'pending'],
    ]);
    expect(ended.map(({ failCount }) => failCount)).toEqual([0, 1, 0, 0, 1, 1]);
    expect(ended[1]?.failReason).toBe('no good');
    await monque.stop();
  });

  test('that throws fails every job without an error of its own, each with its own retries', async () => {
    const { monque, clock, put, read } = await batching(
      (jobs, context) => {
        context.fail(jobs[0] as Job<number>, 'its own');
        throw new Error('the index is down');
      },
      { maxRetries: 2, backoff: { type: 'fixed', delay: 60_000 } },
    );
    const jobs = await put(2);
    await clock.advance(500);
    expect((await read(jobs)).map(({ failReason, status }) => [failReason, status])).toEqual([
      ['its own', 'pending'],
      ['the index is down', 'pending'],
    ]);
    await monque.stop();
  });

  test.each([[[1]], ['text'], [{ ok: 1 }]])(
    'whose result is %j has done its work, and has no results',
    async (returned) => {
      const { monque, clock, put, read, events } = await batching(() => returned);
      const jobs = await put(2);
      await clock.advance(500);
      expect(statuses(await read(jobs))).toEqual(['completed', 'completed']);
      expect((await read(jobs)).map(({ result }) => result)).toEqual([undefined, undefined]);
      const reported = payloads(events, 'job:error').map(({ error }) => error.message);
      expect(reported.length).toBe(Array.isArray(returned) ? 1 : 0);
      await monque.stop();
    },
  );

  test('is not called when none of its jobs has data that fits', async () => {
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) =>
          value === 1 ? { value: 'one' } : { issues: [{ message: 'not one' }] },
      },
    };
    const { clock, ledger, makeInstance } = makeWorld();
    const producer = makeInstance();
    const jobs = await producer.monque.enqueueMany(
      [0, 1, 2].map((data) => ({ name: 'index', data })),
    );
    const worker = makeInstance();
    const seen: unknown[] = [];
    worker.monque.worker(
      'index',
      { batch: (given: readonly Job[]) => void seen.push(given.map(({ data }) => data)), wait: 0 },
      { schema },
    );
    await worker.monque.start();
    await clock.advance(500);
    expect(seen).toEqual([['one']]);
    await producer.monque.enqueue('index', 5);
    await clock.advance(2_000);
    expect(seen).toHaveLength(1);
    const ids = jobs.map((result) => (result as { readonly job: Job }).job._id);
    const ended = await Promise.all(ids.map((jobId) => ledger.getJob({ jobId })));
    expect(ended.map((job) => job?.status)).toEqual(['failed', 'completed', 'failed']);
    await worker.monque.stop();
  });
});

describe('one job of a batch', () => {
  test('that is cancelled has its own signal aborted, and the others go on', async () => {
    const seen: boolean[][] = [];
    const gate = deferred();
    const { monque, clock, put, read } = await batching(async (jobs, context) => {
      const signals = jobs.map((job) => context.of(job).signal);
      const { signal } = context;
      await gate.promise;
      seen.push([...signals, signal].map(({ aborted }) => aborted));
      for (const [index, { aborted, reason }] of signals.entries()) {
        if (aborted) context.fail(jobs[index] as Job<number>, reason);
      }
    });
    const jobs = await put(3);
    await clock.advance(500);
    await monque.cancelJob((jobs[1] as Job)._id);
    await clock.advance(500);
    gate.resolve();
    await clock.advance(500);
    expect(seen).toEqual([[false, true, false, false]]);
    expect(statuses(await read(jobs))).toEqual(['completed', 'cancelled', 'completed']);
    await monque.stop();
  });

  test('that takes longer than its own timeout has failed, and the others go on', async () => {
    const gate = deferred();
    const { monque, clock, read } = await batching(() => gate.promise, { wait: 500 });
    const jobs = [
      await monque.enqueue('index', 1, { timeout: 1_000 }),
      await monque.enqueue('index', 2),
    ];
    await clock.advance(3_000);
    expect(statuses(await read(jobs))).toEqual(['failed', 'processing']);
    gate.resolve();
    await clock.advance(100);
    expect(statuses(await read(jobs))).toEqual(['failed', 'completed']);
    await monque.stop();
  });

  test('says something of itself, and nothing of what is not in the batch', async () => {
    const errors: unknown[] = [];
    const stranger = { _id: 'none' } as never;
    const { monque, clock, put, read } = await batching(async (jobs, context) => {
      for (const job of jobs) {
        context.of(job).log(`indexes ${job.data}`);
        await context.of(job).setMetadata({ done: job.data });
      }
      for (const act of [() => context.of(stranger), () => context.fail(stranger, 'no')]) {
        try {
          act();
        } catch (error) {
          errors.push(error);
        }
      }
    });
    const jobs = await put(2);
    await clock.advance(500);
    expect((await read(jobs)).map(({ logs, metadata }) => [logs, metadata])).toEqual([
      [['indexes 0'], { done: 0 }],
      [['indexes 1'], { done: 1 }],
    ]);
    expect(errors).toHaveLength(2);
    for (const error of errors) expect(error).toBeInstanceOf(InvalidArgumentError);
    await monque.stop();
  });
});

describe('a stop', () => {
  test('waits for the batch that runs, and gives back the jobs that gather', async () => {
    const gate = deferred();
    const { monque, clock, put, read, batches } = await batching(() => gate.promise, {
      size: 2,
      wait: 30_000,
      concurrency: 2,
    });
    const jobs = await put(3);
    await clock.advance(1_000);
    expect(batches).toEqual([[0, 1]]);
    const stopped = monque.stop();
    await clock.advance(1_000);
    gate.resolve();
    await clock.advance(1_000);
    await stopped;
    expect(statuses(await read(jobs))).toEqual(['completed', 'completed', 'pending']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('that has waited long enough aborts the batch, whose jobs go back', async () => {
    const { monque, clock, put, read } = await batching(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
      {},
      { shutdownTimeout: 500 },
    );
    const jobs = await put(2);
    await clock.advance(1_000);
    const stopped = monque.stop();
    await clock.advance(3_000);
    await stopped;
    expect(statuses(await read(jobs))).toEqual(['pending', 'pending']);
  });

  test('of the name by a pause gives back what gathers', async () => {
    const { monque, clock, put, read, batches } = await batching(() => undefined, { wait: 10_000 });
    const jobs = await put(2);
    await clock.advance(500);
    await monque.pause('index');
    await clock.advance(20_000);
    expect(batches).toEqual([]);
    expect(statuses(await read(jobs))).toEqual(['pending', 'pending']);
    await monque.stop();
  });
});

test('a job that its instances died of several times runs in a batch of its own', async () => {
  const { clock, ledger, makeInstance } = makeWorld();
  const producer = makeInstance();
  const results = await producer.monque.enqueueMany(
    Array.from({ length: 3 }, (_, data) => ({ name: 'index', data })),
  );
  const { job } = results[1] as { readonly job: Job };
  for (const claimToken of ['one', 'two']) {
    const now = new Date(clock.now());
    const claim = { demand: [{ name: 'index', limit: 3 }], instanceId: 'dead', now, widening: 1 };
    await ledger.claim({ ...claim, claimToken, suspects: false });
    await ledger.rescue({ deadInstanceId: 'dead', rescueLimit: 9, now, limit: 9 });
    // Two of them are no suspects.
    for (const { _id } of (await ledger.findJobs({
      ...{ filter: {}, orderBy: '_id', direction: 'ascending', limit: 9 },
    })) as Job[]) {
      if (_id.equals(job._id)) continue;
      await ledger.cancel({ jobId: _id, now });
      await ledger.redrive({ jobId: _id, now, nextRunAt: now });
    }
  }
  const worker = makeInstance();
  const batches: unknown[] = [];
  worker.monque.worker('index', {
    batch: (jobs: readonly Job[]) => void batches.push(jobs.map(({ data }) => data)),
  });
  await worker.monque.start();
  await clock.advance(5_000);
  expect(batches).toHaveLength(2);
  expect(batches).toContainEqual([1]);
  await worker.monque.stop();
});

test('runs of a series whose time has passed are no part of a batch', async () => {
  const { monque, clock, batches } = await batching(() => undefined, { wait: 0 });
  await monque.stop();
  await monque.schedule('* * * * *', 'index', 7, { missed: 'skip' });
  await clock.advance(150_000);
  await monque.start();
  await clock.advance(1_000);
  expect(batches).toEqual([]);
  await clock.advance(61_000);
  expect(batches).toEqual([[7]]);
  await monque.stop();
});

describe('a definition', () => {
  const { monque } = makeOne();
  const cases: readonly (readonly [definition: object, field: string])[] = [
    [{ batch: 'no' }, 'handler.batch'],
    [{ batch: undefined }, 'handler.batch'],
    [{ batch: () => 1, size: 0 }, 'handler.size'],
    [{ batch: () => 1, size: 1_001 }, 'handler.size'],
    [{ batch: () => 1, wait: -1 }, 'handler.wait'],
    [{ batch: () => 1, wait: 60_001 }, 'handler.wait'],
    [{ batch: () => 1, by: 'order' }, 'handler.by'],
    [{ batch: () => 1, by: 'group' }, 'handler.by'],
    [{ batch: () => 1, stages: [] }, 'handler'],
  ];
  test.each(cases)('is refused as %j', (definition, field) => {
    const add = (): unknown => monque.worker('index', definition as never);
    expect(add).toThrow(InvalidArgumentError);
    expect(add).toThrow(expect.objectContaining({ field }));
  });

  test('has a size and a wait when it says nothing', async () => {
    const { monque: other, clock } = makeOne();
    const sizes: number[] = [];
    other.worker('index', { batch: (jobs) => void sizes.push(jobs.length) }, { concurrency: 1 });
    await other.start();
    await other.enqueueMany(Array.from({ length: 150 }, () => ({ name: 'index' })));
    await clock.advance(2_000);
    expect(sizes).toEqual([100, 50]);
    await other.stop();
  });
});

test('a batch costs the ledger as few calls as its jobs would one by one', async () => {
  const { monque, clock, faulty, put } = await batching(() => undefined, { size: 50, wait: 50 });
  await put(50);
  await clock.advance(500);
  expect(faulty.calls('settle')).toBe(1);
  await monque.stop();
});
