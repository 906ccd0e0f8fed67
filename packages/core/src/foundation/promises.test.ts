import { expect, test } from 'vitest';
import { isPromiseAside } from './promises.ts';

function withThen(then: unknown): unknown {
  return Object.fromEntries([['then', then]]);
}

test('a promise is one, and what it rejects with is reported', async () => {
  const reported: unknown[] = [];
  const rejected = Promise.reject(new Error('no'));
  expect(isPromiseAside(rejected, (error) => reported.push(error))).toBe(true);
  await rejected.catch(() => undefined);
  await Promise.resolve();
  expect(reported).toEqual([new Error('no')]);
});

test('a rejection that nobody asks about ends nothing', async () => {
  expect(isPromiseAside(Promise.reject(new Error('no')))).toBe(true);
  await new Promise(setImmediate);
});

test('something else with a then is one', () => {
  expect(isPromiseAside(withThen(() => undefined))).toBe(true);
});

test.each([undefined, null, 1, 'text', {}, withThen(1), () => undefined])('%s is none', (value) => {
  expect(isPromiseAside(value)).toBe(false);
});

test('what cannot be looked at is none', () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  expect(isPromiseAside(proxy)).toBe(false);
});
