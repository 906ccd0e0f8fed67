/**
 * A short queue and a very long one.
 *
 * @module
 */
import { inRoom } from '../room.ts';
import { systemsOf } from '../systems.ts';
import { measureDrain } from './measure-drain.ts';
import { casesOf, type Scenario } from './scenario.ts';

const TARGET = 10_000;
const LOOP_TARGET = 2_000;

export const backlogScenario: Scenario = {
  id: 'backlog',
  title: 'Backlog',
  method:
    'The first 10,000 jobs (2,000 of the loop) of a queue of 10,000 and of one of 1,000,000 are worked off, after the whole queue was filled with the documents or rows of the system.',
  rounds: 3,
  cases: casesOf(systemsOf('monque', 'loop'), ['10,000', '1,000,000']),
  figures: [
    { key: 'jobsPerSecond', label: 'jobs/s' },
    { key: 'clientUsAJob', label: 'client CPU, µs a job', digits: 1 },
    { key: 'serverUsAJob', label: 'server CPU, µs a job', digits: 1 },
  ],
  chart: 'jobsPerSecond',
  measure: ({ servers, scale }, { system, variant }) =>
    inRoom(servers, system, {}, (room) => {
      const fill = Math.ceil(Number(variant.replaceAll(',', '')) * scale);
      const target = Math.ceil((system.id === 'loop' ? LOOP_TARGET : TARGET) * scale);
      return measureDrain(room, { fill, target });
    }),
};
