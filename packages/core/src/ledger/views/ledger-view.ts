/**
 * A ledger seen through something that has its say in every verb.
 *
 * What always holds: a view is a ledger like any other and keeps nothing itself; every verb passes through its
 * interceptor, but those that concern the ledger and not its jobs.
 *
 * @module
 */
import type { LedgerRepository } from '../ledger-repository.ts';

type Method = (...given: never[]) => unknown;

type MethodOf<T> = { [Key in keyof T]: T[Key] extends Method ? Key : never }[keyof T];

/** The verbs of a ledger. */
export type LedgerVerb = Exclude<MethodOf<LedgerRepository>, 'as' | Unviewed>;

/** One call of a verb on its way to the ledger. */
export interface ViewedCall {
  readonly verb: LedgerVerb;
  readonly params: Readonly<Record<string, unknown>>;
  /** Sends the verb on, with these parameters or others. */
  readonly send: (params: object) => Promise<unknown>;
}

/** Carries a call out, or refuses it. */
export type Intercept = (call: ViewedCall) => Promise<unknown>;

/** What asks nothing of the jobs in a ledger. */
type Unviewed =
  | 'open'
  | 'close'
  | 'watch'
  | 'readTime'
  | 'health'
  | 'metrics'
  | 'observe'
  | 'onViolation'
  | 'useInvariants'
  | 'inspectJob';

const UNVIEWED: readonly Unviewed[] = [
  ...(['open', 'close', 'watch', 'readTime', 'health', 'metrics', 'observe'] as const),
  ...(['onViolation', 'useInvariants', 'inspectJob'] as const),
];

/** The same ledger, with an interceptor before its verbs. */
export function viewOf(ledger: LedgerRepository, intercept: Intercept): LedgerRepository {
  return new Proxy(ledger, {
    get(target, property, view) {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      // A view of this view sees through both.
      if (property === 'as') return (actor: unknown) => Reflect.apply(member, view, [actor]);
      const call = (...given: unknown[]): Promise<unknown> => Reflect.apply(member, target, given);
      if ((UNVIEWED as readonly PropertyKey[]).includes(property)) return call;
      return (params: ViewedCall['params'] = {}) =>
        intercept({ verb: property as LedgerVerb, params, send: call });
    },
  });
}
