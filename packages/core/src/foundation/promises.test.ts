import { expect, test } from 'vitest';
import { isPromiseAside } from './promises.ts';

function withThen(then: unknown): unknown {
  return Object.fromEntries([['then', then]]);
}

test('a promise is one, and what it rejects with is reported', async () => {
  const reported: unknown[] = [];
  const rejected = Promise.reject(new Error('no'));
  expect(isPromiseAside(rejected, (error) => reported.push(error))).toBe(true);
  await new Promise(setImmediate);
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

test('a promise with a broken method of its own is one, and its rejection ends nothing', async () => {
  const reported: unknown[] = [];
  const broken = Object.assign(Promise.reject(new Error('no')), {
    catch: () => {
      throw new Error('broken');
    },
  });
  expect(isPromiseAside(broken, (error) => reported.push(error))).toBe(true);
  await new Promise(setImmediate);
  expect(reported).toEqual([new Error('no')]);
});
