/**
 * A ledger seen through something that has its say in every verb.
 *
 * What always holds: a view is a ledger like any other and keeps nothing itself; every verb passes through what is
 * around it. What a ledger has beside the verbs concerns the ledger and not its jobs, and is the ledger's own.
 *
 * @module
 */
import {
  type LedgerVerb,
  type LedgerVerbs,
  type ParamsOf,
  type ResultOf,
  VERB_EFFECTS,
} from '../verbs/verb-table.ts';

/** Sends a verb on to the ledger behind, with the parameters that were given or others. */
export type Next<V extends LedgerVerb> = (params: ParamsOf<V>) => Promise<ResultOf<V>>;

/** Carries a verb out, or refuses it. */
export type Around = <V extends LedgerVerb>(
  verb: V,
  params: ParamsOf<V>,
  next: Next<V>,
) => Promise<ResultOf<V>>;

/** The verbs of a ledger, so that one can be called by its name. */
type Calls = { readonly [V in LedgerVerb]: Next<V> };

/** The same ledger, with something around its verbs. */
export function viewOf<L extends LedgerVerbs>(ledger: L, around: Around): L {
  return new Proxy(ledger, {
    get(target, property, view) {
      if (isVerb(property)) return verbAround(target, property, around);
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      // A view of this view sees through both.
      const self = property === 'as' ? view : target;
      return (...given: unknown[]): unknown => Reflect.apply(member, self, given);
    },
  });
}

function isVerb(property: PropertyKey): property is LedgerVerb {
  return Object.hasOwn(VERB_EFFECTS, property);
}

function verbAround<V extends LedgerVerb>(calls: Calls, verb: V, around: Around): Next<V> {
  // The verbs that need no parameters may be called without.
  return (params = {} as ParamsOf<V>) => around(verb, params, (given) => calls[verb](given));
}
