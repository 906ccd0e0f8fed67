/** Jobs of which only the newest matters: the one that runs is cancelled for it, or left to finish. */
import { newestRule, supersedeRule } from '../rules/supersede-rules.ts';
import { drawTask, submit } from './one-off-jobs.ts';
import { type Feature, pickHost, SUPERSEDING_NAME } from './users.ts';

const FIRST_NUMBER = 6_000_000;
const KEYS = ['a', 'b', 'c'];
/** Long beside the time between two polls, so that one that is not asked to cancel goes on. */
const SHORTEST_RUN_MS = 8_000;
const LONGEST_RUN_MS = 15_000;

/** Jobs that supersede others. */
export const superseding: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    for (let index = 0; index < profile.superseding; index += 1) {
      const drawn = drawTask(users, FIRST_NUMBER + index);
      const isLong = chance.happens(0.6);
      const runMs = isLong ? chance.between(SHORTEST_RUN_MS, LONGEST_RUN_MS) : drawn.runMs;
      const task = { ...drawn, runMs, ...(isLong && { heedsSignal: true }) };
      const running = chance.happens(0.7) ? ('cancel' as const) : ('finish' as const);
      const options = { supersede: { key: chance.pick(KEYS), running } };
      world.in(chance.fraction() * profile.faultyMs, () => {
        const host = pickHost(users);
        if (host) submit(users, host, [{ name: SUPERSEDING_NAME, data: task, options }]);
      });
    }
  },
  rules: [supersedeRule, newestRule],
};
