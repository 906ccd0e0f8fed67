import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, Monque } from '../../src/index.ts';
import { makeOne } from './kit.ts';

describe('a job whose size is not known', () => {
  test('is sent alone, so that no other is held up by it', async () => {
    const { monque, faulty } = makeOne();
    monque.worker('odd', () => undefined, {
      schema: {
        '~standard': {
          ...{ version: 1, vendor: 'test' },
          // Nobody can write this down.
          validate: (value: unknown) => {
            Object.assign(value as object, { self: value });
            return { value };
          },
        },
      },
    });
    const results = await monque.enqueueMany([
      { name: 'plain' },
      { name: 'odd', data: {} },
      { name: 'plain' },
    ]);
    expect(results).toHaveLength(3);
    expect(faulty.calls('enqueue')).toBe(3);
    expect(await monque.getJobs({ name: 'plain' })).toHaveLength(2);
  });
});

test('a series without a cron expression, or a name, is refused by the field', async () => {
  const monque = Monque.inMemory();
  for (const [cron, name, field] of [
    [7, 'report', 'cron'],
    ['* * * * *', 7, 'name'],
  ] as const) {
    const scheduled = monque.schedule(cron as never, name as never);
    await expect(scheduled).rejects.toThrow(InvalidArgumentError);
    await expect(scheduled).rejects.toMatchObject({ field });
  }
});
