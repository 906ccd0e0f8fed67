/**
 * What each route may cost the database at most, whatever the size of the collection: commands, documents and keys that
 * the server looked at, as its profiler counts them. One row a route; a route without one does not compile.
 */
import { gate, type Job, type Monque, stage } from '@monque/core';
import { until } from '../../core/test/setup/until.ts';
import type { RouteId } from '../src/api/routes.ts';
import type { Asking } from './dashboards.ts';

/** The jobs that the routes are asked about; each change has its own. */
export interface Known {
  readonly pending: readonly string[];
  readonly failed: string;
  readonly gate: string;
  readonly series: readonly string[];
  readonly flow: string;
  readonly letter: string;
}

/** A row. */
interface RouteCost {
  /** What is asked; the path of the route when left out. */
  readonly path?: (known: Known) => string;
  readonly json?: unknown;
  /** At most so many of each. */
  readonly commands: number;
  readonly documents: number;
  readonly keys: number;
  /** The status of the answer, where it is not that of the route. */
  readonly status?: number;
  /**
   * How often all jobs may be looked at besides: by what no index serves, and which is bounded in time and made only
   * when somebody asks.
   */
  readonly readsAll?: 1;
}

/** How many flows there are. */
const FLOWS = 20;

const NOTHING = { commands: 0, documents: 0, keys: 0 } as const;
/** The shared look, made again for each row: ten names with up to 1000 due jobs each, counted within an index. */
const LOOK = { commands: 30, documents: 20, keys: 10_500 } as const;
/** Reads and writes by an id or a key. */
const few = (count: number) => ({ commands: count, documents: count, keys: count });
const looks = (count: number) => ({ documents: count, keys: count });
const ONE = few(1);

const at = (index: number, rest = '') => {
  return ({ pending }: Known): string => `jobs/${pending[index]}${rest}`;
};
const ofSeries = (index: number, rest = '') => {
  return ({ series }: Known): string => `series/${series[index]}${rest}`;
};
const preview = { kind: 'retry', filter: { status: 'failed' } };

/** The rows. */
export const ROUTE_COSTS: Readonly<Record<RouteId, RouteCost>> = {
  getOpenApi: NOTHING,
  getHealth: NOTHING,
  getCapabilities: LOOK,
  getOverview: LOOK,
  getNames: LOOK,
  getInstances: LOOK,
  getMetrics: LOOK,
  pauseName: { json: { name: 'name-1' }, ...ONE },
  resumeName: { json: { name: 'name-1' }, ...ONE },
  listJobs: { path: () => 'jobs?status=failed&limit=50', commands: 1, ...looks(350) },
  enqueueJob: { json: { name: 'name-1' }, ...ONE },
  getJob: { path: at(0), ...few(2) },
  getRawJob: { path: at(0, '/raw'), ...few(2) },
  explainJob: { path: at(0, '/explanation'), ...few(8) },
  getJobHistory: { path: at(0, '/history'), ...few(4) },
  cancelJob: { path: at(1, '/actions/cancel'), json: {}, ...few(3) },
  retryJob: { path: ({ failed }) => `jobs/${failed}/actions/retry`, ...few(3) },
  rescheduleJob: {
    path: at(2, '/actions/reschedule'),
    json: { runAt: '2030-01-01T00:00:00Z' },
    ...few(3),
  },
  setMetadata: { path: at(3, '/metadata'), json: { changes: { tenant: 'acme' } }, ...few(3) },
  deleteJob: { path: at(4), ...few(3) },
  openGate: {
    path: (known) => `jobs/${known.gate}/actions/open-gate`,
    json: { gate: 'approved', evidence: 1 },
    ...few(4),
  },
  previewOperation: { json: preview, commands: 2, ...looks(5_300) },
  startOperation: {
    json: { kind: 'cancel', filter: { name: 'name-4', status: 'pending' }, limit: 10 },
    commands: 25,
    ...looks(200),
  },
  listOperations: NOTHING,
  getOperation: { path: () => 'operations/none', status: 404, ...NOTHING },
  abortOperation: { path: () => 'operations/none', status: 404, ...NOTHING },
  listSeries: { commands: 1, ...looks(4) },
  putSeries: { json: { name: 'name-1', cron: '0 6 * * *', uniqueKey: 'made' }, ...few(3) },
  getSeries: { path: ofSeries(0), ...few(2) },
  getOccurrences: { path: ofSeries(0, '/occurrences'), ...few(4) },
  runSeries: { path: ofSeries(0, '/actions/run'), ...few(6) },
  skipSeries: { path: ofSeries(1, '/actions/skip'), ...few(9) },
  endSeries: { path: ofSeries(2), ...few(6) },
  readCron: { path: () => 'cron?expression=0+6+*+*+*', ...NOTHING },
  getErrors: { path: () => 'errors?window=200', commands: 1, ...looks(1_100) },
  countReasons: {
    path: () => 'reasons?name=name-4&status=pending&limit=200',
    commands: 4,
    ...looks(2_200),
  },
  getStats: { commands: 1, ...looks(0), readsAll: 1 },
  getRules: NOTHING,
  getActivity: NOTHING,
  getPrometheus: { ...LOOK, commands: 31 },
  getThroughput: { commands: 1, ...looks(60) },
  streamEvents: { path: () => 'events', ...LOOK },
  listSteps: NOTHING,
  getStep: { path: () => 'ledgers/verification/S02-payment', ...NOTHING },
  getBoard: NOTHING,
  getTask: { path: () => 'ledgers/coordination/SHOP-03', ...NOTHING },
  listLimits: few(1),
  setLimit: { json: { key: 'api', concurrency: 2 }, ...few(2) },
  listGroups: { path: () => 'groups?name=grouped', ...LOOK, commands: 45 },
  setGroup: { json: { name: 'grouped', group: 'acme', weight: 2 }, ...few(1) },
  listOrders: { path: () => 'orders?name=ordered', ...few(1) },
  listFlows: { path: () => `flows?limit=${FLOWS}`, commands: 1 + 3 * FLOWS, ...looks(12 * FLOWS) },
  getFlow: { path: ({ flow }) => `flows/${flow}`, commands: 4, ...looks(10) },
  getFlowGraph: { path: ({ flow }) => `flows/${flow}/graph`, commands: 4, ...looks(10) },
  listDeadLetters: {
    path: () => 'dead-letters?name=dead&window=200',
    commands: 1,
    ...looks(0),
    readsAll: 1,
  },
  redriveDeadLetter: {
    path: ({ letter }) => `jobs/${letter}/actions/redrive`,
    json: {},
    ...few(3),
  },
};

const id = ({ _id }: Job): string => String(_id);

/** Stores the few jobs that the routes are asked about, in a collection of many, and runs two of them. */
export async function storeKnown(monque: Monque): Promise<Known> {
  monque.worker('gated', { stages: [gate('approved'), stage('book', () => 'booked')] });
  const refuse = (): never => {
    throw new Error('no line');
  };
  monque.worker('call', refuse, { deadLetter: 'dead', maxRetries: 1 });
  await monque.setLimit('api', { concurrency: 1 });
  await monque.setGroup('grouped', 'acme', { weight: 3 });
  await monque.enqueue('grouped', 1, { group: 'acme' });
  await monque.enqueue('ordered', 1, { order: 'one' });
  const flows = await Promise.all(
    Array.from({ length: FLOWS }, () =>
      monque.enqueueFlow({
        jobs: { first: { name: 'name-1' }, last: { name: 'name-1', after: ['first'] } },
      }),
    ),
  );
  const flow = flows[0]?.id;
  const pending: string[] = [];
  for (let index = 0; index < 5; index += 1) pending.push(id(await monque.enqueue('known', index)));
  const series: string[] = [];
  for (const uniqueKey of ['a', 'b', 'c']) {
    series.push(id(await monque.schedule('0 6 * * *', 'known', {}, { uniqueKey })));
  }
  const [failed] = await monque.getJobs({ status: 'failed', name: 'name-3', limit: 1 });
  if (!failed) throw new Error('No job has failed');
  await monque.start();
  const closed = await monque.enqueue('gated', 1);
  const letter = await monque.enqueue('call', 1);
  await until('a closed gate and a dead letter', async () => {
    const [held, dead] = await Promise.all([monque.getJob(closed._id), monque.getJob(letter._id)]);
    return held?.status === 'blocked' && dead?.name === 'dead';
  });
  await monque.stop();
  return {
    pending,
    failed: id(failed),
    gate: id(closed),
    series,
    flow: String(flow),
    letter: id(letter),
  };
}

/** A request for a row. */
export function askingOf(method: string, { json }: RouteCost): Asking {
  return { method, ...(json !== undefined && { json }) };
}
