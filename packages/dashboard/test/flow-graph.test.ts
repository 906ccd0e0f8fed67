import type { Job } from '@monque/core';
import { expect, test } from 'vitest';
import { flowGraph } from '../src/control/flow-graph.ts';
import { inMemory } from './dashboards.ts';

const refOf = ({ ref = '' }: Job): string => ref;

/** The jobs of a flow as they are stored. */
async function flowOf(jobs: Record<string, { name: string; after?: string[] }>) {
  const flow = await inMemory().enqueueFlow({ jobs });
  return Object.values(flow.jobs).flatMap((job) => job ?? []);
}

const many = (count: number, of: (index: number) => object) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`r${index}`, of(index)]));

test('thousands of jobs with the same parents and children are one node', async () => {
  const parts = many(2_000, () => ({ name: 'part', after: ['split'] }));
  const jobs = await flowOf({
    ...{ split: { name: 'split' }, ...parts },
    ...{ join: { name: 'join', after: Object.keys(parts) } },
  });
  const { nodes, edges, isCut } = flowGraph(jobs, refOf);
  expect(isCut).toBe(false);
  expect(nodes).toMatchObject([
    { name: 'split', level: 0, count: 1, job: { ref: 'split' } },
    { name: 'part', level: 1, count: 2_000, byStatus: { blocked: 2_000 } },
    { name: 'join', level: 2, count: 1 },
  ]);
  expect(nodes[1]?.job).toBeUndefined();
  expect(edges.map(({ from, to }) => `${from} ${to}`)).toEqual(['n0 n1', 'n1 n2']);
});

test('many chains are folded by name and level', async () => {
  const chains = Array.from({ length: 100 }, (_, index) => [
    [`a${index}`, { name: 'load' }],
    [`b${index}`, { name: 'clean', after: [`a${index}`] }],
    [`c${index}`, { name: 'load', after: [`b${index}`] }],
  ]).flat();
  const { nodes, edges } = flowGraph(await flowOf(Object.fromEntries(chains)), refOf);
  expect(nodes.map(({ name, level, count }) => [name, level, count])).toEqual([
    ['load', 0, 100],
    ['clean', 1, 100],
    ['load', 2, 100],
  ]);
  expect(edges).toHaveLength(2);
});

test('what stays too large is cut, and that is said', async () => {
  const names = await flowOf(many(200, (index) => ({ name: `name-${index}` })) as never);
  const wide = flowGraph(names, refOf);
  expect([wide.nodes.length, wide.edges.length, wide.isCut]).toEqual([120, 0, true]);
  const parents = many(40, (index) => ({ name: `p${index}` }));
  const children = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [
      `c${index}`,
      { name: `c${index}`, after: Object.keys(parents) },
    ]),
  );
  const dense = flowGraph(await flowOf({ ...parents, ...children } as never), refOf);
  expect([dense.nodes.length, dense.edges.length, dense.isCut]).toEqual([80, 600, true]);
});

test('jobs that come before their parents find their level all the same', async () => {
  const jobs = await flowOf({
    ...{ a: { name: 'x' }, b: { name: 'x', after: ['a'] }, c: { name: 'x', after: ['b'] } },
  });
  const { nodes } = flowGraph([...jobs].reverse(), refOf);
  // A parent that is not among them is no node, and nothing is tied to it.
  expect(flowGraph(jobs.slice(1), refOf).edges).toHaveLength(1);
  expect(nodes.map(({ job, level }) => [job?.ref, level])).toEqual([
    ['a', 0],
    ['b', 1],
    ['c', 2],
  ]);
});
