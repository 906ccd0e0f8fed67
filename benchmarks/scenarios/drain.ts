/**
 * How fast a full queue is worked off.
 *
 * @module
 */
import { inRoom } from '../room.ts';
import { SYSTEMS } from '../systems.ts';
import { measureDrain } from './measure-drain.ts';
import { casesOf, type Scenario } from './scenario.ts';

export const drainScenario: Scenario = {
  id: 'drain',
  title: 'Drain of a full queue',
  method:
    'A queue is filled with jobs that do nothing, then one process works it off, 50 jobs at once where that can be set. The time runs from the start of the worker until the end of the last job is recorded in the database; slow systems are stopped after 15 seconds and their jobs counted. The times of processors are those of the worker process and of all processes of the server.',
  rounds: 3,
  cases: casesOf(SYSTEMS),
  figures: [
    { key: 'jobsPerSecond', label: 'jobs/s' },
    { key: 'clientUsAJob', label: 'client CPU, µs a job', digits: 1 },
    { key: 'serverUsAJob', label: 'server CPU, µs a job', digits: 1 },
  ],
  chart: 'jobsPerSecond',
  baseline: 'loop',
  measure: ({ servers, scale }, { system }) =>
    inRoom(servers, system, {}, (room) =>
      measureDrain(room, { fill: Math.ceil(system.drainJobs * scale) }),
    ),
};
