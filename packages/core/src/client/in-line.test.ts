import { expect, test } from 'vitest';
import { makeJob } from '../testing/job-factory.ts';
import { type FirstInLine, InLine } from './in-line.ts';

const parent = makeJob({ feeds: ['token'] });
const child = makeJob({ waitsFor: ['token'] });

/** Begins changes in this order, and says which have begun before any is over. */
async function begunOf(first: FirstInLine, jobs: readonly (typeof parent)[]): Promise<number> {
  const line = new InLine(first);
  let begun = 0;
  const changes: (() => void)[] = [];
  for (const job of jobs) {
    void line.change(job, () => {
      begun += 1;
      return new Promise<void>((resolve) => changes.push(resolve));
    });
  }
  await new Promise((resolve) => setImmediate(resolve));
  return begun;
}

test('a child is changed after its parent where parents come first, and at once where children do', async () => {
  expect(await begunOf('parents', [parent, child])).toBe(1);
  expect(await begunOf('children', [child, parent])).toBe(1);
  expect(await begunOf('parents', [parent, parent])).toBe(2);
  expect(await begunOf('parents', [child, parent])).toBe(2);
});

test('a change that fails lets the next one go on, and its error goes to who asked for it', async () => {
  const line = new InLine('parents');
  const failed = line.change(parent, () => Promise.reject(new Error('Boom')));
  const changed = line.change(child, () => Promise.resolve('changed'));
  await expect(failed).rejects.toThrow('Boom');
  expect(await changed).toBe('changed');
});
