import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type FlowEdge, parentsFirst, placesOf } from './flow-graph.ts';

const FLOW = ObjectId.createFromHexString('65cf3a2b1f9d4e0012345678');

function edgesOf(parents: Record<string, readonly (string | FlowEdge)[]>) {
  return new Map(
    Object.entries(parents).map(([ref, of]) => [
      ref,
      of.map((one) => (typeof one === 'string' ? ({ ref: one, onFailure: 'fail' } as const) : one)),
    ]),
  );
}

/** The jobs that some job waits for, by the tokens. */
function parentsByTokens(places: ReturnType<typeof placesOf>, child: string): string[] {
  const tokens = places.get(child)?.waitsFor ?? [];
  return [...places].flatMap(([ref, { feeds }]) =>
    feeds.some((token) => tokens.includes(token)) ? [ref] : [],
  );
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

describe('the order of a flow', () => {
  test('has parents before their children', () => {
    const { refs, cycle } = parentsFirst(edgesOf({ d: ['b', 'c'], c: ['a'], b: ['a'], a: [] }));
    expect(cycle).toEqual([]);
    expect(refs[0]).toBe('a');
    expect(refs[3]).toBe('d');
  });

  test('finds who stands in a circle, and not who waits for one', () => {
    const { cycle } = parentsFirst(edgesOf({ x: ['c'], a: ['b'], b: ['c'], c: ['a'], y: [] }));
    expect(new Set(cycle)).toEqual(new Set(['a', 'b', 'c']));
  });
});

describe('the tokens of a flow', () => {
  test('make each job wait for just its parents, in random graphs', () => {
    let seed = 7;
    const below = (most: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % most;
    };
    const policies = ['fail', 'wait', 'continue'] as const;
    for (let run = 0; run < 200; run += 1) {
      const parents: Record<string, FlowEdge[]> = {};
      for (let job = 0; job < 12; job += 1) {
        const of = names('j', job).filter(() => below(3) === 0);
        parents[`j${job}`] = of.map((ref) => ({ ref, onFailure: policies[below(3)] ?? 'fail' }));
      }
      const edges = edgesOf(parents);
      const places = placesOf(FLOW, edges);
      for (const [child, of] of edges) {
        expect(new Set(parentsByTokens(places, child))).toEqual(new Set(of.map(({ ref }) => ref)));
      }
    }
  });

  test('are one for a fan-out, a fan-in and two full layers', () => {
    const many = names('m', 10_000);
    const out = placesOf(
      FLOW,
      edgesOf({ root: [], ...Object.fromEntries(many.map((m) => [m, ['root']])) }),
    );
    expect(out.get('root')?.feeds).toHaveLength(1);
    const fanIn = placesOf(
      FLOW,
      edgesOf({ ...Object.fromEntries(many.map((m) => [m, []])), end: many }),
    );
    expect(fanIn.get('end')?.waitsFor).toHaveLength(1);
    const [a, b] = [names('a', 60), names('b', 90)];
    const layers = placesOf(
      FLOW,
      edgesOf({
        ...Object.fromEntries(a.map((ref) => [ref, []])),
        ...Object.fromEntries(b.map((ref) => [ref, a])),
      }),
    );
    const tokens = [...layers.values()].flatMap(({ feeds, waitsFor }) => [...feeds, ...waitsFor]);
    expect(new Set(tokens).size).toBe(1);
  });

  test('are few also where each of many has one more edge of its own', () => {
    const parents: Record<string, string[]> = { root: [] };
    for (const ref of names('p', 1_000)) parents[ref] = [];
    for (const ref of names('p', 1_000)) parents[`c-${ref}`] = ['root', ref];
    parents.end = names('p', 1_000);
    const places = placesOf(FLOW, edgesOf(parents));
    const most = Math.max(
      ...[...places.values()].flatMap(({ feeds, waitsFor }) => [feeds.length, waitsFor.length]),
    );
    expect(most).toBeLessThanOrEqual(2);
  });
});
