import { describe, expect, test } from 'vitest';
import { runPermits } from './permit-model.ts';
import { ALL_RULES, type PermitFault, type PermitRules } from './permit-parts.ts';

const SEEDS = Number(process.env.MONQUE_PROTOCOL_SEEDS ?? 300);

const SEEDS_PER_RULE = 2_000;

const NEEDED: readonly (readonly [keyof PermitRules, PermitFault, string])[] = [
  ['boundByFree', 'over the limit', 'everybody gets what he asks for'],
  ['numbered', 'over its share', 'a call that comes late undoes what came after it'],
  ['neverCut', 'over its share', 'a lower limit takes away what jobs stand on'],
  ['coversUse', 'over its share', 'an instance gives back what its jobs stand on'],
  ['goneAtOnce', 'over its share', 'an instance claims under what it is giving back'],
  ['writesAgain', 'over its share', 'a share is read, and a late call changes it after that'],
  ['unansweredCounts', 'over its share', 'a claim without an answer has won all the same'],
  ['usedUntilRecorded', 'over its share', 'a job is replaced while it still stands in the ledger'],
  ['rescuedFirst', 'over the limit', 'the share of a dead instance is used beside its jobs'],
  ['excessWaits', 'over the limit', 'instances claim under shares of a limit that was lowered'],
  ['oldIsNothing', 'over the limit', 'who hears nothing of a change goes on under the old limit'],
  ['usedOnce', 'too many starts', 'a claim takes its starts from none that were given'],
  ['unusedIsVoid', 'too many starts', 'starts that were given long ago are used in one go'],
];

const NONE = { 'over the limit': 0, 'over its share': 0, 'too many starts': 0, stuck: 0 };

describe('the protocol of limits', () => {
  test.each([false, true])('keeps every promise with a rate %s', (hasRate) => {
    const { claims, faults } = runPermits(ALL_RULES, { seeds: SEEDS, hasRate });
    expect(claims).toBeGreaterThan(SEEDS * 3);
    expect(faults).toEqual(NONE);
  });

  test.each(NEEDED)('without %s there is a seed with %s: %s', (rule, fault) => {
    const hasRate = fault === 'too many starts';
    const search = { seeds: SEEDS_PER_RULE, hasRate, until: fault };
    expect(runPermits({ ...ALL_RULES, [rule]: false }, search).faults[fault]).toBe(1);
  });

  test('has a second guard in what is counted after an outcome that is not known', () => {
    const { faults } = runPermits({ ...ALL_RULES, doubts: false }, { seeds: SEEDS });
    expect(faults).toEqual(NONE);
  });
});
