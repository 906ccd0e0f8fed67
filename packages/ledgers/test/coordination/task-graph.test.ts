/**
 * What follows from the dependencies of tasks: cycles, an order, the critical path.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inOrder, othersOf } from '../../src/coordination/task-graph.ts';
import {
  criticalPath,
  dependenciesOf,
  findCycle,
  MemoryRecordStore,
  type Task,
} from '../../src/index.ts';
import { put, taskIn, tasksOn, upTo } from '../kit.ts';

function task(id: string, dependsOn: readonly string[] = [], fields: object = {}): Task {
  return taskIn('defined', id, { dependsOn, ...fields }) as Task;
}

describe('the graph of tasks', () => {
  const ids = upTo(7).map((n) => `T-${n}`);
  const graphs = fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 14 }).map((edges) =>
    ids.map((id, n) =>
      task(
        id,
        edges.flatMap(([from, to]) => (from === n ? [`T-${to}`] : [])),
      ),
    ),
  );

  /** All simple paths along dependencies, the slow and simple way. */
  function longestFrom(tasks: readonly Task[], id: string): number {
    const found = tasks.find((one) => one.id === id);
    return 1 + Math.max(0, ...(found?.dependsOn ?? []).map((other) => longestFrom(tasks, other)));
  }

  test('has a cycle when and only when no order of all its tasks exists', () => {
    fc.assert(
      fc.property(graphs, (tasks) => {
        const dependencies = dependenciesOf(tasks);
        const order = inOrder(dependencies);
        const cycle = findCycle(dependencies);
        expect(cycle === undefined).toBe(order.length === tasks.length);
        for (const [index, id] of (cycle ?? []).slice(1).entries()) {
          expect(dependencies.get(cycle?.[index] ?? '')).toContain(id);
        }
        expect(cycle?.[0]).toBe(cycle?.at(-1));
      }),
    );
  });

  test('has a critical path as long as the longest chain', () => {
    fc.assert(
      fc.property(graphs, (tasks) => {
        fc.pre(findCycle(dependenciesOf(tasks)) === undefined);
        const path = criticalPath(tasks);
        const longest = Math.max(...ids.map((id) => longestFrom(tasks, id)));
        expect(path.length).toBe(longest < 2 ? 0 : longest);
        for (const [index, one] of path.slice(1).entries())
          expect(one.dependsOn).toContain(path[index]?.id);
      }),
    );
  });

  test('counts only what is not completed, and of chains of one length takes the first', () => {
    const completed = { status: 'completed' };
    const tasks = [
      task('A', [], completed),
      task('B', ['A'], completed),
      task('C', ['B']),
      task('D', ['C']),
      task('E'),
      task('F', ['E']),
    ];
    expect(criticalPath(tasks).map(({ id }) => id)).toEqual(['C', 'D']);
    expect(criticalPath(tasks.slice(0, 2))).toEqual([]);
    expect(criticalPath([task('A'), task('B')])).toEqual([]);
    expect(criticalPath([])).toEqual([]);
  });

  test('of a chain of 30,000 tasks is no deeper than the stack', () => {
    const chain = upTo(30_000).map((n) => task(`T-${n}`, n === 0 ? [] : [`T-${n - 1}`]));
    // The lists themselves are too long to be compared, or shown.
    expect(criticalPath(chain).length).toBe(30_000);
    expect(findCycle(dependenciesOf(chain))).toBeUndefined();
  }, 60_000);

  test('is looked at once for each task and dependency', () => {
    const tasks = upTo(5000).map((n) =>
      task(
        `T-${n}`,
        upTo(Math.min(4, n)).map((k) => `T-${(n * 7 + k * 13) % n}`),
      ),
    );
    const dependencies = dependenciesOf(tasks);
    const edges = [...dependencies.values()].reduce((sum, others) => sum + others.length, 0);
    let looks = 0;
    const counted = new Map(
      [...dependencies].map(([id, others]) => [
        id,
        new Proxy([...others], {
          get: (target, key, receiver) => {
            if (key !== 'length' && key !== Symbol.iterator && /^\d+$/.test(String(key)))
              looks += 1;
            return Reflect.get(target, key, receiver);
          },
        }),
      ]),
    );
    expect(findCycle(counted)).toBeUndefined();
    expect(looks).toBeLessThanOrEqual(edges);
    looks = 0;
    expect(inOrder(counted)).toHaveLength(5000);
    expect(looks).toBeLessThanOrEqual(edges);
  });
});

test('the critical path of a ledger is that of its tasks', async () => {
  const store = new MemoryRecordStore();
  for (const one of [task('T-3'), task('T-1', ['T-2']), task('T-2', ['T-3'])]) {
    await put(store, one);
  }
  const path = await tasksOn(store).criticalPath();
  expect(path.map(({ id }) => id)).toEqual(['T-3', 'T-2', 'T-1']);
});

test('nothing depends on a task that is not there, and it is in no cycle', () => {
  const dependencies = dependenciesOf([task('T-1')]);
  expect(othersOf(dependencies, 'T-2')).toEqual([]);
  expect(findCycle(dependencies, 'T-2')).toBeUndefined();
});
