import { describe, expect, expectTypeOf, test } from 'vitest';
import type { StandardSchema } from '../foundation/standard-schema.ts';
import { Monque } from '../monque.ts';
import { makeTestMonque } from '../testing/test-monque.ts';

/** Takes a number of cents as text, gives a number. */
const payment: StandardSchema<{ cents: number }, { cents: string }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const { cents } = (value ?? {}) as { cents?: unknown };
      if (typeof cents === 'string') return { value: { cents: Number(cents) } };
      return { issues: [{ message: 'a text', path: ['cents'] }] };
    },
  },
};

describe('a defined job', () => {
  test('is checked where it is enqueued, without a worker, by every verb', async () => {
    const monque = Monque.inMemory();
    const pay = monque.define('pay', { schema: payment });
    expectTypeOf(pay.enqueue).parameter(0).toEqualTypeOf<{ cents: string }>();
    const wrong = { cents: 5 as unknown as string };
    await expect(pay.enqueue(wrong)).rejects.toThrow(/data.cents/);
    await expect(monque.enqueue('pay', wrong)).rejects.toThrow(/data.cents/);
    await expect(monque.enqueueMany([{ name: 'pay', data: wrong }])).rejects.toThrow(/data.cents/);
    await expect(monque.schedule('* * * * *', 'pay', wrong)).rejects.toThrow(/data.cents/);
    const job = await pay.enqueue({ cents: '5' }, { priority: 3 });
    expect(job).toMatchObject({ name: 'pay', data: { cents: '5' }, priority: 3 });
    expect(pay.name).toBe('pay');
  });

  test('gives its worker what the schema makes', async () => {
    const { monque, runJob } = makeTestMonque();
    monque.define('pay', { schema: payment }).worker(
      (job) => {
        expectTypeOf(job.data).toEqualTypeOf<{ cents: number }>();
        return job.data.cents + 1;
      },
      { concurrency: 1 },
    );
    expect(await runJob('pay', { cents: '5' })).toMatchObject({ result: 6 });
  });

  test('holds for a worker that is registered by name, unless that has a schema of its own', async () => {
    const { monque, runJob } = makeTestMonque();
    const any: StandardSchema = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ value: 'any' }) },
    };
    monque.define('pay', { schema: payment });
    monque.define('other', { schema: payment });
    monque.worker<{ cents: number }>('pay', ({ data }) => data.cents);
    monque.worker<string>('other', ({ data }) => data, { schema: any });
    expect(await runJob('pay', { cents: '5' })).toMatchObject({ result: 5 });
    expect(await runJob('other', 1)).toMatchObject({ result: 'any' });
  });

  test('may be defined again as it is, and not otherwise', () => {
    const monque = Monque.inMemory();
    monque.define('pay', { schema: payment });
    monque.define('pay', { schema: payment });
    const copy = { ...payment };
    expect(() => monque.define('pay', { schema: copy })).toThrow(/no other schema/);
    expect(() => monque.define('', { schema: payment })).toThrow(/name/);
    expect(() => monque.define('new', {} as never)).toThrow(/definition.schema/);
    expect(() => monque.define('new', { schema: 5 as never })).toThrow(/definition.schema/);
    expect(() => monque.define('new', null as never)).toThrow(/definition/);
  });
});
