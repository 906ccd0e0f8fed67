import { describe, expect, test } from 'vitest';
import { ALL_RULES, type FlowFault, type FlowRules, runFlows } from './flow-model.ts';

const SEEDS = Number(process.env.MONQUE_PROTOCOL_SEEDS ?? 400);

const SEEDS_PER_RULE = 400;

const NEEDED: readonly (readonly [keyof FlowRules, FlowFault, string])[] = [
  ['marker', 'half a flow ran', 'a root starts before the others are stored'],
  ['compare', 'half a flow ran', 'a flow that was given up is called stored'],
  ['sweep', 'stuck', 'who ended the last parent died before it looked at the children'],
  ['fence', 'wrongly failed', 'a late word of a failed parent meets a job that was redriven'],
  ['redriveWaits', 'early', 'a job that failed with its parent is redriven before it'],
  ['childrenFirst', 'early', 'a failed parent leaves, and its child is waiting for nobody'],
  ['addedHolds', 'early', 'a child starts while what its parent added is still to be done'],
];

describe('the protocol of flows', () => {
  test('keeps every promise', () => {
    const { claims, faults } = runFlows(SEEDS, ALL_RULES);
    expect(claims).toBeGreaterThan(SEEDS * 3);
    expect(faults).toEqual({ early: 0, 'half a flow ran': 0, 'wrongly failed': 0, stuck: 0 });
  });

  test.each(NEEDED)('without %s there is a seed with %s: %s', (rule, fault) => {
    const { faults } = runFlows(SEEDS_PER_RULE, { ...ALL_RULES, [rule]: false });
    expect(faults[fault]).toBeGreaterThan(0);
  });
});
