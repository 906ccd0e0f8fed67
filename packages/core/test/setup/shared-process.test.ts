import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { endStores } from './shared-process.ts';

test.each([
  ['run', (store: AsyncLocalStorage<string>) => store.run('left', () => endedStore(store))],
  [
    'enterWith',
    (store: AsyncLocalStorage<string>) => {
      store.enterWith('left');
      return endedStore(store);
    },
  ],
])('a store that was used by %s is ended, and can be used again', (_, use) => {
  const store = new AsyncLocalStorage<string>();
  expect(use(store)).toEqual({ before: 'left', after: undefined });
  expect(store.run('again', () => store.getStore())).toBe('again');
});

function endedStore(store: AsyncLocalStorage<string>): object {
  const before = store.getStore();
  endStores();
  return { before, after: store.getStore() };
}
