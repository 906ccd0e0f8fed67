import type { FlowEdge, FlowNode } from '../../../src/api/types.ts';

export const NODE = { width: 192, height: 48 } as const;
const GAP = { x: 56, y: 18 } as const;
const EDGE = 8;
/** Sweeps over the levels that bring what belongs together side by side. */
const SWEEPS = 6;

/** A node with its place. */
export interface Placed {
  readonly node: FlowNode;
  readonly x: number;
  readonly y: number;
}

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: ReadonlyMap<string, Placed>;
}

/**
 * Places the nodes by their levels, from the left to the right; within a level each comes near the middle of those it is
 * tied to.
 */
export function layOut(nodes: readonly FlowNode[], edges: readonly FlowEdge[]): Layout {
  const levels: FlowNode[][] = [];
  for (const node of nodes) {
    levels[node.level] ??= [];
    levels[node.level]?.push(node);
  }
  const columns = levels.filter((level) => level !== undefined);
  const ties = tiesOf(edges);
  const rank = new Map<string, number>();
  for (const column of columns) rankAll(column, rank);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const column of sweep % 2 === 0 ? columns : [...columns].reverse()) {
      const middle = new Map(column.map(({ id }) => [id, middleOf(ties.get(id), rank, id)]));
      column.sort((a, b) => (middle.get(a.id) ?? 0) - (middle.get(b.id) ?? 0));
      rankAll(column, rank);
    }
  }
  const rows = Math.max(1, ...columns.map((column) => column.length));
  const step = NODE.height + GAP.y;
  const placed = columns.flatMap((column, index) =>
    column.map((node, row): [string, Placed] => [
      node.id,
      {
        node,
        x: EDGE + index * (NODE.width + GAP.x),
        y: EDGE + row * step + ((rows - column.length) * step) / 2,
      },
    ]),
  );
  return {
    width: 2 * EDGE + Math.max(1, columns.length) * (NODE.width + GAP.x) - GAP.x,
    height: 2 * EDGE + rows * step - GAP.y,
    nodes: new Map(placed),
  };
}

function tiesOf(edges: readonly FlowEdge[]): ReadonlyMap<string, readonly string[]> {
  const ties = new Map<string, string[]>();
  for (const { from, to } of edges) {
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      ties.set(one, [...(ties.get(one) ?? []), other]);
    }
  }
  return ties;
}

/** From 0 to 1, so that columns of different lengths compare. */
function rankAll(column: readonly FlowNode[], rank: Map<string, number>): void {
  for (const [index, { id }] of column.entries()) {
    rank.set(id, (index + 0.5) / column.length);
  }
}

function middleOf(
  ties: readonly string[] = [],
  rank: ReadonlyMap<string, number>,
  id: string,
): number {
  const own = rank.get(id) ?? 0;
  if (ties.length === 0) return own;
  return ties.reduce((sum, other) => sum + (rank.get(other) ?? own), 0) / ties.length;
}
