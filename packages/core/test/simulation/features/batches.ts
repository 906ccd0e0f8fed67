/** Jobs that one handler is given several at a time. */
import { batchRule } from '../rules/batch-rules.ts';
import { BATCHED_NAME } from './batch-work.ts';
import { drawRunOptions, drawTask, type Entry, planCalls } from './one-off-jobs.ts';
import type { Feature } from './users.ts';

const FIRST_NUMBER = 20_000_000;
const MOST_ENTRIES = 6;
const LONGEST_RUN_MS = 300;

/** Batches. */
export const batches: Feature = {
  plan(users) {
    const { chance, profile } = users;
    const draw = (index: number): Entry => {
      const drawn = drawTask(users, FIRST_NUMBER + index);
      const data = { ...drawn, runMs: Math.min(drawn.runMs, LONGEST_RUN_MS) };
      return { name: BATCHED_NAME, data, options: drawRunOptions(chance) };
    };
    planCalls(users, { jobs: profile.batchedJobs, most: MOST_ENTRIES, draw });
  },
  rules: [batchRule],
};
