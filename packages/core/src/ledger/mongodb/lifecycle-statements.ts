/**
 * The rows of the lifecycle table as filters and updates of MongoDB. Every write that changes a job is derived here.
 *
 * What always holds: a filter carries every guard of its row, so that the server itself refuses what does not apply;
 * and a field that holds null, which only another program can have written, counts as absent.
 *
 * @module
 */
import type { Document, ObjectId } from 'mongodb';
import { JOB_LIFECYCLE, type JobVerb } from '../../job/job-lifecycle.ts';
import {
  type Condition,
  STAYS,
  type TransitionParams,
  type TransitionRow,
} from '../../job/lifecycle.ts';

/** One statement of an update command. */
export interface UpdateStatement {
  readonly q: Document;
  readonly u: Document;
  readonly multi: boolean;
  readonly hint: string;
  /** The same change for a document in which something else stands where a number or a list belongs. */
  readonly repair?: () => Document[];
}

/** Left to choose, the planner may take another index for a list of ids, and walk through all that it holds. */
export const ID_INDEX = '_id_';

/** The same, for commands that the driver takes no name of an index for. */
export const ID_KEY: Readonly<Record<string, 1>> = Object.freeze({ _id: 1 });

/** The part of a filter that lets a verb touch only jobs it applies to. */
export function transitionFilter(verb: JobVerb, params: TransitionParams): Document {
  const { from, guards = [] } = JOB_LIFECYCLE.transitions[verb];
  const filter: Document = { status: from.length === 1 ? from[0] : { $in: from } };
  for (const guard of guards) {
    if (guard.is === 'lists') Object.assign(filter, listFilter(guard, params));
    else if (!isUnbound(guard, params)) filter[guard.field] = guardFilter(guard, params);
  }
  return filter;
}

/** Jobs without stages have filters without them. */
function isUnbound(guard: Condition, params: TransitionParams): boolean {
  return guard.is === 'includes' && params[guard.to] === undefined;
}

/** Just these names in this order; nothing where none are given. An empty list counts as absent. */
function listFilter(
  { field, to }: { readonly field: string; readonly to: string },
  params: TransitionParams,
): Document {
  const names = params[to] as readonly string[] | undefined;
  if (names === undefined) return {};
  if (names.length === 0) return { [field]: { $in: [null, []] } };
  const items = names.map((name, index) => [`${field}.${index}.name`, { $eq: name }] as const);
  return { [field]: { $size: names.length }, ...Object.fromEntries(items) };
}

/** An absent number counts as zero; a plain comparison matches no absent field, a negated one does. */
function guardFilter(guard: Condition, params: TransitionParams): Document {
  if (guard.is === 'absent') return { $eq: null };
  if (guard.is === 'present') return { $ne: null };
  const bound = params[guard.to];
  switch (guard.is) {
    case 'below':
      return Number(bound) > 0 ? { $not: { $gte: bound } } : { $lt: bound };
    case 'atLeast':
      return Number(bound) > 0 ? { $gte: bound } : { $not: { $lt: bound } };
    case 'atMost':
      return { $lte: bound };
    case 'differs':
      return { $ne: bound ?? null };
    case 'lacks':
      return { $not: { $elemMatch: named(bound) } };
    case 'includes':
      return includingFilter(bound as readonly string[]);
    default:
      // Left undefined, the driver would send a comparison with an empty object.
      return { $eq: bound ?? null };
  }
}

/** A list without an item would make a condition that no document fulfils. */
function includingFilter(names: readonly string[]): Document {
  if (names.length === 0) return { $nin: [] };
  return { $all: names.map((name) => ({ $elemMatch: named(name) })) };
}

function named(name: unknown): Document {
  return { name: { $eq: name } };
}

/** What a verb writes. */
export function transitionUpdate(verb: JobVerb, params: TransitionParams): Document {
  const { to, append = {}, reset = [], increment = [], clear = [] } = rowOf(verb);
  const { given, left } = assignments(verb, params);
  const push = Object.entries(append).flatMap(([field, { from, most }]) => {
    const $each = params[from];
    return $each === undefined ? [] : [[field, { $each, $slice: -most }] as const];
  });
  const unset = [...left, ...clear];
  return {
    $set: { ...stateOf(to), ...given, ...constant(reset, 0) },
    ...(push.length > 0 && { $push: Object.fromEntries(push) }),
    ...(increment.length > 0 && { $inc: constant(increment, 1) }),
    ...(unset.length > 0 && { $unset: constant(unset, '') }),
  };
}

/**
 * What {@link transitionUpdate} writes, for a document that the server refuses to raise a number or to lengthen a list
 * of, since another program left something else there: what is no number counts as zero, what is no list as empty.
 */
export function repairingUpdate(verb: JobVerb, params: TransitionParams): Document[] {
  const { to, append = {}, reset = [], increment = [], clear = [] } = rowOf(verb);
  const { given, left } = assignments(verb, params);
  const $set: Document = { ...stateOf(to), ...constant(reset, 0) };
  for (const [field, value] of Object.entries(given)) $set[field] = { $literal: value };
  for (const field of increment) {
    const path = `$${field}`;
    $set[field] = { $add: [{ $cond: [{ $isNumber: path }, path, 0] }, 1] };
  }
  for (const [field, { from, most }] of Object.entries(append)) {
    const path = `$${field}`;
    const kept = { $cond: [{ $isArray: path }, path, []] };
    const all = { $concatArrays: [kept, { $literal: params[from] ?? [] }] };
    $set[field] = { $slice: [all, -most] };
  }
  const $unset = [...left, ...clear];
  return [{ $set }, ...($unset.length > 0 ? [{ $unset }] : [])];
}

/** A verb applied to these jobs, under all its guards. */
export function guardedStatement(
  verb: JobVerb,
  ids: readonly ObjectId[],
  params: TransitionParams,
): UpdateStatement {
  const _id = ids.length === 1 ? ids[0] : { $in: ids };
  return {
    q: { _id, ...transitionFilter(verb, params) },
    u: transitionUpdate(verb, params),
    multi: true,
    hint: ID_INDEX,
    repair: () => repairingUpdate(verb, params),
  };
}

function stateOf(to: string): Document {
  return to === STAYS ? {} : { status: to };
}

/** The row without the types of its literals. */
function rowOf(verb: JobVerb): TransitionRow<string> {
  return JOB_LIFECYCLE.transitions[verb];
}

/** The fields that get a value, and those that are removed since none was given for them. */
function assignments(
  verb: JobVerb,
  params: TransitionParams,
): { readonly given: Document; readonly left: readonly string[] } {
  const { set = {}, replace = {} } = rowOf(verb);
  const given: Document = {};
  const left: string[] = [];
  for (const [field, param] of [...Object.entries(set), ...Object.entries(replace)]) {
    if (params[param] !== undefined) given[field] = params[param];
    else if (field in replace) left.push(field);
  }
  return { given, left };
}

function constant(fields: readonly string[], value: unknown): Document {
  return Object.fromEntries(fields.map((field) => [field, value]));
}
