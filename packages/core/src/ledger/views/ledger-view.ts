/**
 * A ledger seen through something that has its say in every verb.
 *
 * What always holds: a view is a ledger like any other and keeps nothing itself; every verb passes through what is
 * around it. What a ledger has beside the verbs concerns the ledger and not its jobs, and is the ledger's own.
 *
 * @module
 */
import { type Around, surrounded } from '../verbs/around.ts';
import { type LedgerVerb, type LedgerVerbs, VERB_ROWS } from '../verbs/verb-table.ts';

/** The same ledger, with something around its verbs. */
export function viewOf<L extends LedgerVerbs>(ledger: L, around: Around): L {
  const verbs = surrounded(ledger, around);
  return new Proxy(ledger, {
    get(target, property, view) {
      if (isVerb(property)) return verbs[property];
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      // A view of this view sees through both.
      const self = property === 'as' ? view : target;
      return (...given: unknown[]): unknown => Reflect.apply(member, self, given);
    },
  });
}

function isVerb(property: PropertyKey): property is LedgerVerb {
  return Object.hasOwn(VERB_ROWS, property);
}
