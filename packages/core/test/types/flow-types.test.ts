import { describe, expect, expectTypeOf, test } from 'vitest';
import { type Job, type JobContext, Monque } from '../../src/index.ts';
import type { ResultsOf } from '../../src/types-api.ts';

interface Jobs {
  extract: { data: { file: number }; result: { rows: number } };
  load: { data: { table: string } };
  tidy: undefined;
}

describe('the flow of a scheduler with declared jobs', () => {
  test('has the data and the jobs of the names', async () => {
    const monque = Monque.inMemory<Jobs>();
    const flow = await monque.enqueueFlow({
      jobs: {
        a: { name: 'extract', data: { file: 1 } },
        load: { name: 'load', data: { table: 't' }, after: ['a'] },
        tidy: { name: 'tidy', after: ['a', { ref: 'load', onFailure: 'continue' }] },
      },
    });
    expectTypeOf(flow.jobs.a).toEqualTypeOf<Job<{ file: number }> | undefined>();
    expectTypeOf(flow.jobs.load).toEqualTypeOf<Job<{ table: string }> | undefined>();
    expect(flow.jobs.a?.data.file).toBe(1);
  });

  test('refuses other data, names and parents', async () => {
    const monque = Monque.inMemory<Jobs>();
    // @ts-expect-error The data is of another type.
    await monque.enqueueFlow({ jobs: { a: { name: 'extract', data: { file: 'one' } } } });
    // @ts-expect-error The data is missing.
    await monque.enqueueFlow({ jobs: { a: { name: 'extract' } } });
    // @ts-expect-error No such name.
    await monque.enqueueFlow({ jobs: { a: { name: 'extracts', data: { file: 1 } } } });
    const unknown = monque.enqueueFlow({
      // @ts-expect-error No job of the flow is called that.
      jobs: { a: { name: 'tidy' }, b: { name: 'tidy', after: ['c'] } },
    });
    await expect(unknown).rejects.toThrow('flow.jobs.b.after[0]');
  });

  test('gives the results of parents the types of their names', () => {
    type Results = ResultsOf<Jobs, { a: 'extract'; b: 'extract'; load: 'load' }>;
    const read = (context: JobContext) => context.parentResults<Results>();
    expectTypeOf(read).returns.resolves.toEqualTypeOf<
      Readonly<{
        a?: { rows: number };
        b?: { rows: number };
        load?: unknown;
      }>
    >();
    expect(read).toBeTypeOf('function');
  });
});
