/** Jobs of groups with a limit of their own, which is changed, and groups that are paused for a while. */
import type { Monque } from '../../../src/index.ts';
import { groupPauseRule, groupRateRule, groupRule } from '../rules/group-rules.ts';
import { starvingRule, turnRule } from '../rules/turn-rules.ts';
import { drawRunOptions, drawTask, type Entry, planCalls } from './one-off-jobs.ts';
import { type Feature, GROUPED_NAME, LAST_WORDS_MS, pickHost, type Users } from './users.ts';

const GROUPS = ['a', 'b', 'c', 'd'];

/** The groups whose settings are changed; the others keep the limit of all. */
const CHANGED = ['c', 'd'];

/** The one that has a rate from the beginning. */
const RATED = 'b';
const RATE = { limit: 2, per: 1_000, burst: 2 };

const FIRST_NUMBER = 5_000_000;
const LONGEST_PAUSE_MS = 3_000;
const AGAIN_AFTER_MS = 200;
const MOST_ENTRIES = 4;
const MOST_CHANGES = 6;
const MOST_CHANGES_OF_FREE = 20;

/** Groups. */
export const groups: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    const draw = (index: number): Entry => ({
      name: GROUPED_NAME,
      data: drawTask(users, FIRST_NUMBER + index),
      options: { group: chance.pick(GROUPS), ...drawRunOptions(chance) },
    });
    planCalls(users, { jobs: profile.groupedJobs, most: MOST_ENTRIES, draw });
    if (profile.groupedJobs > 0) void setForGood(users, RATED, { rate: RATE });
    const most = profile.hasFreeGroups ? MOST_CHANGES_OF_FREE : MOST_CHANGES;
    const changes = profile.groupedJobs === 0 ? 0 : chance.between(0, most);
    for (let count = 0; count < changes; count += 1) {
      const group = chance.pick(CHANGED);
      const concurrency = chance.between(1, 3);
      const fromMs = chance.fraction() * profile.faultyMs;
      const untilMs = Math.min(fromMs + chance.between(100, LONGEST_PAUSE_MS), profile.faultyMs);
      const isPause = chance.happens(0.4);
      const isTaken = profile.hasFreeGroups && chance.happens(0.4);
      const settings = isPause ? { paused: true } : { concurrency: isTaken ? null : concurrency };
      world.in(fromMs, () => void set(users, group, settings));
      if (isPause) world.in(untilMs, () => void set(users, group, { paused: false }));
    }
    if (changes === 0) return;
    for (const group of CHANGED) {
      world.in(
        profile.faultyMs + LAST_WORDS_MS,
        () => void setForGood(users, group, { paused: false }),
      );
    }
  },
  rules: [groupRule, groupPauseRule, groupRateRule, turnRule, starvingRule],
};

type Settings = Parameters<Monque['setGroup']>[2];

/** False when it is not known to have been done. */
async function set(users: Users, group: string, settings: Settings): Promise<boolean> {
  const host = pickHost(users);
  if (host === undefined) return false;
  try {
    await host.call((monque) => monque.setGroup(GROUPED_NAME, group, settings));
    return true;
  } catch {
    return false;
  }
}

async function setForGood(users: Users, group: string, settings: Settings): Promise<void> {
  if (await set(users, group, settings)) return;
  users.world.in(AGAIN_AFTER_MS, () => void setForGood(users, group, settings));
}
