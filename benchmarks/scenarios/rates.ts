/**
 * Latency and cost while jobs come at a steady rate, the same for every system.
 *
 * @module
 */
import { inRoom, type Room } from '../room.ts';
import { percentile } from '../statistics.ts';
import { systemsOf } from '../systems.ts';
import { casesOf, type Figures, type Scenario } from './scenario.ts';

const RATES = [50, 300, 1_000, 2_000, 3_000];
const SHAPES: readonly Shape[] = [
  { name: 'one process', isApart: false, handlerMs: 0 },
  { name: 'two processes', isApart: true, handlerMs: 0 },
  { name: 'one process, 5 ms', isApart: false, handlerMs: 5 },
  { name: 'two processes, 5 ms', isApart: true, handlerMs: 5 },
];
const DURATION_MS = 2_000;
const SHORTEST_SHARE = 0.4;
/** The first jobs find a process that has not warmed up. */
const WARM_UP_SHARE = 0.25;
/** What is not started so long after the last was sent is not waited for. */
const CATCH_UP_MS = 1_000;

interface Shape {
  readonly name: string;
  readonly isApart: boolean;
  readonly handlerMs: number;
}

interface RateCase extends Shape {
  readonly jobsPerSecond: number;
}

const CASES: ReadonlyMap<string, RateCase> = new Map(
  SHAPES.flatMap((shape) =>
    RATES.map((jobsPerSecond) => [
      `${jobsPerSecond.toLocaleString('en-US')}/s, ${shape.name}`,
      { ...shape, jobsPerSecond },
    ]),
  ),
);

export const ratesScenario: Scenario = {
  id: 'rates',
  title: 'At a steady rate',
  method:
    'Jobs come at a fixed rate, the same for every system, one a call, and none waits for the answer to the one before: from the process that works, or from another. They do nothing, or take 5 ms. Latency is from the time at which a job was to be enqueued until its handler is called, by the clock that all processes of the machine share; the first quarter is not counted. A job that had not started a second after the last was sent counts as that late. Below 98 % held a system does not hold the rate, and its latencies only say by how much it had fallen behind.',
  rounds: 3,
  cases: casesOf(
    systemsOf('monque', 'loop', 'agenda', 'bullmq', 'bullmq-durable', 'graphile', 'pg-boss'),
    [...CASES.keys()],
  ),
  figures: [
    { key: 'p50Ms', label: 'p50, ms', digits: 1 },
    { key: 'p95Ms', label: 'p95, ms', digits: 1 },
    { key: 'p99Ms', label: 'p99, ms', digits: 1 },
    { key: 'heldPercent', label: 'held, %' },
    { key: 'clientUsAJob', label: 'client CPU, µs a job' },
    { key: 'serverUsAJob', label: 'server CPU, µs a job' },
  ],
  chart: 'p50Ms',
  measure: ({ servers, scale }, { system, variant }) =>
    inRoom(servers, system, {}, (room) => measureRate(room, CASES.get(variant) as RateCase, scale)),
};

async function measureRate(
  room: Room,
  { isApart, handlerMs, jobsPerSecond }: RateCase,
  scale: number,
): Promise<Figures> {
  const durationMs = DURATION_MS * Math.max(scale, SHORTEST_SHARE);
  const jobs = Math.ceil((jobsPerSecond * durationMs) / 1_000);
  const params = { jobsPerSecond, jobs, handlerMs };
  const worker = room.launch('rate', { ...params, isWorking: 1, isEnqueuing: isApart ? 0 : 1 });
  await worker.nextNote();
  const enqueuer = isApart
    ? room.launch('rate', { ...params, isWorking: 0, isEnqueuing: 1 })
    : worker;
  if (isApart) await enqueuer.nextNote();
  const agents = [...new Set([worker, enqueuer])];
  const serverBeforeMs = room.server?.cpuMs() ?? 0;
  const sent = enqueuer.nextNote();
  for (const agent of agents) agent.send('go');
  const { sentNs } = await sent;
  await new Promise((resolve) => setTimeout(resolve, CATCH_UP_MS));
  const serverMs = (room.server?.cpuMs() ?? 0) - serverBeforeMs;
  for (const agent of agents) agent.send('end');
  const [{ startedNs }, { begunNs }] = (await Promise.all([worker.result, enqueuer.result])) as [
    { startedNs: (number | null)[] },
    { begunNs: number },
  ];
  const results = await Promise.all(agents.map(({ result }) => result));
  const latenciesMs = latenciesOf({ startedNs, begunNs, jobsPerSecond, jobs });
  const clientUs = results.reduce((sum, { cpuUs }) => sum + Number(cpuUs), 0);
  const inTimeNs = Number(sentNs) + (CATCH_UP_MS / 4) * 1e6;
  const held = startedNs.filter((ns) => ns !== null && ns <= inTimeNs).length;
  return {
    p50Ms: percentile(latenciesMs, 0.5),
    p95Ms: percentile(latenciesMs, 0.95),
    p99Ms: percentile(latenciesMs, 0.99),
    heldPercent: Math.floor((100 * held) / jobs),
    clientUsAJob: clientUs / jobs,
    ...(room.server && { serverUsAJob: (serverMs * 1_000) / jobs }),
  };
}

interface Starts {
  /** By the number of the job; null or left out for those that did not start. */
  readonly startedNs: readonly (number | null)[];
  readonly begunNs: number;
  readonly jobsPerSecond: number;
  readonly jobs: number;
}

function latenciesOf({ startedNs, begunNs, jobsPerSecond, jobs }: Starts): number[] {
  const lastNs = begunNs + (jobs / jobsPerSecond) * 1e9 + CATCH_UP_MS * 1e6;
  return Array.from({ length: jobs }, (_, index) => {
    const dueNs = begunNs + (index / jobsPerSecond) * 1e9;
    return ((startedNs[index] ?? lastNs) - dueNs) / 1e6;
  }).slice(Math.floor(jobs * WARM_UP_SHARE));
}
