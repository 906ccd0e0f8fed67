/**
 * The verbs that the rules have more to do with than to admit or refuse them: those that bring many writes, of which
 * some may be refused, and those whose own conditions are rules too.
 *
 * @module
 */
import { assert } from '../../foundation/errors.ts';
import type { SettleResult } from '../verbs/settle.ts';
import type { AnswerOf, LedgerVerb, Next, ParamsOf } from '../verbs/verb-table.ts';
import { reportRefusedSettlements, reportRefusedStage } from './guard-refusals.ts';
import type { Invariants } from './rules.ts';

/** One call, with what keeps it and carries it out. */
export interface RuledCall<V extends LedgerVerb> {
  readonly verb: V;
  readonly params: ParamsOf<V>;
  readonly rules: Invariants;
  readonly read: Next<'getJob'>;
  readonly next: Next<V>;
}

type Way<V extends LedgerVerb> = (call: RuledCall<V>) => Promise<AnswerOf<V>>;

const WAYS: { readonly [V in LedgerVerb]?: Way<V> } = {
  enqueue: ({ params, rules, next }) => rules.enqueue(params, next),
  settle: settleUnderRules,
  checkpoint: async ({ params, rules, read, next }) => {
    const result = await next(params);
    if (result.outcome === 'refused') await reportRefusedStage(rules, read, 'checkpoint', params);
    return result;
  },
};

/** Carries a call out, without what the rules refuse of it. */
export function underRules<V extends LedgerVerb>(call: RuledCall<V>): Promise<AnswerOf<V>> {
  const way: Way<V> | undefined = WAYS[call.verb];
  return way === undefined ? call.next(call.params) : way(call);
}

async function settleUnderRules({
  params,
  rules,
  read,
  next,
}: RuledCall<'settle'>): Promise<SettleResult> {
  const { answers, refusals } = await rules.settle(params, next);
  const { settlements } = params;
  assert(answers.length === settlements.length, 'a settlement has no answer');
  if (answers.includes('refused')) {
    const ofGuards = settlements.filter(
      (_, index) => answers[index] === 'refused' && !refusals?.has(index),
    );
    await reportRefusedSettlements(rules, read, ofGuards);
  }
  return { answers };
}
