/**
 * What the rules of a ledger cost.
 *
 * @module
 */
import { inRoom } from '../room.ts';
import { systemsOf } from '../systems.ts';
import { measureDrain } from './measure-drain.ts';
import { casesOf, type Scenario } from './scenario.ts';

const ALL = 'all, and two of the user';

export const rulesScenario: Scenario = {
  id: 'rules',
  title: 'Rules',
  method:
    'As the drain, with the rules as they are by default, or with all of them enforced, the size of each payload among them, and two rules of the user’s that look at the data of each write.',
  rounds: 5,
  cases: casesOf(systemsOf('monque', 'monque-memory'), ['default', ALL]),
  figures: [
    { key: 'jobsPerSecond', label: 'jobs/s' },
    { key: 'clientUsAJob', label: 'client CPU, µs a job', digits: 1 },
  ],
  chart: 'jobsPerSecond',
  measure: ({ servers, scale }, { system, variant }) =>
    inRoom(servers, system, { hasRules: variant === ALL }, (room) =>
      measureDrain(room, { fill: Math.ceil(system.drainJobs * scale) }),
    ),
};
