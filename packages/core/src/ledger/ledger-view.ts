/**
 * A ledger seen through something that has its say in every verb.
 *
 * What always holds: a view is a ledger like any other and keeps nothing itself; every verb but `open`, `close` and
 * `watch` passes through its interceptor.
 *
 * @module
 */
import type { LedgerRepository } from './ledger-repository.ts';

type Method = (...given: never[]) => unknown;

type MethodOf<T> = { [Key in keyof T]: T[Key] extends Method ? Key : never }[keyof T];

/** The verbs of a ledger. */
export type LedgerVerb = Exclude<
  MethodOf<LedgerRepository>,
  'open' | 'close' | 'watch' | 'as' | 'readTime'
>;

/** One call of a verb on its way to the ledger. */
export interface ViewedCall {
  readonly verb: LedgerVerb;
  readonly params: Readonly<Record<string, unknown>>;
  /** Sends the verb on, with these parameters or others. */
  readonly send: (params: object) => Promise<unknown>;
}

/** Carries a call out, or refuses it. */
export type Intercept = (call: ViewedCall) => Promise<unknown>;

const UNVIEWED: ReadonlySet<PropertyKey> = new Set(['open', 'close', 'watch', 'readTime']);

/** The same ledger, with an interceptor before its verbs. */
export function viewOf(ledger: LedgerRepository, intercept: Intercept): LedgerRepository {
  return new Proxy(ledger, {
    get(target, property, view) {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      // A view of this view sees through both.
      if (property === 'as') return (actor: unknown) => Reflect.apply(member, view, [actor]);
      const call = (given: unknown): Promise<unknown> => Reflect.apply(member, target, [given]);
      if (UNVIEWED.has(property)) return call;
      return (params: ViewedCall['params'] = {}) =>
        intercept({ verb: property as LedgerVerb, params, send: call });
    },
  });
}
