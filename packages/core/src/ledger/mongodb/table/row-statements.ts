/**
 * The rows of any lifecycle table as filters and updates of MongoDB: of the jobs, and of every other record that a
 * table made by `defineLifecycle` describes.
 *
 * What always holds: a filter carries every guard of its row, so that the server itself refuses what does not apply;
 * and a field that holds null, which only another program can have written, counts as absent.
 *
 * @module
 */
import type { Document } from 'mongodb';
import {
  type Condition,
  STAYS,
  type TransitionParams,
  type TransitionRow,
} from '../../../job/lifecycle.ts';

/**
 * The part of a filter that lets a verb touch only records it applies to: their state, and every guard of the row.
 *
 * @param row - of a table made by `defineLifecycle`
 * @param params - what the guards compare with, by name
 */
export function rowFilter(row: TransitionRow<string>, params: TransitionParams): Document {
  const { from, guards = [] } = row;
  const filter: Document = { status: from.length === 1 ? from[0] : { $in: from } };
  for (const guard of guards) {
    if (guard.is === 'lists') Object.assign(filter, listFilter(guard, params));
    else if (!isUnbound(guard, params)) filter[guard.field] = guardFilter(guard, params);
  }
  return filter;
}

/** Records without such a list have filters without them. */
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

/**
 * The update that a verb sends for the records that {@link rowFilter} lets it touch. A row that changes nothing but the
 * record's other fields has no state in it.
 */
export function rowUpdate(row: TransitionRow<string>, params: TransitionParams): Document {
  const { to, append = {}, reset = [], increment = [], clear = [] } = row;
  const { given, left } = assignments(row, params);
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
 * What {@link rowUpdate} writes, for a document that the server refuses to raise a number or to lengthen a list of,
 * since another program left something else there: what is no number counts as zero, what is no list as empty.
 */
export function rowCoercion(row: TransitionRow<string>, params: TransitionParams): Document[] {
  const { to, append = {}, reset = [], increment = [], clear = [] } = row;
  const { given, left } = assignments(row, params);
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

function stateOf(to: string): Document {
  return to === STAYS ? {} : { status: to };
}

/** The fields that get a value, and those that are removed since none was given for them. */
function assignments(
  row: TransitionRow<string>,
  params: TransitionParams,
): { readonly given: Document; readonly left: readonly string[] } {
  const { set = {}, replace = {} } = row;
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
