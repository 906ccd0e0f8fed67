import type { HistoryEntryOfJob, JobDetails } from '../../../src/api/types.ts';
import { type Edge, edgesOf, statesOf } from './way.ts';

interface Spot {
  readonly x: number;
  readonly y: number;
}

const WIDTH = 112;
const HEIGHT = 34;

/** Where the states stand. A state that is not here yet gets a place of its own below. */
const SPOTS: Readonly<Record<string, Spot>> = {
  pending: { x: 68, y: 128 },
  processing: { x: 306, y: 128 },
  blocked: { x: 306, y: 34 },
  completed: { x: 572, y: 34 },
  failed: { x: 572, y: 128 },
  cancelled: { x: 572, y: 222 },
};

/** Where long edges bend to, so that they pass the states between. */
const BENDS: Readonly<Record<string, Spot>> = {
  'failed pending': { x: 320, y: 214 },
  'pending cancelled': { x: 300, y: 254 },
  'cancelled pending': { x: 250, y: 318 },
  'blocked pending': { x: 130, y: 40 },
  'blocked cancelled': { x: 470, y: 70 },
};

interface MachineProps {
  readonly job: JobDetails;
  readonly entries: readonly HistoryEntryOfJob[];
}

/** The machine of states with the way of the job: drawn from the table, so that it shows what the scheduler does. */
export function Machine({ job, entries }: MachineProps) {
  const edges = edgesOf(job, entries);
  const states = statesOf(job, edges);
  const names = [...new Set(edges.flatMap(({ from, to }) => [from, to]))];
  const spots = new Map(
    names.map((name, index) => [name, SPOTS[name] ?? { x: 68 + index * 130, y: 330 }]),
  );
  const height = Math.max(...[...spots.values()].map(({ y }) => y)) + 58;
  // What lights up is drawn last, above the others.
  const ordered = [...edges].sort((a, b) => a.taken.length - b.taken.length);
  return (
    <svg class="machine" viewBox={`0 0 640 ${height}`} role="img" aria-label={labelOf(job, edges)}>
      {ordered.map((edge) => (
        <EdgeLine key={`${edge.from} ${edge.to}`} edge={edge} spots={spots} />
      ))}
      {names.map((name) => {
        const { x, y } = spots.get(name) as Spot;
        const look = job.status === name ? ' is' : states.has(name) ? ' was' : '';
        return (
          <g key={name} class={`node${look}`}>
            <rect x={x - WIDTH / 2} y={y - HEIGHT / 2} width={WIDTH} height={HEIGHT} rx={7} />
            <text x={x} y={y + 4} text-anchor="middle">
              {name}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

function labelOf(job: JobDetails, edges: readonly Edge[]): string {
  const way = edges
    .filter(({ taken }) => taken.length > 0)
    .map(({ from, to, taken }) => `from ${from} to ${to} by ${taken.join(', ')}`);
  return `The states of a job. This one is ${job.status}. On record: ${way.join('; ') || 'no move'}.`;
}

function EdgeLine({
  edge,
  spots,
}: {
  readonly edge: Edge;
  readonly spots: ReadonlyMap<string, Spot>;
}) {
  const { from, to, verbs, taken } = edge;
  const line = route(spots.get(from) as Spot, spots.get(to) as Spot, BENDS[`${from} ${to}`]);
  const isTaken = taken.length > 0;
  const shown = taken.slice(0, 2).join(', ') + (taken.length > 2 ? ', …' : '');
  return (
    <g class={isTaken ? 'edge was' : 'edge'}>
      <title>{`${from} → ${to}: ${verbs.join(', ')}`}</title>
      <path d={line.path} />
      <path class="head" d={line.head} />
      {isTaken && (
        <text class="verbs" x={line.label.x} y={line.label.y} text-anchor={line.anchor}>
          {shown}
        </text>
      )}
    </g>
  );
}

interface Line {
  readonly path: string;
  readonly head: string;
  readonly label: Spot;
  readonly anchor: 'start' | 'middle' | 'end';
}

/** A curve that leaves room for the one the other way round: each bends to its right. */
function route(a: Spot, b: Spot, through?: Spot): Line {
  const length = Math.hypot(b.x - a.x, b.y - a.y);
  const side = { x: (b.y - a.y) / length, y: -(b.x - a.x) / length };
  const bend = Math.min(46, 16 + length * 0.06);
  const middle = through ?? {
    x: (a.x + b.x) / 2 + side.x * bend,
    y: (a.y + b.y) / 2 + side.y * bend,
  };
  const isUpright = Math.abs(side.x) > 0.8;
  const start = border(a, middle);
  const end = border(b, middle);
  const angle = Math.atan2(end.y - middle.y, end.x - middle.x);
  const wing = (turn: number): string =>
    `${end.x - 8 * Math.cos(angle + turn)} ${end.y - 8 * Math.sin(angle + turn)}`;
  return {
    // Beside an upright edge the text begins or ends there; above another it is centred.
    anchor: isUpright ? (side.x < 0 ? 'end' : 'start') : 'middle',
    path: `M${start.x} ${start.y}Q${middle.x} ${middle.y} ${end.x} ${end.y}`,
    head: `M${end.x} ${end.y}L${wing(0.42)}L${wing(-0.42)}Z`,
    label: {
      x: (start.x + 2 * middle.x + end.x) / 4 + side.x * 9,
      y: (start.y + 2 * middle.y + end.y) / 4 + side.y * 9 + 4,
    },
  };
}

/** Where the line from the middle of a box to a point leaves the box. */
function border(box: Spot, towards: Spot): Spot {
  const dx = towards.x - box.x;
  const dy = towards.y - box.y;
  const scale = Math.min(
    (WIDTH / 2 + 3) / Math.max(Math.abs(dx), 0.01),
    (HEIGHT / 2 + 3) / Math.max(Math.abs(dy), 0.01),
  );
  return { x: box.x + dx * scale, y: box.y + dy * scale };
}
