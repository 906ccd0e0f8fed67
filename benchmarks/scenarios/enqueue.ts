/**
 * How fast jobs are stored, one a call and many a call.
 *
 * @module
 */
import { inRoom } from '../room.ts';
import { systemsOf } from '../systems.ts';
import { type Case, casesOf, type Scenario } from './scenario.ts';

const DURATION_MS = 1_500;
const SINGLE = { inFlight: 32, batch: 1 };
const BULK = { inFlight: 1, batch: 1_000 };

const STORING = systemsOf(
  ...['monque', 'monque-w1', 'monque-memory', 'loop', 'loop-w1', 'batch', 'agenda', 'pulse'],
  ...['bullmq', 'bullmq-durable', 'graphile', 'pg-boss'],
);

/** The bare protocol has no call for one job, and two of the systems none for many. */
function isPossible({ system, variant }: Case): boolean {
  const without = variant === 'one a call' ? ['batch'] : ['agenda', 'pulse'];
  return !without.includes(system.id);
}

export const enqueueScenario: Scenario = {
  id: 'enqueue',
  title: 'Enqueue',
  method:
    'One process stores jobs for 1.5 seconds while nobody works: one a call with 32 calls under way, or 1,000 a call, one call after another. A call counts when the system says that its jobs are stored. The findOneAndUpdate loop stores with one plain `insertOne` a job into a collection with one index. Agenda and Pulse have no call that stores many jobs.',
  rounds: 3,
  cases: casesOf(STORING, ['one a call', '1,000 a call']).filter(isPossible),
  figures: [
    { key: 'jobsPerSecond', label: 'jobs/s' },
    { key: 'callP50Ms', label: 'call p50, ms', digits: 2 },
    { key: 'clientUsAJob', label: 'client CPU, µs a job', digits: 1 },
  ],
  chart: 'jobsPerSecond',
  baseline: 'loop',
  measure: ({ servers, scale }, { system, variant }) =>
    inRoom(servers, system, {}, async (room) => {
      const plan = variant === 'one a call' ? SINGLE : BULK;
      const agent = room.launch('enqueue', { ...plan, durationMs: DURATION_MS * scale });
      return (await agent.result) as Record<string, number>;
    }),
};
