/**
 * What tasks depend on: cycles, and the longest chain of what is left to do.
 *
 * What always holds: each task and each dependency is looked at a bounded number of times, so that the work grows with
 * their number and no faster.
 *
 * @module
 */
import type { Task } from './task.ts';

/** Ids of tasks with the ids of those that each depends on. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/** The dependencies of tasks, without those on tasks that are not there. */
export function dependenciesOf(tasks: readonly Task[]): Dependencies {
  const known = new Set(tasks.map(({ id }) => id));
  return new Map(
    tasks.map(({ id, dependsOn }) => [id, dependsOn.filter((other) => known.has(other))]),
  );
}

/** What depends on each task: the other direction. */
export function dependents(dependencies: Dependencies): Dependencies {
  const found = new Map<string, string[]>([...dependencies.keys()].map((id) => [id, []]));
  for (const [id, others] of dependencies) for (const other of others) found.get(other)?.push(id);
  return found;
}

/** The ids that stand with one; none for an id that is not there. */
export function othersOf(dependencies: Dependencies, id: string): readonly string[] {
  return dependencies.get(id) ?? [];
}

/** The tasks in an order in which each comes after all that it depends on; without those in or behind a cycle. */
export function inOrder(dependencies: Dependencies): string[] {
  const open = new Map([...dependencies].map(([id, others]) => [id, others.length]));
  const following = dependents(dependencies);
  const order = [...open].filter(([, count]) => count === 0).map(([id]) => id);
  // It grows meanwhile.
  for (const before of order) {
    for (const id of othersOf(following, before)) {
      const left = Number(open.get(id)) - 1;
      open.set(id, left);
      if (left === 0) order.push(id);
    }
  }
  return order;
}

/**
 * A cycle, as the ids along it with the first one again at the end; undefined when there is none.
 *
 * @param from - only a cycle through what this task depends on, directly or not
 */
export function findCycle(
  dependencies: Dependencies,
  from?: string,
): readonly [string, ...string[]] | undefined {
  const done = new Set<string>();
  const roots = from === undefined ? [...dependencies.keys()] : [from];
  for (const root of roots) {
    const cycle = cycleFrom(root, dependencies, done);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Goes along the dependencies without recursion: chains may be longer than the stack is deep. */
function cycleFrom(
  root: string,
  dependencies: Dependencies,
  done: Set<string>,
): readonly [string, ...string[]] | undefined {
  if (done.has(root)) return undefined;
  const entry = (id: string) => ({ id, rest: othersOf(dependencies, id).values() });
  const path = [entry(root)];
  const onPath = new Set([root]);
  for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
    const { value: next, done: isOver } = last.rest.next();
    if (isOver) {
      path.pop();
      onPath.delete(last.id);
      done.add(last.id);
    } else if (onPath.has(next)) {
      const ids = path.map(({ id }) => id);
      return [next, ...ids.slice(ids.indexOf(next) + 1), next];
    } else if (!done.has(next)) {
      path.push(entry(next));
      onPath.add(next);
    }
  }
  return undefined;
}

/**
 * The longest chain of tasks that are not completed, each depending on the one before; of chains of one length the
 * one whose ids come first. Empty when no open task depends on another.
 */
export function criticalPath(tasks: readonly Task[]): readonly Task[] {
  const open = new Map(
    tasks.filter(({ status }) => status !== 'completed').map((task) => [task.id, task]),
  );
  const dependencies = dependenciesOf([...open.values()]);
  const longest = new Map<
    string,
    { readonly length: number; readonly before: string | undefined }
  >();
  for (const id of inOrder(dependencies)) {
    const before = othersOf(dependencies, id)
      .toSorted()
      .reduce<string | undefined>((best, other) => {
        const isLonger = best === undefined || lengthOf(longest, other) > lengthOf(longest, best);
        return isLonger ? other : best;
      }, undefined);
    longest.set(id, { length: before === undefined ? 1 : lengthOf(longest, before) + 1, before });
  }
  const last = [...longest.keys()].toSorted().reduce<string | undefined>((best, id) => {
    return best === undefined || lengthOf(longest, id) > lengthOf(longest, best) ? id : best;
  }, undefined);
  if (last === undefined || lengthOf(longest, last) < 2) return [];
  const path = new Set<string>();
  for (let id: string | undefined = last; id !== undefined; id = longest.get(id)?.before) {
    path.add(id);
  }
  const chain = [...open.values()].filter(({ id }) => path.has(id));
  return chain.sort((a, b) => lengthOf(longest, a.id) - lengthOf(longest, b.id));
}

function lengthOf(longest: ReadonlyMap<string, { readonly length: number }>, id: string): number {
  return Number(longest.get(id)?.length);
}
