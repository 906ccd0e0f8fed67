/**
 * Test files share a process and its globals. What one of them leaves behind, all behind it have:
 * - a fake timer, with which they would wait for ever. So does a spy on one, when a later file takes back all spies;
 * - a store of an asynchronous context: from its first use on, each promise of the process is followed, which makes the
 *   engine a third slower.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, expect, vi } from 'vitest';

const TIMERS = ['setTimeout', 'setInterval', 'setImmediate', 'Date'] as const;
const FIRST = Symbol.for('monque.test.sharedProcess');

type Timers = { [name in (typeof TIMERS)[number]]: unknown };
interface AtFirst {
  readonly timers: Timers;
  readonly usedStores: Set<AsyncLocalStorage<unknown>>;
}

const shared: Timers & { [FIRST]?: AtFirst } = globalThis;
shared[FIRST] ??= { timers: timersOf(shared), usedStores: notedStores() };
const { timers, usedStores } = shared[FIRST];

/** Ends all stores of asynchronous contexts; one that is used again begins anew. */
export function endStores(): void {
  for (const store of usedStores) store.disable();
  usedStores.clear();
}

afterAll(() => {
  endStores();
  vi.restoreAllMocks();
  expect(timersOf(shared), 'the timers that this test file leaves behind').toEqual(timers);
});

function timersOf(of: Timers): Timers {
  return Object.fromEntries(TIMERS.map((name) => [name, of[name]])) as Timers;
}

/** Gets each store that is used from now on. */
function notedStores(): Set<AsyncLocalStorage<unknown>> {
  const noted = new Set<AsyncLocalStorage<unknown>>();
  const { prototype } = AsyncLocalStorage;
  const { run, enterWith } = prototype;
  Object.assign(prototype, {
    run(this: AsyncLocalStorage<unknown>, ...given: Parameters<typeof run>): unknown {
      noted.add(this);
      return run.apply(this, given);
    },
    enterWith(this: AsyncLocalStorage<unknown>, store: unknown): void {
      noted.add(this);
      enterWith.call(this, store);
    },
  });
  return noted;
}
