/**
 * What stands before the verbs of a ledger, and how a ledger is put together from parts.
 *
 * @module
 */
import { assert } from '../../foundation/errors.ts';
import {
  type AnswerOf,
  LEDGER_VERBS,
  type LedgerVerb,
  type LedgerVerbs,
  type Next,
  type ParamsOf,
} from './verb-table.ts';

/** Carries a verb out, or refuses it. */
export type Around = <V extends LedgerVerb>(
  verb: V,
  params: ParamsOf<V>,
  next: Next<V>,
) => Promise<AnswerOf<V>>;

/** The verbs of a ledger, so that one can be called by its name. */
export type Calls = { readonly [V in LedgerVerb]: Next<V> };

/** The same verbs, with something around each of them. */
export function surrounded(verbs: LedgerVerbs, around: Around): LedgerVerbs {
  const pairs = LEDGER_VERBS.map((verb) => [verb, surroundedVerb(verbs, verb, around)]);
  return Object.fromEntries(pairs) as LedgerVerbs;
}

function surroundedVerb<V extends LedgerVerb>(calls: Calls, verb: V, around: Around): Next<V> {
  // The verbs that need no parameters may be called without.
  return (params = {} as ParamsOf<V>) => around(verb, params, (given) => calls[verb](given));
}

/** The verbs that each of some parts has, taken together. */
type Gathered<Part> = (
  Part extends unknown
    ? (verbs: Pick<Part, keyof Part & LedgerVerb>) => void
    : never
) extends (verbs: infer All) => void
  ? All
  : never;

/**
 * The verbs of some parts as one object, such as one part for each family. What else the parts have is left out.
 *
 * @throws MonqueError when two parts have a verb of one name
 */
export function gathered<Parts extends readonly object[]>(
  ...parts: Parts
): Gathered<Parts[number]> {
  const verbs = new Map<LedgerVerb, (params: unknown) => unknown>();
  for (const part of parts) {
    for (const verb of LEDGER_VERBS.filter((name) => name in part)) {
      assert(!verbs.has(verb), `two parts of the ledger have a verb ${verb}`);
      const method: unknown = Reflect.get(part, verb);
      verbs.set(verb, (params) => Reflect.apply(method as () => unknown, part, [params]));
    }
  }
  return Object.fromEntries(verbs) as Gathered<Parts[number]>;
}
