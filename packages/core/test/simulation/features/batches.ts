/** Jobs that one handler is given several at a time. */
import { batchRule } from '../rules/batch-rules.ts';
import { BATCHED_NAME } from './batch-work.ts';
import { drawRunOptions, drawTask, submit } from './one-off-jobs.ts';
import { type Feature, pickHost } from './users.ts';

const FIRST_NUMBER = 20_000_000;
const MOST_ENTRIES = 6;
const LONGEST_RUN_MS = 300;

/** Batches. */
export const batches: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    for (let count = 0; count < profile.batchedJobs; ) {
      const size = Math.min(chance.between(1, MOST_ENTRIES), profile.batchedJobs - count);
      const entries = Array.from({ length: size }, (_, index) => {
        const drawn = drawTask(users, FIRST_NUMBER + count + index);
        const data = { ...drawn, runMs: Math.min(drawn.runMs, LONGEST_RUN_MS) };
        return { name: BATCHED_NAME, data, options: drawRunOptions(chance) };
      });
      world.in(chance.fraction() * profile.faultyMs, () => {
        const host = pickHost(users);
        if (host !== undefined) submit(users, host, entries);
      });
      count += size;
    }
  },
  rules: [batchRule],
};
