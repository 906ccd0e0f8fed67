/**
 * A server that is far away.
 *
 * @module
 */
import { inRoom } from '../room.ts';
import { systemsOf } from '../systems.ts';
import { measureDrain } from './measure-drain.ts';
import { casesOf, type Scenario } from './scenario.ts';

export const latencyScenario: Scenario = {
  id: 'latency',
  title: 'Latency before the server',
  method:
    'As the drain, through a proxy in a process of its own that hands on what the client sends 0, 1 or 5 ms later (timers make it up to 1 ms more).',
  rounds: 3,
  cases: casesOf(systemsOf('monque', 'loop', 'bullmq', 'graphile'), ['0 ms', '1 ms', '5 ms']),
  figures: [
    { key: 'jobsPerSecond', label: 'jobs/s' },
    { key: 'clientUsAJob', label: 'client CPU, µs a job', digits: 1 },
  ],
  chart: 'jobsPerSecond',
  baseline: 'loop',
  measure: ({ servers, scale }, { system, variant }) =>
    inRoom(servers, system, { latencyMs: Number.parseInt(variant, 10) }, (room) =>
      measureDrain(room, { fill: Math.ceil(system.drainJobs * scale) }),
    ),
};
