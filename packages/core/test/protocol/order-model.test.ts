import { describe, expect, test } from 'vitest';
import { ALL_RULES, type OrderFault, type OrderRules, runOrders } from './order-model.ts';

const SEEDS = Number(process.env.MONQUE_PROTOCOL_SEEDS ?? 400);

const SEEDS_PER_RULE = 400;

const NEEDED: readonly (readonly [keyof OrderRules, OrderFault, string])[] = [
  ['compare', 'two at once', 'two claimers name a job of one lane each'],
  ['fence', 'two at once', 'a late claim takes a job that was redriven and is named no more'],
  ['redriveRaises', 'two at once', 'a late claim takes a redriven job at the fence it had'],
  ['heldUntilDone', 'out of order', 'a redriven job goes between two tries of another'],
  ['namedFirst', 'stuck', 'a redriven job and the one that is named wait for each other'],
  ['sweepCompares', 'two at once', 'a sweep forgets who was named after its look'],
  ['namedAgain', 'two at once', 'a job is claimed by the word of a lane that has gone on'],
  ['nameBeforeClaim', 'two at once', 'a claimer claims what it failed to name'],
];

describe('the protocol of orders', () => {
  test.each([false, true])('keeps every promise with halts %s', (halts) => {
    const { claims, faults } = runOrders(SEEDS, ALL_RULES, halts);
    expect(claims).toBeGreaterThan(SEEDS * 3);
    expect(faults).toEqual({
      ...{ 'two at once': 0, 'out of order': 0, 'a failed one passed': 0, stuck: 0 },
    });
  });

  test.each(NEEDED)('without %s there is a seed with %s: %s', (rule, fault) => {
    const { faults } = runOrders(SEEDS_PER_RULE, { ...ALL_RULES, [rule]: false });
    expect(faults[fault]).toBeGreaterThan(0);
  });
});
