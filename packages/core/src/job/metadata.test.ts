import { describe, expect, test } from 'vitest';
import { InvalidArgumentError } from '../foundation/errors.ts';
import {
  checkMetadataFilter,
  copyMetadata,
  copyMetadataChanges,
  matchesMetadata,
  mergeMetadata,
} from './metadata.ts';

describe('metadata', () => {
  test('is copied deeply, without what is undefined', () => {
    const since = new Date(5);
    const given = {
      a: 'x',
      b: 1,
      c: false,
      since,
      list: [1, [since]],
      deep: { er: 'y' },
      no: undefined,
    };
    const copy = copyMetadata('metadata', given);
    const { no: _, ...expected } = given;
    expect(copy).toEqual(expected);
    since.setTime(0);
    given.deep.er = 'z';
    expect(copy).toMatchObject({ since: new Date(5), list: [1, [new Date(5)]], deep: { er: 'y' } });
  });

  test('keeps a key with the name of what every object has', () => {
    const given = JSON.parse('{"__proto__": "a", "toString": "b"}');
    const copy = copyMetadata('metadata', given);
    expect(Object.entries(copy)).toEqual(Object.entries(given));
    expect(matchesMetadata(copy, given)).toBe(true);
    expect(matchesMetadata({}, given)).toBe(false);
  });

  test.each([
    ['text', 'x', 'metadata'],
    ['a list', [], 'metadata'],
    ['null', null, 'metadata'],
    ['an instance', new Map(), 'metadata'],
    ['a value that is null', { a: null }, 'metadata.a'],
    ['a function', { a: () => 1 }, 'metadata.a'],
    ['a bigint', { a: 1n }, 'metadata.a'],
    ['a number that is none', { a: [1, Number.NaN] }, 'metadata.a[1]'],
    ['an invalid date', { a: new Date(Number.NaN) }, 'metadata.a'],
    ['bytes', { a: { b: Buffer.from('x') } }, 'metadata.a.b'],
    ['an empty key', { '': 1 }, 'metadata'],
    ['a long key', { [`${'k'.repeat(129)}`]: 1 }, 'metadata'],
    ['a key with a dot', { a: { 'b.c': 1 } }, 'metadata.a'],
    ['an operator', { $set: 1 }, 'metadata'],
    ['a key with NUL', { 'a\0': 1 }, 'metadata'],
    ['what is nested too deep', { a: { b: { c: { d: {} } } } }, 'metadata.a.b.c.d'],
    ['what is too large', { a: 'x'.repeat(4096) }, 'metadata'],
  ])('is not %s', (_, given, field) => {
    expect(() => copyMetadata('metadata', given)).toThrow(InvalidArgumentError);
    expect(() => copyMetadata('metadata', given)).toThrow(expect.objectContaining({ field }));
  });

  test('is changed by keys, of which null removes one', () => {
    const changes = copyMetadataChanges('changes', { a: null, b: [1], c: undefined });
    expect(changes).toEqual({ a: null, b: [1] });
    expect(mergeMetadata({ a: 1, z: 2 }, changes)).toEqual({
      metadata: { z: 2, b: [1] },
      isTooLarge: false,
    });
    expect(() => copyMetadataChanges('changes', { 'a.b': null })).toThrow(/without a dot/);
    expect(() => copyMetadataChanges('changes', 'x')).toThrow(/plain object/);
  });

  test('that another tool left as something else counts as empty when it is changed', () => {
    expect(mergeMetadata('text', { a: 1 }).metadata).toEqual({ a: 1 });
    expect(mergeMetadata(undefined, { a: 'x'.repeat(4096) }).isTooLarge).toBe(true);
  });

  test('is filtered by plain values alone', () => {
    const good = { a: 'x', b: 1, c: true, d: new Date(0) };
    expect(() => checkMetadataFilter('filter.metadata', good)).not.toThrow();
    expect(() => checkMetadataFilter('filter.metadata', 'x')).toThrow(/plain object/);
    const refused = { a: { $gt: '' } };
    expect(() => checkMetadataFilter('filter.metadata', refused)).toThrow(/filter\.metadata\.a/);
  });
});

test('metadata with text cut inside a character is refused by its path', () => {
  const refusedAt = (metadata: unknown): string => {
    try {
      copyMetadata('metadata', metadata);
    } catch (error) {
      return (error as { field: string }).field;
    }
    return 'nowhere';
  };
  expect(refusedAt({ list: ['fine', '\ud83d'] })).toBe('metadata.list[1]');
  expect(refusedAt({ '\ude00': 1 })).toBe('metadata');
  expect(refusedAt({ whole: '\ud83d\ude00' })).toBe('nowhere');
});
