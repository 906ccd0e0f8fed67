/**
 * What must happen without a guard. The guards are in several files, so that several processes look for it.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadSimulation } from '../bundle.ts';
import type { Guard } from '../guards.ts';
import { BEFORE_LATER_FEATURES } from '../profile.ts';

const SEEDS_A_GUARD = 200;
const DIRECTORY = fileURLToPath(new URL('..', import.meta.url));

/** A test for each guard: without it a rule is broken, or nothing happens because another one suffices. */
export function describeGuards(guards: readonly Guard[]): void {
  // The stacks of the errors that are made on purpose cost more than what is looked for.
  Error.stackTraceLimit = 0;

  describe('Without a guard', () => {
    for (const { name, without, alterations, rules, profile, seed: first, secondOf } of guards) {
      const load = async () => {
        const simulation = await loadSimulation(DIRECTORY, alterations);
        const given = { profile: { ...BEFORE_LATER_FEATURES, ...profile } };
        return async (seed: number): Promise<readonly string[]> =>
          (await simulation.runSeed(seed, given)).violations.map(({ rule }) => rule);
      };

      if (secondOf !== undefined) {
        it(`that is the second of two, nothing happens that is not allowed (${name})`, async () => {
          const run = await load();
          expect(await run(1)).toEqual([]);
        });
        continue;
      }

      it(`${without} (${name})`, { timeout: 300_000 }, async () => {
        const run = await load();
        for (let seed = first; seed < first + SEEDS_A_GUARD; seed += 1) {
          const broken = await run(seed);
          if (!broken.some((rule) => rules.includes(rule))) continue;
          if (seed !== first) console.log(`${name}: seed ${seed} finds it, not ${first}`);
          return;
        }
        expect.fail(`No seed of ${SEEDS_A_GUARD} from ${first} on breaks ${rules.join(' or ')}`);
      });
    }
  });
}
