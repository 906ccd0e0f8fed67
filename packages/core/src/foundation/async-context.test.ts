import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { apart, detachedHere } from './async-context.ts';

const store = new AsyncLocalStorage<string>();

test('a function runs in the context in which the door was made, not in that of its caller', async () => {
  const detached = store.run('maker', detachedHere);
  const seen = await store.run('caller', () =>
    detached(async () => {
      await Promise.resolve();
      return store.getStore();
    }),
  );
  expect(seen).toBe('maker');
});

test('what a function enters ends with it', () => {
  const detached = detachedHere();
  detached(() => store.enterWith('left behind'));
  expect(detached(() => store.getStore())).toBeUndefined();
  expect(store.getStore()).toBeUndefined();
});

test('what a function throws reaches the caller', () => {
  const detached = detachedHere();
  expect(() =>
    detached(() => {
      throw new Error('no');
    }),
  ).toThrow('no');
});

test('a function that runs apart sees the context of its caller, and leaves nothing in it', () => {
  store.run('caller', () => {
    const seen = apart(() => {
      const before = store.getStore();
      store.enterWith('left behind');
      return before;
    });
    expect([seen, store.getStore()]).toEqual(['caller', 'caller']);
  });
});
