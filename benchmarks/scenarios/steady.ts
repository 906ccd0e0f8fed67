/**
 * Latency while as many jobs come as go.
 *
 * @module
 */
import { inRoom } from '../room.ts';
import { systemsOf } from '../systems.ts';
import { casesOf, type Scenario } from './scenario.ts';

const DURATION_MS = 2_000;
const SHORTEST_SHARE = 0.4;

export const steadyScenario: Scenario = {
  id: 'steady',
  title: 'Steady state',
  method:
    'One process enqueues one a call and works. First it keeps 500 jobs under way for 2 seconds, which gives the capacity of enqueueing and working together; then jobs come at 50 % and at 80 % of that rate, at times fixed in advance, for 2 seconds each. Latency is from the time at which a job was to be enqueued until its handler is called, so a system that falls behind cannot hide it.',
  rounds: 3,
  cases: casesOf(
    systemsOf(
      ...['monque', 'monque-w1', 'loop', 'agenda', 'pulse'],
      ...['bullmq', 'bullmq-durable', 'graphile', 'pg-boss'],
    ),
  ),
  figures: [
    { key: 'capacity', label: 'capacity, jobs/s' },
    { key: 'p50At50Ms', label: '50 %: p50, ms', digits: 1 },
    { key: 'p95At50Ms', label: 'p95', digits: 1 },
    { key: 'p99At50Ms', label: 'p99', digits: 1 },
    { key: 'p50At80Ms', label: '80 %: p50, ms', digits: 1 },
    { key: 'p95At80Ms', label: 'p95', digits: 1 },
    { key: 'p99At80Ms', label: 'p99', digits: 1 },
  ],
  chart: 'capacity',
  baseline: 'loop',
  measure: ({ servers, scale }, { system }) =>
    inRoom(servers, system, {}, async (room) => {
      const agent = room.launch('steady', {
        durationMs: DURATION_MS * Math.max(scale, SHORTEST_SHARE),
      });
      return (await agent.result) as Record<string, number>;
    }),
};
