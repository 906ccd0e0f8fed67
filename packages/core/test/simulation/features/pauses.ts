/** Names that are paused and resumed while jobs of them are claimed and run. */
import { pauseRule } from '../rules/pause-rules.ts';
import { type Feature, JOB_NAMES, LAST_WORDS_MS, pickHost, type Users } from './users.ts';

const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 6_000;
const AGAIN_AFTER_MS = 200;

/** Pauses of names. */
export const pauses: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    for (let count = 0; count < profile.pausedNames; count += 1) {
      const name = chance.pick(JOB_NAMES);
      const fromMs = chance.fraction() * profile.faultyMs;
      const lastsMs = chance.between(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS);
      world.in(fromMs, () => void setPaused(users, name, true));
      world.in(Math.min(fromMs + lastsMs, profile.faultyMs), () => {
        void setPaused(users, name, false);
      });
      // Nothing of an earlier call can come after this one.
      world.in(profile.faultyMs + LAST_WORDS_MS, () => resumeForGood(users, name));
    }
  },
  rules: [pauseRule],
};

/** False when it is not known to have been done. */
async function setPaused(users: Users, name: string, paused: boolean): Promise<boolean> {
  const host = pickHost(users);
  if (host === undefined) return false;
  try {
    await host.call((monque) => (paused ? monque.pause(name) : monque.resume(name)));
    return true;
  } catch {
    return false;
  }
}

function resumeForGood(users: Users, name: string): void {
  void setPaused(users, name, false);
  users.world.in(AGAIN_AFTER_MS, () => {
    if (users.observer.facts.pausedSinceMs.has(name)) resumeForGood(users, name);
  });
}
