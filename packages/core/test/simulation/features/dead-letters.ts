/** Jobs that failed for good and wait under another name, where some are run and some are redriven. */
import type { Host } from '../host.ts';
import { deadLetterRule } from '../rules/dead-letter-rules.ts';
import { type Feature, pickHost, type Users } from './users.ts';

/** Dead letters. */
export const deadLetters: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    for (let count = 0; count < profile.deadLetters; count += 1) {
      world.in(chance.fraction() * profile.faultyMs, () => {
        const host = pickHost(users);
        // That it is none any more, or was not answered, is for the caller to know.
        if (host !== undefined) void redriveOne(users, host)?.catch(() => undefined);
      });
    }
  },
  rules: [deadLetterRule],
};

/** One of those that are known, when there is one. */
function redriveOne({ observer, chance }: Users, host: Host): Promise<unknown> | undefined {
  const letters = [...observer.facts.jobs.values()].filter(({ source }) => source !== undefined);
  if (letters.length === 0) return undefined;
  const { _id } = chance.pick(letters);
  return host.call((monque) => monque.redriveDeadLetter(_id));
}
