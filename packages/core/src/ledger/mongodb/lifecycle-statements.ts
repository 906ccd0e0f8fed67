/**
 * The rows of the lifecycle table of a job as statements of MongoDB. Every write that changes a job is derived here.
 *
 * @module
 */
import type { Document, ObjectId } from 'mongodb';
import { JOB_LIFECYCLE, type JobVerb } from '../../job/job-lifecycle.ts';
import type { TransitionParams, TransitionRow } from '../../job/lifecycle.ts';
import { rowCoercion, rowFilter, rowUpdate } from './table/row-statements.ts';

/** One statement of an update command. */
export interface UpdateStatement {
  readonly q: Document;
  readonly u: Document;
  readonly multi: boolean;
  readonly hint: string;
  /** The same change for a document in which something else stands where a number or a list belongs. */
  readonly coerced?: () => Document[];
}

/** Left to choose, the planner may take another index for a list of ids, and walk through all that it holds. */
export const ID_INDEX = '_id_';

/** The same, for commands that the driver takes no name of an index for. */
export const ID_KEY: Readonly<Record<string, 1>> = Object.freeze({ _id: 1 });

/** The part of a filter that lets a verb touch only jobs it applies to. */
export function transitionFilter(verb: JobVerb, params: TransitionParams): Document {
  return rowFilter(rowOf(verb), params);
}

/** What a verb writes. */
export function transitionUpdate(verb: JobVerb, params: TransitionParams): Document {
  return rowUpdate(rowOf(verb), params);
}

/** The same for a document whose numbers or lists another program spoiled: see `rowCoercion`. */
export function coercingUpdate(verb: JobVerb, params: TransitionParams): Document[] {
  return rowCoercion(rowOf(verb), params);
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
    coerced: () => coercingUpdate(verb, params),
  };
}

/** The row without the types of its literals. */
function rowOf(verb: JobVerb): TransitionRow<string> {
  return JOB_LIFECYCLE.transitions[verb];
}
