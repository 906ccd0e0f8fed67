/**
 * The graph of a flow: in which order its jobs can come, and by which tokens they wait for one another.
 *
 * Each edge is covered by a token of the end that has more edges: by one of the child's where as many parents or more
 * meet there, else by one of the parent's. Children with the same parents share a token, and so do parents with the
 * same children. So a layer of any width costs one, and no job has more than the square root of all edges.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import { type OnParentFailure, tokenOf } from './flow-tokens.ts';

/** One parent of a job. */
export interface FlowEdge {
  readonly ref: string;
  readonly onFailure: OnParentFailure;
}

/** The parents of each job, by what the jobs are called. */
export type FlowEdges = ReadonlyMap<string, readonly FlowEdge[]>;

/** What a job of a flow holds up, and what it waits for. */
export interface FlowPlace {
  readonly feeds: readonly string[];
  readonly waitsFor: readonly string[];
}

/**
 * The jobs with all parents before their children.
 *
 * @returns the jobs that wait for themselves, round about, in `cycle`; it is empty for a graph without a circle
 */
export function parentsFirst(edges: FlowEdges): {
  readonly refs: readonly string[];
  readonly cycle: readonly string[];
} {
  const children = new Map<string, string[]>();
  const open = new Map<string, number>();
  for (const [ref, parents] of edges) {
    open.set(ref, parents.length);
    for (const parent of parents) childrenIn(children, parent.ref).push(ref);
  }
  const refs = [...edges.keys()].filter((ref) => open.get(ref) === 0);
  // The list grows while it is gone through.
  for (const ref of refs) {
    for (const child of children.get(ref) ?? []) {
      const left = (open.get(child) as number) - 1;
      open.set(child, left);
      if (left === 0) refs.push(child);
    }
  }
  if (refs.length === edges.size) return { refs, cycle: [] };
  return { refs, cycle: cycleIn(edges, new Set(refs)) };
}

function childrenIn(children: Map<string, string[]>, ref: string): string[] {
  const known = children.get(ref) ?? [];
  children.set(ref, known);
  return known;
}

/** From a job that was never free back along its parents, until one comes again. */
function cycleIn(edges: FlowEdges, free: ReadonlySet<string>): string[] {
  const seen: string[] = [];
  let ref = [...edges.keys()].find((candidate) => !free.has(candidate));
  while (ref !== undefined && !seen.includes(ref)) {
    seen.push(ref);
    ref = edges.get(ref)?.find((parent) => !free.has(parent.ref))?.ref;
  }
  const cycle = seen.slice(seen.indexOf(ref as string)).reverse();
  const first = [...edges.keys()].find((candidate) => cycle.includes(candidate));
  const begin = cycle.indexOf(first as string);
  return [...cycle.slice(begin), ...cycle.slice(0, begin)];
}

/** Gives each job its tokens. */
export function placesOf(flow: ObjectId, edges: FlowEdges): ReadonlyMap<string, FlowPlace> {
  return new Layout(flow, edges).places();
}

class Layout {
  readonly #flow: ObjectId;
  readonly #edges: FlowEdges;
  readonly #numbers = new Map<string, number>();
  readonly #tokens = new Map<string, string>();
  readonly #feeds = new Map<string, Set<string>>();
  readonly #waits = new Map<string, Set<string>>();

  constructor(flow: ObjectId, edges: FlowEdges) {
    this.#flow = flow;
    this.#edges = edges;
    for (const ref of edges.keys()) this.#numbers.set(ref, this.#numbers.size);
  }

  places(): ReadonlyMap<string, FlowPlace> {
    for (const onFailure of ['fail', 'wait', 'continue'] as const) this.#layOut(onFailure);
    const list = (tokens: Set<string> | undefined): string[] => [...(tokens ?? [])].sort();
    const refs = [...this.#edges.keys()];
    return new Map(
      refs.map((ref) => [
        ref,
        { feeds: list(this.#feeds.get(ref)), waitsFor: list(this.#waits.get(ref)) },
      ]),
    );
  }

  #layOut(onFailure: OnParentFailure): void {
    const childCounts = new Map<string, number>();
    const parentsOf = new Map<string, readonly string[]>();
    for (const [child, edges] of this.#edges) {
      const parents = edges.filter((edge) => edge.onFailure === onFailure).map(({ ref }) => ref);
      if (parents.length === 0) continue;
      parentsOf.set(child, parents);
      for (const ref of parents) childCounts.set(ref, (childCounts.get(ref) ?? 0) + 1);
    }
    const byParent = new Map<string, string[]>();
    for (const [child, parents] of parentsOf) {
      const isOfParent = (ref: string): boolean =>
        (childCounts.get(ref) as number) > parents.length;
      for (const ref of parents.filter(isOfParent)) childrenIn(byParent, ref).push(child);
      const ofChild = parents.filter((ref) => !isOfParent(ref));
      if (ofChild.length === 0) continue;
      const token = this.#tokenFor(onFailure, 'parents', ofChild);
      this.#give(this.#waits, child, token);
      for (const ref of ofChild) this.#give(this.#feeds, ref, token);
    }
    for (const [parent, children] of byParent) {
      const token = this.#tokenFor(onFailure, 'children', children);
      this.#give(this.#feeds, parent, token);
      for (const child of children) this.#give(this.#waits, child, token);
    }
  }

  /** One token for each set of jobs on a side. */
  #tokenFor(onFailure: OnParentFailure, side: string, set: readonly string[]): string {
    const numbers = set.map((ref) => this.#numbers.get(ref) as number).sort((a, b) => a - b);
    const key = `${onFailure} ${side} ${numbers.join(' ')}`;
    const known = this.#tokens.get(key) ?? tokenOf(this.#flow, onFailure, this.#tokens.size);
    this.#tokens.set(key, known);
    return known;
  }

  #give(to: Map<string, Set<string>>, ref: string, token: string): void {
    const tokens = to.get(ref) ?? new Set<string>();
    to.set(ref, tokens);
    tokens.add(token);
  }
}
