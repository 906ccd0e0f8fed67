/**
 * One job name and fifty.
 *
 * @module
 */
import { inRoom } from '../room.ts';
import { systemsOf } from '../systems.ts';
import { measureDrain } from './measure-drain.ts';
import { casesOf, type Scenario } from './scenario.ts';

export const namesScenario: Scenario = {
  id: 'names',
  title: 'Job names',
  method:
    'As the drain, with all jobs of one name, which runs 50 at once, or of 50 names in turn, each of which runs one at once. In BullMQ a name is a queue with a worker of its own.',
  rounds: 3,
  cases: casesOf(systemsOf('monque', 'agenda', 'bullmq', 'graphile'), ['1', '50']),
  figures: [
    { key: 'jobsPerSecond', label: 'jobs/s' },
    { key: 'clientUsAJob', label: 'client CPU, µs a job', digits: 1 },
    { key: 'serverUsAJob', label: 'server CPU, µs a job', digits: 1 },
  ],
  chart: 'jobsPerSecond',
  measure: ({ servers, scale }, { system, variant }) =>
    inRoom(servers, system, { nameCount: Number(variant) }, (room) =>
      measureDrain(room, { fill: Math.ceil(system.drainJobs * scale) }),
    ),
};
