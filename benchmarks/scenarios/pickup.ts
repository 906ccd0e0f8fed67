/**
 * How soon an idle worker starts a job.
 *
 * @module
 */
import type { Agent } from '../agent.ts';
import { inRoom, type Room } from '../room.ts';
import { percentile } from '../statistics.ts';
import { systemsOf } from '../systems.ts';
import { casesOf, type Figures, type Scenario } from './scenario.ts';

const SAMPLES = 100;
const WARM_UP_SAMPLES = 10;
const LONGEST_MS = 4_000;
const LONGEST_SAMPLE_MS = 10_000;
const SETTLE_MS = 1_000;
const SHORTEST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 25;

const WAITING = systemsOf(
  ...['monque', 'monque-w1', 'monque-memory', 'loop', 'agenda', 'agenda-defaults', 'pulse'],
  ...['pulse-defaults', 'bullmq', 'bullmq-durable', 'graphile', 'pg-boss', 'pg-boss-defaults'],
);

/** Polling makes no difference between one process and two, and a queue in memory has only one. */
const IN_ONE_PROCESS_ONLY = [
  'monque-memory',
  'monque-w1',
  'agenda-defaults',
  'pulse-defaults',
  'pg-boss-defaults',
];

export const pickupScenario: Scenario = {
  id: 'pickup',
  title: 'Pickup on an idle worker',
  method:
    'One job at a time is enqueued, 5 to 25 ms after the one before was started: by the process that works, or by another process. Measured is the time from the acknowledgement of the enqueue until its handler is called, by the clock that all processes of the machine share; it is below zero when the handler is called first. A round is 100 jobs, but ends after 4 seconds, so of systems that poll there are few samples; a job that waits for 10 seconds counts as that.',
  rounds: 3,
  cases: casesOf(WAITING, ['one process', 'two processes']).filter(
    ({ system, variant }) => variant === 'one process' || !IN_ONE_PROCESS_ONLY.includes(system.id),
  ),
  figures: [
    { key: 'p50Ms', label: 'p50, ms', digits: 2 },
    { key: 'p95Ms', label: 'p95, ms', digits: 2 },
    { key: 'p99Ms', label: 'p99, ms', digits: 2 },
    { key: 'acknowledgedP50Ms', label: 'acknowledged p50, ms', digits: 2 },
  ],
  chart: 'p50Ms',
  measure: ({ servers, scale }, { system, variant }) =>
    inRoom(servers, system, {}, (room) => measurePickup(room, variant === 'two processes', scale)),
};

async function measurePickup(room: Room, isApart: boolean, scale: number): Promise<Figures> {
  const worker = room.launch('probe', { isWorking: 1, isEnqueuing: isApart ? 0 : 1 });
  await worker.nextNote();
  const enqueuer = isApart ? room.launch('probe', { isWorking: 0, isEnqueuing: 1 }) : worker;
  if (isApart) await enqueuer.nextNote();
  await pause(SETTLE_MS);
  const samples: Sample[] = [];
  const endMs = performance.now() + LONGEST_MS;
  while (samples.length < WARM_UP_SAMPLES + SAMPLES * scale && performance.now() < endMs) {
    samples.push(await takeSample(enqueuer, worker));
    await pause(SHORTEST_PAUSE_MS + Math.random() * (LONGEST_PAUSE_MS - SHORTEST_PAUSE_MS));
  }
  for (const agent of new Set([worker, enqueuer])) agent.send('end');
  // The first of a slow system are all there are.
  const counted = samples.length > 2 * WARM_UP_SAMPLES ? samples.slice(WARM_UP_SAMPLES) : samples;
  const pickups = counted.map(({ pickupMs }) => pickupMs);
  return {
    p50Ms: percentile(pickups, 0.5),
    p95Ms: percentile(pickups, 0.95),
    p99Ms: percentile(pickups, 0.99),
    acknowledgedP50Ms: percentile(
      counted.map(({ acknowledgedMs }) => acknowledgedMs),
      0.5,
    ),
  };
}

interface Sample {
  readonly pickupMs: number;
  readonly acknowledgedMs: number;
}

/** One job, from the word to enqueue it until both its enqueue and its start were reported. */
function takeSample(enqueuer: Agent, worker: Agent): Promise<Sample> {
  return new Promise((resolve, reject) => {
    const reported: Record<string, number> = {};
    const timer = setTimeout(() => {
      onNote({ startedNs: Number(reported.acknowledgedNs) + LONGEST_SAMPLE_MS * 1e6 });
    }, LONGEST_SAMPLE_MS);
    const onNote = (note: Record<string, unknown>): void => {
      Object.assign(reported, note);
      const { sentNs, acknowledgedNs, startedNs } = reported;
      if (sentNs === undefined || acknowledgedNs === undefined || startedNs === undefined) return;
      clearTimeout(timer);
      for (const agent of [enqueuer, worker]) agent.off('note', onNote);
      resolve({
        pickupMs: (startedNs - acknowledgedNs) / 1e6,
        acknowledgedMs: (acknowledgedNs - sentNs) / 1e6,
      });
    };
    for (const agent of new Set([enqueuer, worker])) {
      agent.on('note', onNote);
      agent.result.catch(reject);
    }
    enqueuer.send('go');
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
