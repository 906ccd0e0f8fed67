import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { isDate, isError, isPlainObject, isValidDate } from './kinds.ts';

class Empty {}

test.each([{}, Object.create(null), runInNewContext('({})'), JSON.parse('{"__proto__": 1}')])(
  'an object of no class is plain, of whichever realm',
  (value) => {
    expect(isPlainObject(value)).toBe(true);
  },
);

test.each([null, undefined, 1, 'text', [], new Empty(), new Date(), runInNewContext('[]'), /x/])(
  '%s is no plain object',
  (value) => {
    expect(isPlainObject(value)).toBe(false);
  },
);

test('a Date is one in whichever realm, and valid when it stands for a time', () => {
  const elsewhere: unknown = runInNewContext('new Date(7)');
  expect([isDate(elsewhere), isValidDate(elsewhere)]).toEqual([true, true]);
  const invalid = new Date(Number.NaN);
  expect([isDate(invalid), isValidDate(invalid)]).toEqual([true, false]);
  expect([isDate(7), isDate({ getTime: () => 7 })]).toEqual([false, false]);
});

test('an error is one in whichever realm, and a proxy that was revoked is none', () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  class Own extends Error {}
  const values = [new Own(), runInNewContext('new TypeError()'), { message: 'no' }, null, proxy];
  expect(values.map(isError)).toEqual([true, true, false, false, false]);
});
