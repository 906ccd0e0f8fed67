/**
 * Every filter and update the MongoDB ledger sends, as pure functions. The ones that change a job's state are derived
 * from the lifecycle table; `indexes.ts` names the index that serves each.
 *
 * @module
 */
import type { Document, ObjectId } from 'mongodb';
import type { Job } from '../../job.ts';
import {
  type Condition,
  JOB_LIFECYCLE,
  type JobVerb,
  type TransitionParams,
} from '../../lifecycle.ts';
import { SUSPECT_RESCUE_COUNT } from '../ledger-repository.ts';
import { type Settlement, settlementParams } from '../settlement.ts';

/** One statement of an update command. */
export interface UpdateStatement {
  readonly q: Document;
  readonly u: Document;
  readonly multi: boolean;
  readonly hint: string;
}

/** Left to choose, the planner may take another index for a list of ids, and walk through all that it holds. */
const ID_INDEX = '_id_';

const OPERATORS = { equal: '$eq', atMost: '$lte' } as const;

/** The part of a filter that lets a verb touch only jobs it applies to. */
export function transitionFilter(verb: JobVerb, params: TransitionParams): Document {
  const { from, guards = [] } = JOB_LIFECYCLE.transitions[verb];
  const filter: Document = { status: from.length === 1 ? from[0] : { $in: from } };
  for (const guard of guards) filter[guard.field] = guardFilter(guard, params);
  return filter;
}

/** An absent number counts as zero; a plain comparison matches no absent field, a negated one does. */
function guardFilter(guard: Condition, params: TransitionParams): Document {
  switch (guard.is) {
    case 'absent':
      return { $exists: false };
    case 'present':
      return { $exists: true };
    case 'below': {
      const bound = params[guard.to];
      return Number(bound) > 0 ? { $not: { $gte: bound } } : { $lt: bound };
    }
    case 'atLeast': {
      const bound = params[guard.to];
      return Number(bound) > 0 ? { $gte: bound } : { $not: { $lt: bound } };
    }
    default:
      return { [OPERATORS[guard.is]]: params[guard.to] };
  }
}

/** What a verb writes. */
export function transitionUpdate(verb: JobVerb, params: TransitionParams): Document {
  const { to, set = {}, increment = [], clear = [] } = JOB_LIFECYCLE.transitions[verb];
  const fields = Object.entries(set).map(([field, param]) => [field, params[param]]);
  return {
    $set: { status: to, ...Object.fromEntries(fields) },
    ...(increment.length > 0 && { $inc: constant(increment, 1) }),
    ...(clear.length > 0 && { $unset: constant(clear, '') }),
  };
}

function constant(fields: readonly string[], value: unknown): Document {
  return Object.fromEntries(fields.map((field) => [field, value]));
}

/** Pending jobs of these names that are due, without suspects or nothing but suspects. */
export function claimableFilter(names: readonly string[], now: Date, suspects: boolean): Document {
  return {
    ...transitionFilter('claim', { now }),
    name: { $in: names },
    rescueCount: suspectFilter(suspects),
  };
}

/** `$exists` lets the suspects' query use its partial index. */
function suspectFilter(suspects: boolean): Document {
  return suspects
    ? { $exists: true, $gte: SUSPECT_RESCUE_COUNT }
    : { $not: { $gte: SUSPECT_RESCUE_COUNT } };
}

/** The order in which jobs are claimed. */
export const CLAIM_ORDER: Readonly<Record<string, 1>> = Object.freeze({
  priority: 1,
  nextRunAt: 1,
  _id: 1,
});

/** Claims those of the candidates that nobody else took since they were found. */
export function claimStatement(
  ids: readonly ObjectId[],
  params: { claimToken: string; instanceId: string; now: Date; suspects: boolean },
): UpdateStatement {
  return {
    q: {
      _id: { $in: ids },
      ...transitionFilter('claim', params),
      rescueCount: suspectFilter(params.suspects),
    },
    u: transitionUpdate('claim', params),
    multi: true,
    hint: ID_INDEX,
  };
}

/** The claims of one instance, or only those under one token. */
export function claimsFilter(instanceId: string, claimToken?: string): Document {
  return {
    status: 'processing',
    claimedBy: instanceId,
    ...(claimToken !== undefined && { claimToken }),
  };
}

/** The next instance that holds a claim, in the order of ids, beyond those that are known. */
export function claimantFilter(except: readonly string[], beyond: string): Document {
  return { status: 'processing', claimedBy: { $gt: beyond, $nin: except } };
}

/** Pending jobs of these names that become due within a window. */
export function dueWindowFilter(names: readonly string[], after: Date, until: Date): Document {
  return {
    status: 'pending',
    name: { $in: names },
    nextRunAt: { $gt: after, $lte: until },
  };
}

/** The jobs that hold unique locks: by name, so that each name is one scan of the unique index. */
export function holdersFilter(jobs: readonly Pick<Job, 'name' | 'uniqueLock'>[]): Document {
  const locksByName = new Map<string, (string | undefined)[]>();
  for (const { name, uniqueLock } of jobs) {
    locksByName.set(name, [...(locksByName.get(name) ?? []), uniqueLock]);
  }
  const byName = [...locksByName].map(([name, locks]) => ({ name, uniqueLock: { $in: locks } }));
  return byName.length === 1 ? { ...byName[0] } : { $or: byName };
}

/**
 * The statements of a group of settlements. Those that write the same values under the same claim become one; a
 * statement for a single job is `multi` all the same, which spares the server a retry record for each.
 */
export function settleStatements(settlements: readonly Settlement[], now: Date): UpdateStatement[] {
  const groups = new Map<string, { first: Settlement; ids: ObjectId[] }>();
  for (const settlement of settlements) {
    const alike = settlement.verb === 'retry' || settlement.verb === 'fail';
    const own = alike ? settlement.jobId.toHexString() : '';
    const key = `${settlement.verb} ${settlement.claimToken} ${own}`;
    const group = groups.get(key);
    if (group) group.ids.push(settlement.jobId);
    else groups.set(key, { first: settlement, ids: [settlement.jobId] });
  }
  return [...groups.values()].map(({ first, ids }) =>
    guardedStatement(first.verb, ids, settlementParams(first, now)),
  );
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
  };
}

/** The change stream's stages: jobs that become pending, and requests to cancel; no more of them than is needed. */
export function hintPipeline(): Document[] {
  const updated = 'updateDescription.updatedFields';
  return [
    {
      $match: {
        $or: [
          { operationType: 'insert' },
          { operationType: 'update', [`${updated}.status`]: 'pending' },
          { operationType: 'update', [`${updated}.cancelRequestedAt`]: { $exists: true } },
        ],
      },
    },
    {
      $project: {
        operationType: 1,
        'documentKey._id': 1,
        'fullDocument.name': 1,
        'fullDocument.nextRunAt': 1,
        [`${updated}.nextRunAt`]: 1,
        [`${updated}.cancelRequestedAt`]: 1,
      },
    },
  ];
}
