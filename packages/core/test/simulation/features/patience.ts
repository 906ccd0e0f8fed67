/** Jobs of a worker with patience: crowds of them come at once, and those that are not urgent would wait for long. */
import { patienceRule } from '../rules/patience-rules.ts';
import { drawRunOptions, drawTask, type Entry, submit } from './one-off-jobs.ts';
import { type Feature, PATIENT_NAME, pickHost } from './users.ts';

const FIRST_NUMBER = 30_000_000;
const LARGEST_CROWD = 20;
const LONGEST_RUN_MS = 400;

/** Patience. */
export const patience: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    for (let count = 0; count < profile.patientJobs; ) {
      const size = Math.min(chance.between(1, LARGEST_CROWD), profile.patientJobs - count);
      const first = FIRST_NUMBER + count;
      const entries = Array.from({ length: size }, (_, index): Entry => {
        const drawn = drawTask(users, first + index);
        const runMs = Math.min(drawn.runMs + chance.between(0, LONGEST_RUN_MS), LONGEST_RUN_MS);
        const priority = chance.happens(0.6) ? -1 : chance.between(0, 3);
        const options = { ...drawRunOptions(chance), priority };
        return { name: PATIENT_NAME, data: { ...drawn, runMs }, options };
      });
      world.in(chance.fraction() * profile.faultyMs, () => {
        const host = pickHost(users);
        if (host !== undefined) submit(users, host, entries);
      });
      count += size;
    }
  },
  rules: [patienceRule],
};
