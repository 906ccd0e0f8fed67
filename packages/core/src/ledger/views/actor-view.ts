/**
 * Who may do what: a ledger bound to an actor, and the hook that is asked before each verb.
 *
 * What always holds: a verb that concerns jobs is asked for with the name of each of them, whether it is given names,
 * ids or a filter; a verb of which that is not known, or that concerns all names, is asked for without a name; and what
 * is refused was not carried out. It guards the code paths that go through the view, and is no boundary inside a
 * process: whoever has the ledger itself can do everything.
 *
 * @module
 */
import { text } from '../../foundation/argument-checks.ts';
import { AccessDeniedError } from '../../foundation/errors.ts';
import type { ManualAct } from '../verbs/call.ts';
import type { Concern } from '../verbs/concerns.ts';
import {
  type AnswerOf,
  type LedgerVerb,
  type LedgerVerbs,
  type Next,
  type ParamsOf,
  VERB_ROWS,
} from '../verbs/verb-table.ts';
import { viewOf } from './ledger-view.ts';

/** Who acts: an id, or an object with one and whatever else the hook decides by. */
export type Actor = string | { readonly id: string };

/** One question to the hook. */
export interface AccessQuestion {
  readonly actor: Actor;
  /** The verb of the ledger, such as `cancel`, `redrive` or `findJobs`. */
  readonly verb: LedgerVerb;
  /** The name of the jobs it concerns; absent when it concerns all names, or none. */
  readonly name?: string;
  /** Why, where the caller said it. */
  readonly reason?: string;
}

/** Decides who may do what. */
export interface Access {
  /** True when the actor may; anything else refuses. What it throws goes to the caller. */
  readonly may: (question: AccessQuestion) => boolean | Promise<boolean>;
}

/** The hook, and who is notified of refusals. */
export interface Guard extends Access {
  readonly onDenied?: (error: AccessDeniedError) => void;
}

/** What everybody may for whom nothing else was said: all of it. */
export const OPEN_ACCESS: Access = Object.freeze({ may: () => true });

const LONGEST_ID = 256;

/** Checks who is to act: an id of 1 to 256 characters, or an object with one. */
export function checkActor(field: string, actor: Actor): Actor {
  const isObject = typeof actor === 'object' && actor !== null;
  text(LONGEST_ID)(isObject ? `${field}.id` : field, isObject ? actor.id : actor);
  return actor;
}

/** The id of an actor. */
function idOf(actor: Actor): string {
  return typeof actor === 'string' ? actor : actor.id;
}

/** What the hook says. Nobody is notified of a refusal. */
export async function isAllowed(access: Access, question: AccessQuestion): Promise<boolean> {
  return (await access.may(question)) === true;
}

/** A ledger as an actor sees it: the hook is asked before each verb, and what is done manually bears the actor's id. */
export function boundTo<L extends LedgerVerbs>(ledger: L, actor: Actor, guard: Guard): L {
  const ask = async (verb: LedgerVerb, name?: string, reason?: string): Promise<void> => {
    const question: AccessQuestion = {
      ...{ actor, verb },
      ...(name !== undefined && { name }),
      ...(reason !== undefined && { reason }),
    };
    if (await isAllowed(guard, question)) return;
    const error = new AccessDeniedError(idOf(actor), verb, name);
    guard.onDenied?.(error);
    throw error;
  };
  const askFirst = async <V extends LedgerVerb>(
    verb: V,
    params: ParamsOf<V>,
    next: Next<V>,
  ): Promise<AnswerOf<V>> => {
    const { reason } = params as ManualAct;
    for (const name of await namesIn(ledger, VERB_ROWS[verb].concerns(params)))
      await ask(verb, name, reason);
    return next({ ...params, by: idOf(actor) });
  };
  return viewOf(ledger, askFirst);
}

/** The names to ask for, each once; undefined stands for all of them. Nothing a caller adds hides a job. */
async function namesIn(
  ledger: LedgerVerbs,
  concern: Concern,
): Promise<ReadonlySet<string | undefined>> {
  if (concern === 'nothing') return new Set();
  if (concern === 'all') return new Set([undefined]);
  const { names = [], jobIds = [] } = concern;
  const found = await Promise.all(jobIds.map((jobId) => ledger.getJob({ jobId, archived: true })));
  // What is not known is not told apart from what belongs to a name that the actor may not see.
  return new Set([...names, ...found.map((job) => job?.name)]);
}
