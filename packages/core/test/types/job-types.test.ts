/**
 * What the compiler accepts and refuses. `tsc` checks this file; the tests run it as well, in memory.
 */
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  type BatchContext,
  type DataOf,
  type Job,
  type JobContext,
  Monque,
  type NameOf,
  type ResultOf,
  snooze,
} from '../../src/index.ts';
import type { BatchDefinition, BatchReturn, UntypedJobs } from '../../src/types-api.ts';

interface Jobs {
  'send-email': { to: string };
  report: { data: { month: number }; result: { url: string } };
  cleanup: undefined;
}

describe('an entry', () => {
  interface Entries {
    plain: { to: string };
    nothing: undefined;
    flag: boolean;
    either: { kind: 'a'; a: number } | { kind: 'b'; b: string };
    both: { data: { month: number }; result: { url: string } };
    dataAlone: { data: { month: number } };
    mayReturn: { data: string; result?: number };
    more: { data: string; result: string; url: string };
    another: { data: string; url: string };
    perhaps: { data?: string };
    wrapped: { data: { data: string } };
  }

  test('is the type of the data, unless it is an object of data and result', () => {
    expectTypeOf<DataOf<Entries, 'plain'>>().toEqualTypeOf<{ to: string }>();
    expectTypeOf<DataOf<Entries, 'nothing'>>().toEqualTypeOf<undefined>();
    expectTypeOf<DataOf<Entries, 'flag'>>().toEqualTypeOf<boolean>();
    expectTypeOf<DataOf<Entries, 'either'>>().toEqualTypeOf<Entries['either']>();
    expectTypeOf<DataOf<Entries, 'both'>>().toEqualTypeOf<{ month: number }>();
    expectTypeOf<DataOf<Entries, 'dataAlone'>>().toEqualTypeOf<{ month: number }>();
    expectTypeOf<DataOf<Entries, 'mayReturn'>>().toEqualTypeOf<string>();
    expectTypeOf<DataOf<Entries, 'wrapped'>>().toEqualTypeOf<{ data: string }>();
    const monque = Monque.inMemory<Entries>();
    expect(() => monque.worker('wrapped', (job) => job.data.data.length)).not.toThrow();
  });

  test('with other keys is data', () => {
    expectTypeOf<DataOf<Entries, 'more'>>().toEqualTypeOf<Entries['more']>();
    expectTypeOf<DataOf<Entries, 'another'>>().toEqualTypeOf<Entries['another']>();
    expectTypeOf<DataOf<Entries, 'perhaps'>>().toEqualTypeOf<{ data?: string }>();
    expectTypeOf<ResultOf<Entries, 'more'>>().toBeUnknown();
    const monque = Monque.inMemory<Entries>();
    expect(() => monque.worker('more', (job) => job.data.url)).not.toThrow();
  });

  test('has a result of unknown type where none is stated', () => {
    expectTypeOf<ResultOf<Entries, 'both'>>().toEqualTypeOf<{ url: string }>();
    expectTypeOf<ResultOf<Entries, 'mayReturn'>>().toEqualTypeOf<number | undefined>();
    expectTypeOf<ResultOf<Entries, 'dataAlone'>>().toBeUnknown();
    expectTypeOf<ResultOf<Entries, 'plain'>>().toBeUnknown();
    expectTypeOf<ResultOf<UntypedJobs, string>>().toBeUnknown();
    const monque = Monque.inMemory<Entries>();
    expect(() => monque.worker('mayReturn', () => undefined)).not.toThrow();
  });

  test('is one of several where the name is', () => {
    type Mixed = 'plain' | 'both';
    expectTypeOf<DataOf<Entries, Mixed>>().toEqualTypeOf<{ to: string } | { month: number }>();
    expectTypeOf<NameOf<Pick<Entries, Mixed>>>().toEqualTypeOf<Mixed>();
    const monque = Monque.inMemory<Entries>();
    const name = 'plain' as Mixed;
    monque.worker(name, (job) => {
      expectTypeOf(job.data).toEqualTypeOf<{ to: string } | { month: number }>();
      return { url: '' };
    });
    expect(() => monque.worker(name, () => ({ url: '' }))).toThrow();
  });
});

describe('a scheduler without types', () => {
  test('takes any name, and gives a job the type of its data', async () => {
    const monque = Monque.inMemory();
    const job = await monque.enqueue('anything', { a: 1 });
    expectTypeOf(job).toEqualTypeOf<Job<{ a: number }>>();
    expectTypeOf(await monque.now('anything', 'text')).toEqualTypeOf<Job<string>>();
    expectTypeOf(await monque.enqueue<{ to: string }>('mail', { to: 'a' })).toEqualTypeOf<
      Job<{ to: string }>
    >();
    expectTypeOf(await monque.getJob<number>(job._id)).toEqualTypeOf<Job<number> | null>();
    expectTypeOf(await monque.getJobs({ name: 'a' })).toEqualTypeOf<Job<unknown>[]>();
    const series = await monque.schedule('@daily', 'anything', { a: 1 });
    expectTypeOf(series).toEqualTypeOf<Job<{ a: number }>>();
    expect(job.data).toEqual({ a: 1 });
  });

  test('takes a handler with or without a type for its data', () => {
    const monque = Monque.inMemory();
    monque.worker('a', (job) => expectTypeOf(job.data).toBeUnknown());
    monque.worker<{ to: string }>('b', async (job, context) => {
      expectTypeOf(job.data).toEqualTypeOf<{ to: string }>();
      expectTypeOf(context).toEqualTypeOf<JobContext>();
      return job.data.to;
    });
    monque.worker('c', (job: Job<number>) => job.data + 1);
    expect(() => monque.worker('c', () => undefined)).toThrow();
  });
});

describe('a scheduler with types', () => {
  test('knows the names and the data of each', async () => {
    const monque = Monque.inMemory<Jobs>();
    const job = await monque.enqueue('send-email', { to: 'a' });
    expectTypeOf(job).toExtend<Job<{ to: string }>>();
    expectTypeOf(job.name).toEqualTypeOf<'send-email'>();
    const report = await monque.enqueue('report', { month: 1 });
    expectTypeOf(report).toExtend<Job<{ month: number }>>();
    expectTypeOf(report.name).toEqualTypeOf<'report'>();
    await monque.enqueue('cleanup');
    await monque.enqueue('cleanup', undefined, { priority: 1 });
    await monque.now('send-email', { to: 'a' }).then(({ data }) => expect(data.to).toBe('a'));
    await monque.schedule('@daily', 'report', { month: 2 }, { timezone: 'Europe/Berlin' });
    await monque.enqueueMany([
      { name: 'send-email', data: { to: 'b' } },
      { name: 'report', data: { month: 3 } },
    ]);
    // @ts-expect-error No such name.
    await monque.enqueue('send-mail', { to: 'a' });
    // @ts-expect-error The data is missing.
    await monque.enqueue('report').catch(() => undefined);
    // @ts-expect-error The data is of another type.
    await monque.enqueue('report', { month: 'May' });
    // @ts-expect-error The data is of another type.
    await monque.now('send-email', { from: 'a' });
    // @ts-expect-error The data is of another type.
    await monque.schedule('@daily', 'report', { month: 'May' });
    // @ts-expect-error The data is that of another name.
    await monque.enqueueMany([{ name: 'report', data: { to: 'b' } }]);
    // @ts-expect-error The data is missing.
    await monque.enqueueMany([{ name: 'report' }]);
    const either = 'report' as 'report' | 'send-email';
    // @ts-expect-error The data suits one of the names only.
    await monque.enqueue(either, { to: 'b' });
    await monque.enqueue(either, { to: 'b', month: 1 });
    // @ts-expect-error No such name.
    await monque.pause('send-mail');
  });

  test('gives handlers their data without a word, and checks what they return', () => {
    const monque = Monque.inMemory<Jobs>();
    monque.worker('send-email', async (job, { signal }) => {
      expectTypeOf(job.data).toEqualTypeOf<{ to: string }>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    });
    monque.worker('report', (job) => {
      expectTypeOf(job.data.month).toBeNumber();
      return job.data.month > 0 ? { url: 'https://example.com' } : snooze(1_000);
    });
    const other = Monque.inMemory<Jobs>();
    // @ts-expect-error The result is of another type.
    other.worker('report', async () => ({ address: 'nowhere' }));
    // @ts-expect-error No such name.
    other.worker('reports', () => undefined);
    expect(() => monque.worker('report', () => ({ url: '' }))).toThrow();
  });

  test('gives the result of a job that is waited for its type', async () => {
    const monque = Monque.inMemory<Jobs>();
    monque.worker('report', () => ({ url: 'https://example.com' }));
    await monque.start();
    const result = await monque.waitFor(await monque.enqueue('report', { month: 1 }));
    expectTypeOf(result).toEqualTypeOf<{ url: string }>();
    expect(result.url).toBe('https://example.com');
    const found = await monque.getJob('0'.repeat(24));
    const any = () => monque.waitFor(found as Job);
    expectTypeOf(any).returns.resolves.toEqualTypeOf<unknown>();
    await monque.stop();
  });

  test('narrows the job of an event by its name, and knows the events', async () => {
    const monque = Monque.inMemory<Jobs>();
    const months: number[] = [];
    monque.on('job:complete', ({ job }) => {
      if (job.name === 'report') months.push(job.data.month);
      // @ts-expect-error The data is that of a report only where the name is.
      expect(job.data?.month).toBe(1);
    });
    // @ts-expect-error No such event.
    expect(() => monque.on('job:done', () => undefined)).toThrow(/job:complete/);
    monque.worker('report', () => ({ url: '' }));
    await monque.start();
    await monque.waitFor(await monque.enqueue('report', { month: 1 }));
    await monque.stop();
    expect(months).toEqual([1]);
  });

  test('gives the results of jobs their types', async () => {
    const monque = Monque.inMemory<Jobs>();
    const wait = () => monque.waitFor<'report'>('0'.repeat(24), { timeout: 0 });
    expectTypeOf(wait).returns.resolves.toEqualTypeOf<{ url: string }>();
    await expect(wait()).rejects.toMatchObject({ reason: 'gone' });
    const jobs = await monque.getJobs({ name: 'report' });
    expectTypeOf(jobs).toEqualTypeOf<Job<{ month: number }>[]>();
    expect(jobs).toEqual([]);
    const page = await monque.getJobsWithCursor({ name: ['report'] });
    expectTypeOf(page.jobs).toEqualTypeOf<readonly Job<{ month: number }>[]>();
    expect(page.jobs).toEqual([]);
  });
});

describe('a batch', () => {
  test('knows the data of its jobs, and the results that it may give', () => {
    const monque = Monque.inMemory<Jobs>();
    monque.worker('report', {
      batch: (jobs, context) => {
        expectTypeOf(jobs).toEqualTypeOf<readonly Job<{ month: number }>[]>();
        expectTypeOf(context).toEqualTypeOf<BatchContext<{ month: number }>>();
        expectTypeOf(context.of).returns.toEqualTypeOf<JobContext>();
        return jobs.map(({ data }) =>
          data.month > 12 ? new Error('no month') : { url: `/${data.month}` },
        );
      },
    });
    monque.worker('send-email', { batch: async () => undefined, size: 10, wait: 50 });
    type Batch = BatchDefinition<{ month: number }, BatchReturn<Jobs, 'report'>>['batch'];
    // @ts-expect-error A result of another type.
    const wrong: Batch = () => [{ link: '/1' }];
    expect(typeof wrong).toBe('function');
  });
});
