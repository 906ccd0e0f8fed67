/**
 * The means to make a table of states and transitions of any record; `job-lifecycle.ts` holds the one of a job.
 *
 * A row names the states a verb starts from, the state it leads to, the conditions beside the state, and the fields
 * it writes. Conditions and effects are data, not code: the MongoDB filters and updates, the predicates of the
 * in-memory ledger, the generated tests and the diagram in `docs/state-machine.md` are all derived from the rows, so
 * none of them can say anything else.
 *
 * @module
 */
import { MonqueError } from '../foundation/errors.ts';
import { isDate } from '../foundation/kinds.ts';
import { storedList } from './stored-lists.ts';

/** Where a record goes that leaves the ledger. */
export const GONE = 'gone';

/** Where a verb leads that changes a record and leaves it in the state it is in. */
export const STAYS = 'stays';

/**
 * A condition on one field of the stored record, beside its state; `to` names the parameter it is compared with.
 * `same` holds as well when the field is absent and the parameter is not given.
 *
 * Of a list of things that have names: `lists` is true when it holds just these names in this order, `includes` when it
 * holds all of them, `lacks` when it does not hold the one. The first two bind nothing when the parameter is not given.
 */
export type Condition =
  | {
      readonly field: string;
      readonly is: 'equal' | 'same' | 'differs' | 'atMost' | 'atLeast' | 'below';
      readonly to: string;
    }
  | { readonly field: string; readonly is: 'lists' | 'includes' | 'lacks'; readonly to: string }
  | { readonly field: string; readonly is: 'absent' }
  | { readonly field: string; readonly is: 'present' };

/**
 * One verb. A number field that is absent counts as zero in `below`, `atLeast` and `increment`.
 *
 * @typeParam State - the states of the lifecycle
 */
export interface TransitionRow<State extends string> {
  /** The states it is allowed from; none for the verb that makes a record. */
  readonly from: readonly State[];
  /** The state it leads to. */
  readonly to: State | typeof GONE | typeof STAYS;
  /** All must hold beside the state. */
  readonly guards?: readonly Condition[];
  /** Fields set to a parameter: field name to parameter name. A parameter that is not given leaves its field alone. */
  readonly set?: Readonly<Record<string, string>>;
  /** Fields set to a parameter, or removed when the parameter is not given. */
  readonly replace?: Readonly<Record<string, string>>;
  /** Fields set to zero. */
  readonly reset?: readonly string[];
  /** Lists that a parameter, itself a list, is appended to; of a longer list the newest items stay. */
  readonly append?: Readonly<Record<string, Appended>>;
  /** Fields raised by one. */
  readonly increment?: readonly string[];
  /** Fields removed; none of those that the row writes. */
  readonly clear?: readonly string[];
}

/** What is appended to a list. */
export interface Appended {
  /** The parameter that holds the new items; nothing is appended when it is not given. */
  readonly from: string;
  /** How many items the list keeps. */
  readonly most: number;
}

/** What the conditions and effects of a row refer to, by name. */
export type TransitionParams = Readonly<Record<string, unknown>>;

/** A record as a lifecycle needs it: its state; its other fields are those that the rows name. */
export interface LifecycleRecord<State extends string> {
  readonly status: State;
}

/** A table of states and verbs with what can be asked of it. Made by {@link defineLifecycle}. */
export interface Lifecycle<State extends string, Verb extends string> {
  readonly states: readonly State[];
  readonly initial: State;
  readonly terminal: readonly State[];
  readonly transitions: Readonly<Record<Verb, TransitionRow<State>>>;
  readonly verbs: readonly Verb[];
  /** True when the verb is allowed from the state, its guards aside. */
  allowsFrom(verb: Verb, state: State): boolean;
  /** True when the verb applies to the record: its state and every guard. */
  applies(verb: Verb, record: LifecycleRecord<State>, params: TransitionParams): boolean;
  /** The record after the verb; the caller has checked that it applies, and that it does not lead to gone. */
  apply<R extends LifecycleRecord<State>>(verb: Verb, record: R, params: TransitionParams): R;
}

/** What {@link defineLifecycle} is given. */
export interface LifecycleDefinition<State extends string, Verb extends string> {
  readonly states: readonly State[];
  /** The state in which records are made. */
  readonly initial: NoInfer<State>;
  /** The states in which the work is over. */
  readonly terminal: readonly NoInfer<State>[];
  readonly transitions: Readonly<Record<Verb, TransitionRow<NoInfer<State>>>>;
}

/**
 * Makes a lifecycle from its table.
 *
 * The records are the caller's: they need a field `status`, and the fields that the rows name. Nothing is kept or sent;
 * ask `applies` before `apply`, and read and write the record in one step where others may change it as well.
 *
 * @throws MonqueError with code `INVALID_LIFECYCLE` when a row names a state that is not declared, or a declared state
 * can never be reached from the initial one.
 */
export function defineLifecycle<const State extends string, const Verb extends string>(
  definition: LifecycleDefinition<State, Verb>,
): Lifecycle<State, Verb> {
  checkDefinition(definition);
  const { transitions } = definition;
  const allowsFrom = (verb: Verb, state: State): boolean => transitions[verb].from.includes(state);
  const verbs = Object.keys(transitions) as Verb[];
  const effects = Object.fromEntries(
    verbs.map((verb) => [verb, effectsOf(transitions[verb])]),
  ) as Record<Verb, Effects>;
  return Object.freeze({
    ...definition,
    verbs,
    allowsFrom,
    applies: (verb: Verb, record: LifecycleRecord<State>, params: TransitionParams) =>
      allowsFrom(verb, record.status) &&
      (transitions[verb].guards ?? []).every((guard) => holds(guard, fieldsOf(record), params)),
    apply: <R extends LifecycleRecord<State>>(verb: Verb, record: R, params: TransitionParams) =>
      withEffects(effects[verb], record, params),
  });
}

function checkDefinition<State extends string, Verb extends string>({
  states,
  initial,
  terminal,
  transitions,
}: LifecycleDefinition<State, Verb>): void {
  const rows = Object.values<TransitionRow<State>>(transitions);
  const named = [initial, ...terminal, ...rows.flatMap((row) => [...row.from, row.to])];
  const known: readonly string[] = [...states, GONE, STAYS];
  const unknown = named.filter((state) => !known.includes(state));
  const reached = reachedStates(initial, rows);
  const unreached = states.filter((state) => !reached.has(state));
  if (unknown.length > 0 || unreached.length > 0) {
    throw new MonqueError(
      'INVALID_LIFECYCLE',
      `Expected every state to be declared and reached, got undeclared: ${unknown.join(', ') || 'none'}; never reached: ${unreached.join(', ') || 'none'}`,
    );
  }
}

/** The states in which records are made, and all that can follow from them. */
function reachedStates(
  initial: string,
  rows: readonly TransitionRow<string>[],
): ReadonlySet<string> {
  const reached = new Set([initial]);
  const next = (): TransitionRow<string> | undefined =>
    rows.find(
      ({ from, to }) =>
        !reached.has(to) && (from.length === 0 || from.some((state) => reached.has(state))),
    );
  for (let row = next(); row !== undefined; row = next()) reached.add(row.to);
  return reached;
}

/** An interface has no index signature, so its fields cannot be read by name otherwise. */
function fieldsOf(record: object): TransitionParams {
  return record as TransitionParams;
}

function holds(guard: Condition, record: TransitionParams, params: TransitionParams): boolean {
  const actual = record[guard.field];
  if (guard.is === 'absent') return actual === undefined;
  if (guard.is === 'present') return actual !== undefined;
  const wanted = params[guard.to];
  if (guard.is === 'lacks') return !namesIn(actual).includes(wanted);
  if (guard.is === 'lists' || guard.is === 'includes') {
    return wanted === undefined || namesFit(guard.is, namesIn(actual), wanted as readonly string[]);
  }
  if (guard.is === 'same') return isSame(actual, wanted);
  if (guard.is === 'differs') return !isSame(actual, wanted);
  if (guard.is === 'equal') return actual !== undefined && isSame(actual, wanted);
  if (guard.is === 'atMost') return actual !== undefined && Number(actual) <= Number(wanted);
  const difference = Number(actual ?? 0) - Number(wanted);
  return guard.is === 'below' ? difference < 0 : difference >= 0;
}

/** The names of what a list holds. */
function namesIn(list: unknown): readonly unknown[] {
  return ((list ?? []) as readonly { readonly name: unknown }[]).map(({ name }) => name);
}

function namesFit(
  is: 'lists' | 'includes',
  names: readonly unknown[],
  wanted: readonly string[],
): boolean {
  if (is === 'includes') return wanted.every((name) => names.includes(name));
  return names.length === wanted.length && wanted.every((name, index) => names[index] === name);
}

/** Two dates of one time are the same. */
function isSame(actual: unknown, wanted: unknown): boolean {
  if (isDate(actual) && isDate(wanted)) {
    return actual.getTime() === wanted.getTime();
  }
  return actual === wanted;
}

/** What a row writes, as it is gone through. */
interface Effects {
  readonly to: string;
  readonly set: readonly (readonly [field: string, param: string])[];
  readonly replace: readonly (readonly [field: string, param: string])[];
  readonly append: readonly (readonly [field: string, appended: Appended])[];
  readonly reset: readonly string[];
  readonly increment: readonly string[];
  readonly clear: ReadonlySet<string>;
}

function effectsOf(row: TransitionRow<string>): Effects {
  const { to, set = {}, replace = {}, append = {}, reset = [], increment = [], clear } = row;
  return {
    ...{ to, reset, increment, clear: new Set(clear) },
    set: Object.entries(set),
    replace: Object.entries(replace),
    append: Object.entries(append),
  };
}

function withEffects<R extends LifecycleRecord<string>>(
  { to, set, replace, append, reset, increment, clear }: Effects,
  record: R,
  params: TransitionParams,
): R {
  const fields = fieldsOf(record);
  const next = without(fields, clear);
  if (to !== STAYS) next.status = to;
  for (const [field, param] of set) {
    const value = params[param];
    // A parameter that is not given leaves its field alone, as an update in MongoDB does.
    if (value !== undefined) next[field] = value;
  }
  for (const [field, param] of replace) {
    if (params[param] === undefined) delete next[field];
    else next[field] = params[param];
  }
  for (const [field, { from, most }] of append) {
    const items = params[from] as readonly unknown[] | undefined;
    if (items !== undefined) {
      next[field] = [...storedList(fields[field]), ...items].slice(-most);
    }
  }
  for (const field of reset) next[field] = 0;
  for (const field of increment) next[field] = Number(fields[field] ?? 0) + 1;
  return next as R;
}

/** A copy without some fields. To delete them from a copy would make every later use of it slow. */
function without(record: TransitionParams, fields: ReadonlySet<string>): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const field in record) {
    if (!fields.has(field)) copy[field] = record[field];
  }
  return copy;
}
