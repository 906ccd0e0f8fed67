/**
 * Test files share a process and its globals: one that leaves a fake timer behind would make a later one wait for ever. So does a
 * spy on one, when a later file takes back all spies.
 */
import { afterAll, expect, vi } from 'vitest';

const TIMERS = ['setTimeout', 'setInterval', 'setImmediate', 'Date'] as const;
const REAL = Symbol.for('monque.test.realTime');

type Timers = { [name in (typeof TIMERS)[number]]: unknown };
const shared: Timers & { [REAL]?: Timers } = globalThis;
shared[REAL] ??= timersOf(shared);
const real = shared[REAL];

afterAll(() => {
  vi.restoreAllMocks();
  expect(timersOf(shared), 'the timers that this test file leaves behind').toEqual(real);
});

function timersOf(of: Timers): Timers {
  return Object.fromEntries(TIMERS.map((name) => [name, of[name]])) as Timers;
}
