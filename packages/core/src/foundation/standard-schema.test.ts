import { type as arktype } from 'arktype';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { InvalidArgumentError } from './errors.ts';
import { checkData, isStandardSchema, type StandardSchema } from './standard-schema.ts';

const SCHEMAS: Readonly<Record<string, StandardSchema>> = {
  Zod: z.object({ items: z.array(z.object({ price: z.number().positive() })) }),
  Valibot: v.object({ items: v.array(v.object({ price: v.pipe(v.number(), v.minValue(0)) })) }),
  ArkType: arktype({ items: arktype({ price: 'number > 0' }).array() }),
};

async function failure(schema: StandardSchema, value: unknown): Promise<InvalidArgumentError> {
  const error = await checkData(schema, 'data', value).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InvalidArgumentError);
  return error as InvalidArgumentError;
}

describe.each(Object.entries(SCHEMAS))('a schema of %s', (_library, schema) => {
  test('is recognised, and lets good data through', async () => {
    expect(isStandardSchema(schema)).toBe(true);
    const data = { items: [{ price: 1 }] };
    expect(await checkData(schema, 'data', data)).toEqual(data);
  });

  test('names the path of what is wrong', async () => {
    const data = { items: [{ price: 1 }, { price: 2 }, { price: -5 }] };
    expect((await failure(schema, data)).field).toBe('data.items[2].price');
    const nothing = await failure(schema, undefined);
    expect(nothing.field).toBe('data');
    expect(nothing.message).toContain('got undefined');
  });
});

describe('checkData', () => {
  test('gives what Valibot and ArkType make of a value, with its type', async () => {
    const trimmed = await checkData(v.pipe(v.string(), v.trim()), 'data', ' a ');
    expectTypeOf(trimmed).toBeString();
    expect(trimmed).toBe('a');
    const parsed = await checkData(arktype('string.numeric.parse'), 'data', '42');
    expectTypeOf(parsed).toBeNumber();
    expect(parsed).toBe(42);
    const known = v.pipeAsync(
      v.string(),
      v.checkAsync(async (text) => text === 'known', 'unknown word'),
    );
    expect((await failure(known, 'other')).message).toContain('data: unknown word');
  });

  test('waits for a schema that takes its time, and gives what it makes of the value', async () => {
    const schema = z.string().transform(async (text) => Number(text));
    const output = await checkData(schema, 'data', '42');
    expectTypeOf(output).toBeNumber();
    expect(output).toBe(42);
    const refined = z.string().refine(async (text) => text === 'known');
    expect((await failure(refined, 'other')).field).toBe('data');
  });

  test('shows the first few issues of many', async () => {
    const schema = z.object({ a: z.string(), b: z.string(), c: z.string(), d: z.string() });
    const { message } = await failure(schema, {});
    for (const field of ['data.a', 'data.b', 'data.c']) expect(message).toContain(`${field}: `);
    expect(message).not.toContain('data.d');
  });

  test('takes issues without a path, with keys as objects, and none at all', async () => {
    const answering = (issues: readonly object[]): StandardSchema =>
      ({ '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } }) as never;
    expect((await failure(answering([{ message: 'no' }]), 1)).message).toContain('data: no');
    const path = [{ key: 'a' }, 0];
    expect((await failure(answering([{ message: 'no', path }]), null)).field).toBe('data.a[0]');
    expect((await failure(answering([]), 1)).field).toBe('data');
  });

  test('lets what a validator throws reach the caller', async () => {
    const validate = () => {
      throw new Error('broken validator');
    };
    const schema: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate } };
    await expect(checkData(schema, 'data', 1)).rejects.toThrow('broken validator');
  });
});

test('nothing else is taken for a schema', () => {
  const validate = () => ({ value: 1 });
  const ofAnotherVersion = { '~standard': { version: 2, vendor: 'test', validate } };
  const withoutValidate = { '~standard': { version: 1, vendor: 'test' } };
  const others = [null, undefined, 'text', {}, () => 1, { '~standard': {} }];
  for (const value of [...others, ofAnotherVersion, withoutValidate]) {
    expect(isStandardSchema(value)).toBe(false);
  }
});
