import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadSimulation } from './bundle.ts';
import { GUARDS } from './guards.ts';
import { BEFORE_LATER_FEATURES } from './profile.ts';

const SEEDS_A_GUARD = 200;
const DIRECTORY = fileURLToPath(new URL('.', import.meta.url));

describe('Without a guard', () => {
  const needed = GUARDS.filter(({ secondOf }) => secondOf === undefined);

  for (const { name, without, alterations, rules, profile = {}, seed: first } of needed) {
    it(`${without} (${name})`, { timeout: 300_000 }, async () => {
      const simulation = await loadSimulation(DIRECTORY, alterations);
      for (let seed = first; seed < first + SEEDS_A_GUARD; seed += 1) {
        const { violations } = await simulation.runSeed(seed, {
          profile: { ...BEFORE_LATER_FEATURES, ...profile },
        });
        if (violations.some(({ rule }) => rules.includes(rule))) return;
      }
      expect.fail(`No seed of ${SEEDS_A_GUARD} from ${first} on breaks ${rules.join(' or ')}`);
    });
  }

  it('that is the second of two, nothing happens that is not allowed', async () => {
    const doubled = GUARDS.filter(({ secondOf }) => secondOf !== undefined);
    for (const { alterations } of doubled) {
      const simulation = await loadSimulation(DIRECTORY, alterations);
      expect((await simulation.runSeed(1, { profile: BEFORE_LATER_FEATURES })).violations).toEqual(
        [],
      );
    }
  });
});
