import { describe, expect, test } from 'vitest';
import { ALL_RULES, type GroupFault, type GroupRules, runGroups } from './group-model.ts';

const SEEDS = Number(process.env.MONQUE_PROTOCOL_SEEDS ?? 600);

const SEEDS_PER_RULE = 2_000;

const NEEDED: readonly (readonly [keyof GroupRules, GroupFault, string])[] = [
  ['compare', 'over the limit', 'two claimers take the same place'],
  ['fence', 'over the limit', 'a late claim takes a job that is named no more'],
  ['redriveRaises', 'over the limit', 'a late claim takes a redriven job at the fence it had'],
  ['amendRaises', 'stuck', 'a job that was put off keeps its place'],
  ['waitingHolds', 'over the limit', 'a place is given away before the claim arrives'],
  ['oneFence', 'stuck', 'a job that waits for its retry keeps its place'],
  ['namedFirst', 'stuck', 'a job that is named and one that is more urgent wait for each other'],
  ['nameBeforeClaim', 'over the limit', 'a claimer claims what it failed to name'],
  ['sweepCompares', 'over the limit', 'a sweep forgets who was named after its look'],
  ['limitChangesLane', 'a limit was lost', 'a sweep forgets a limit that was set after its look'],
];

describe('the protocol of groups', () => {
  test('keeps every promise', () => {
    const { claims, faults } = runGroups(SEEDS, ALL_RULES);
    expect(claims).toBeGreaterThan(SEEDS * 3);
    expect(faults).toEqual({ 'over the limit': 0, 'a limit was lost': 0, stuck: 0 });
  });

  test.each(NEEDED)('without %s there is a seed with %s: %s', (rule, fault) => {
    const { faults } = runGroups(SEEDS_PER_RULE, { ...ALL_RULES, [rule]: false });
    expect(faults[fault]).toBeGreaterThan(0);
  });
});
