import type { FlowEdge, FlowGraphAnswer, FlowNode } from '../../../src/api/types.ts';
import { href } from '../app/router.ts';
import { number } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { layOut, NODE, type Placed } from './layout.ts';
import { leadingStatus } from './words.tsx';

interface GraphProps {
  readonly flow: string;
  readonly graph: FlowGraphAnswer;
}

/** What waits for what, from the left to the right. The table beside it says the same in words. */
export function Graph({ flow, graph: { nodes, edges } }: GraphProps) {
  const { width, height, nodes: placed } = layOut(nodes, edges);
  return (
    <section class="table-wrap graph" aria-label="The flow as a graph" tabIndex={0}>
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="presentation">
        {edges.map((edge) => {
          const [from, to] = [placed.get(edge.from), placed.get(edge.to)];
          return from && to && <Edge key={`${edge.from} ${edge.to}`} {...{ edge, from, to }} />;
        })}
        {[...placed.values()].map((place) => (
          <Node key={place.node.id} flow={flow} place={place} />
        ))}
      </svg>
    </section>
  );
}

interface EdgeProps {
  readonly edge: FlowEdge;
  readonly from: Placed;
  readonly to: Placed;
}

function Edge({ edge: { onFailure }, from, to }: EdgeProps) {
  const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2];
  const [x2, y2] = [to.x, to.y + NODE.height / 2];
  const bend = Math.max(28, (x2 - x1) / 2);
  return (
    <g class={`edge ${onFailure}`}>
      <path d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 5} ${y2}`} />
      <path class="head" d={`M${x2 - 6} ${y2 - 4}L${x2} ${y2}L${x2 - 6} ${y2 + 4}z`} />
    </g>
  );
}

/** HTML in the picture, so that a long text ends in dots and the focus looks as everywhere. */
function Node({ flow, place: { node, x, y } }: { readonly flow: string; readonly place: Placed }) {
  const { name, count, job, byStatus } = node;
  const status = leadingStatus(byStatus);
  const [first, second] = job
    ? [job.ref, `${status} · ${name}`]
    : [`${name} × ${number(count)}`, countsOf(node)];
  return (
    <foreignObject x={x} y={y} {...NODE}>
      <a
        href={job ? href(`jobs/${job.id}`) : href('jobs', { flow, name })}
        class={`node ${status}${job ? '' : ' is-many'}`}
        title={`${first}: ${second}`}
      >
        <Icon name={status} class={status} />
        <b class="cut">{first}</b>
        <span class="cut">{second}</span>
      </a>
    </foreignObject>
  );
}

/** How many of a node are in each state. */
export function countsOf({ byStatus }: Pick<FlowNode, 'byStatus'>): string {
  return Object.entries(byStatus)
    .map(([status, count]) => `${number(count)} ${status}`)
    .join(', ');
}
