/**
 * Several processes on one queue.
 *
 * @module
 */
import { inRoom } from '../room.ts';
import { systemsOf } from '../systems.ts';
import { measureDrain } from './measure-drain.ts';
import { casesOf, type Scenario } from './scenario.ts';

/** Of the jobs of a drain, for each process. */
const PART_A_PROCESS = 0.5;
const LONGEST_MS = 60_000;

const PROCESSES = ['1', '2', '4', '8'];

export const processesScenario: Scenario = {
  id: 'processes',
  title: 'Processes on one queue',
  method:
    'As the drain, by 1, 2, 4 and 8 processes that start together, each with 50 jobs at once. There are half as many jobs as in the drain for each process: what a process takes until its code is compiled then weighs alike, however many there are. An attempt is the id of one job sent in order to claim it; attempts per won job tell how much processes get in each other’s way. Counting them costs some time, so rates are lower than those of the drain. All processes share the processors of one machine with the server.',
  rounds: 3,
  cases: casesOf(systemsOf('monque', 'bullmq', 'graphile'), PROCESSES),
  figures: [
    { key: 'jobsPerSecond', label: 'jobs/s' },
    { key: 'claimAttemptsAJob', label: 'attempts per won job', digits: 2 },
    { key: 'clientUsAJob', label: 'client CPU, µs a job', digits: 1 },
    { key: 'serverUsAJob', label: 'server CPU, µs a job', digits: 1 },
  ],
  chart: 'jobsPerSecond',
  measure: ({ servers, scale }, { system, variant }) =>
    inRoom(servers, system, { isCounted: system.id === 'monque' }, (room) =>
      measureDrain(room, {
        fill: Math.ceil(system.drainJobs * PART_A_PROCESS * scale) * Number(variant),
        processes: Number(variant),
        longestMs: LONGEST_MS,
      }),
    ),
};
